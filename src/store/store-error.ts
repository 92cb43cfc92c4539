import { berthError } from '../base/errors.ts';

/** Primary result codes of SQLite (sqlite.org/rescode): the low byte of what it reports. */
const CODE = { busy: 5, locked: 6, full: 13, constraint: 19 } as const;

/**
 * A failure of SQLite as a coded error: BERTH_DISK_FULL, BERTH_BUSY when another process has the
 * file, else BERTH_STORE. A broken constraint, and what is not SQLite's, is passed on as it is.
 */
export function storeError(error: unknown, path: string): unknown {
  const number = sqliteCode(error);
  switch (number) {
    case undefined:
    case CODE.constraint:
      return error;
    case CODE.full:
      return berthError('BERTH_DISK_FULL', { what: 'the journal', path }, { cause: error });
    case CODE.busy:
    case CODE.locked:
      return berthError(
        'BERTH_BUSY',
        { what: `the store ${path}`, holder: 'another server uses it' },
        { cause: error },
      );
    default: {
      const problem = error instanceof Error ? error.message : String(error);
      return berthError('BERTH_STORE', { path, problem }, { cause: error });
    }
  }
}

/** Node's own errors of SQLite carry its result code as `errcode`. */
function sqliteCode(error: unknown): number | undefined {
  const code = error instanceof Error && 'errcode' in error ? error.errcode : undefined;
  return typeof code === 'number' ? code & 0xff : undefined;
}
