import type { TokenView } from '../api/access.ts';
import { ageText } from './age.ts';
import { painter } from './look.ts';
import type { Look } from './look.ts';
import { printable } from './printable.ts';
import { tableLines } from './table.ts';

/** The table of `token ls`. */
export function tokenTable(
  views: readonly TokenView[],
  look: Look,
  now: number,
): readonly string[] {
  const c = painter(look);
  if (views.length === 0) return [c.dim('no token yet')];
  const titles = ['NAME', 'ROLE', 'SCOPE', 'ENDS', 'USED', 'MADE', 'ID'];
  const rows = printable(views).map((token) => [
    token.name,
    token.role,
    token.scope ?? 'all',
    endText(token.expiresAt, now),
    token.usedAt === undefined ? 'never' : ageText(token.usedAt, now),
    ageText(token.createdAt, now),
    token.id,
  ]);
  return tableLines(
    titles.map((title) => ({ title })),
    rows,
    c.dim,
  );
}

function endText(expiresAt: number | undefined, now: number): string {
  if (expiresAt === undefined) return 'never';
  if (expiresAt <= now) return 'has ended';
  return new Date(expiresAt).toISOString().slice(0, 16).replace('T', ' ');
}
