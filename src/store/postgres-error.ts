import { DatabaseError } from 'pg';
import { berthError, isBerthError } from '../base/errors.ts';

/** Codes that PostgreSQL answers (manual, appendix A) and what they mean for a statement. */
const SQLSTATE = {
  diskFull: '53100',
  readOnly: '25006',
  adminShutdown: '57P01',
} as const;

/** Somebody else holds what the statement needs: deadlock, serialization, a lock not to be had. */
const HELD = new Set(['40P01', '40001', '55P03']);
/** Classes of what passes: connection exceptions, too little of something, an operator's hand. */
const PASSING_CLASSES = ['08', '53', '57'];

/**
 * A failure of PostgreSQL as a coded error: BERTH_DISK_FULL, BERTH_BUSY, BERTH_STORE_UNREACHABLE for
 * what passes by itself, else BERTH_STORE. A broken constraint is passed on as it is.
 * @param where the address without its password
 */
export function postgresError(error: unknown, where: string): unknown {
  if (isBerthError(error)) return error;
  const code = sqlState(error);
  const problem = problemOf(error);
  if (code === SQLSTATE.diskFull) {
    return berthError('BERTH_DISK_FULL', { what: 'the journal', path: where }, { cause: error });
  }
  if (code !== undefined && HELD.has(code)) {
    return berthError(
      'BERTH_BUSY',
      { what: `the store ${where}`, holder: problem },
      { cause: error },
    );
  }
  if (
    code === undefined ||
    code === SQLSTATE.readOnly ||
    PASSING_CLASSES.includes(code.slice(0, 2))
  ) {
    return berthError(
      'BERTH_STORE_UNREACHABLE',
      { store: where, reason: problem },
      { cause: error },
    );
  }
  if (code.startsWith('23')) return error;
  return berthError('BERTH_STORE', { path: where, problem }, { cause: error });
}

/** True when the database has refused or rolled back the statement, so that it can be sent again. */
export function isCertainlyNotExecuted(error: unknown): boolean {
  const code = sqlState(error);
  return code === SQLSTATE.readOnly || code === SQLSTATE.adminShutdown;
}

/** True when the connection is of no use any more, or leads to a server that cannot be written to. */
export function isConnectionLost(error: unknown): boolean {
  const code = sqlState(error);
  return code === undefined || code === SQLSTATE.readOnly || /^(08|57P)/.test(code);
}

/** What the server answered has a code; an error of the way to it has none. */
function sqlState(error: unknown): string | undefined {
  return error instanceof DatabaseError ? error.code : undefined;
}

/** A connection refused by every address of a name has its reasons inside. */
function problemOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(problemOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
