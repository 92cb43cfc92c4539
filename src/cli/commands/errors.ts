import type { Command } from 'commander';
import { berthError, ERRORS, isErrorCode } from '../../base/errors.ts';
import type { ErrorCode } from '../../base/errors.ts';
import { painter } from '../look.ts';
import type { Session } from '../session.ts';
import { leaf } from './leaf.ts';

/** `errors`: the registry, so that a script's author can look up what a code means. */
export function registerErrors(program: Command, session: Session): void {
  leaf(program, 'errors [code]', {
    does: 'List every error Berth can report, with its exit code',
    examples: [
      ['berth errors', 'all of them'],
      ['berth errors BERTH_REFUSED', 'one of them'],
    ],
  }).action(async (code: string | undefined) => listErrors(session, code));
}

async function listErrors(session: Session, code: string | undefined): Promise<void> {
  const known = Object.keys(ERRORS).filter(isErrorCode);
  if (code !== undefined && !isErrorCode(code)) {
    throw berthError('BERTH_NOT_FOUND', { kind: 'error code', name: code, known });
  }
  const errors = (code === undefined ? known : [code]).map(entryOf);
  await session.answer({ errors }, async () => {
    const { tableLines } = await import('../table.ts');
    const columns = [
      { title: 'CODE' },
      { title: 'EXIT', align: 'right' },
      { title: 'WHEN' },
    ] as const;
    const rows = errors.map((entry) => [entry.code, `${entry.exit}`, entry.when]);
    return `${tableLines(columns, rows, painter(session.out).dim).join('\n')}\n`;
  });
}

function entryOf(code: ErrorCode): { code: ErrorCode; exit: number; http: number; when: string } {
  const { exit, http, when } = ERRORS[code];
  return { code, exit, http, when };
}
