import type { AuditView } from '../api/access.ts';
import { painter } from './look.ts';
import type { Look } from './look.ts';
import { printable } from './printable.ts';
import { tableLines } from './table.ts';

/** The table of `audit`. */
export function auditTable(views: readonly AuditView[], look: Look): readonly string[] {
  const c = painter(look);
  if (views.length === 0) return [c.dim('nothing was done')];
  const titles = ['WHEN (UTC)', 'WHO', 'FROM', 'WHAT', 'TO', 'OUTCOME'];
  const rows = printable(views).map((entry) => [
    new Date(entry.at).toISOString().slice(0, 19).replace('T', ' '),
    entry.actor,
    entry.address ?? 'socket',
    entry.action,
    entry.target === '' ? '-' : entry.target,
    entry.code === undefined ? c.green('let in') : c.red(entry.code),
  ]);
  return tableLines(
    titles.map((title) => ({ title })),
    rows,
    c.dim,
  );
}
