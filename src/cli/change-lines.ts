import type { DriftView, VmChange } from '../api/change.ts';
import type { painter } from './look.ts';
import { tableLines } from './table.ts';

type Painter = ReturnType<typeof painter>;

/** Each change with what it costs. */
export function changeLines(changes: readonly VmChange[], c: Painter): readonly string[] {
  if (changes.length === 0) return [];
  const columns = [{ title: '  CHANGES' }, { title: 'FROM' }, { title: 'TO' }, { title: 'COSTS' }];
  const rows = changes.map(({ path, before, pending, after, cost, why }) => [
    `  ${path}`,
    pending === undefined ? (before ?? '-') : `${pending} (pending)`,
    after ?? '-',
    why === undefined ? cost : `${cost}: ${why}`,
  ]);
  return tableLines(columns, rows, c.dim);
}

/** Each difference with how to mend it. */
export function driftLines(drift: readonly DriftView[], c: Painter): readonly string[] {
  if (drift.length === 0) return [];
  const titles = ['  HAS DRIFTED', 'WANTED', 'IS', 'SAYS'];
  const rows = drift.map(({ what, wanted, is, source }) => [
    `  ${what}`,
    wanted,
    is,
    SOURCES[source],
  ]);
  const mends = [...new Set(drift.map(({ mend }) => mend))];
  return [
    ...tableLines(
      titles.map((title) => ({ title })),
      rows,
      c.dim,
    ),
    ...mends.map((mend) => `  ${c.dim('mend:')} ${mend}`),
  ];
}

const SOURCES = {
  definition: 'its definition',
  libvirt: 'libvirt',
  kernel: 'the kernel',
} as const;
