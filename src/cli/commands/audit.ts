import type { Command } from 'commander';
import { parseDuration } from '../../base/duration.ts';
import { berthError } from '../../base/errors.ts';
import type { AuditQuery, AuditView } from '../../api/access.ts';
import type { Session } from '../session.ts';
import { leaf } from './leaf.ts';

interface AuditFlags {
  readonly actor?: string;
  readonly action?: string;
  readonly target?: string;
  readonly since?: string;
  readonly limit: string;
}

const PAGE_MAX = 1000;

/** `audit`. */
export function registerAudit(program: Command, session: Session): void {
  leaf(program, 'audit', {
    does: 'Show who did what, and who was refused, the newest first',
    examples: [
      ['berth audit --since 1d', 'of the last day'],
      ['berth audit --actor ci --json', 'all that one token did, with what it changed'],
      ["berth audit --target 'vm db1'", 'all that was done to one VM'],
    ],
  })
    .option('--actor <name>', 'the name of a token, or owner')
    .option('--action <action>', 'such as createVm')
    .option('--target <target>', "such as 'vm db1'")
    .option('--since <time>', 'how far back: 90s, 30m, 6h or 2d; or a date, such as 2026-01-31')
    .option('--limit <count>', 'how many at most', '50')
    .action(async (flags: AuditFlags) => showAudit(session, flags));
}

async function showAudit(session: Session, flags: AuditFlags): Promise<void> {
  const { actor, action, target } = flags;
  const wanted = countOf(flags.limit);
  const since = flags.since === undefined ? undefined : momentOf(flags.since, session.ports.now());
  const audit = await newest(session, { actor, action, target, since }, wanted);
  await session.answer({ audit }, async () => {
    const { auditTable } = await import('../audit-table.ts');
    return `${auditTable(audit, session.out).join('\n')}\n`;
  });
}

/** Pages until there are enough. */
async function newest(
  session: Session,
  query: AuditQuery,
  wanted: number,
): Promise<readonly AuditView[]> {
  const client = await session.client();
  const found: AuditView[] = [];
  let cursor: string | undefined;
  do {
    const limit = Math.min(PAGE_MAX, wanted - found.length);
    const page = await client.audit({ ...query, limit, cursor }, session.ports.signal);
    found.push(...page.audit);
    cursor = page.next;
  } while (cursor !== undefined && found.length < wanted);
  return found;
}

function countOf(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw berthError('BERTH_SPEC_INVALID', {
    where: '--limit',
    problem: `"${text}" is not a count`,
    expected: 'a whole number from 1 to 9999999',
  });
}

/** A moment in milliseconds since the epoch. */
function momentOf(text: string, now: number): number {
  const moment = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(moment) ? now - parseDuration(text, '--since') : moment;
}
