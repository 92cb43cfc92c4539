import { toSafeNumber } from '../base/units.ts';
import { nodeGetCellsFreeMemory, nodeGetFreeMemory, nodeGetFreePages } from '../libvirt/index.ts';
import { unlessRefused } from './host-link.ts';
import type { HostLink, Wait } from './host-link.ts';

/** A host's cells and page sizes, in libvirt's order. */
export interface MemoryPlan {
  readonly cellIds: readonly number[];
  readonly pageSizesKiB: readonly number[];
}

/** The most cells asked for at once; libvirt's own limit is 1024. */
const CELLS_ASKED_MAX = 1024;

/**
 * Free memory of each cell. libvirt answers for cells 0 to the highest; ids without a cell are left
 * out (libvirt 9.0, virhostmem.c). A driver that does not tell cells apart can still know what is free
 * on a host of one; where libvirt gives an error for that, too, nothing is known.
 */
export async function readFreeMemory(
  link: HostLink,
  { cellIds }: Pick<MemoryPlan, 'cellIds'>,
  wait: Wait,
): Promise<readonly { cell: number; bytes: number }[]> {
  const args = { startCell: 0, maxcells: CELLS_ASKED_MAX };
  const answer = await unlessRefused(link.call(nodeGetCellsFreeMemory, args, wait));
  const cells = answer?.cells ?? (await readWholeFree(link, cellIds, wait));
  return cellIds.flatMap((cell) => {
    const bytes = cells[cell];
    return bytes === undefined ? [] : [{ cell, bytes: toSafeNumber(bytes, 'free memory') }];
  });
}

/** What is free on a host whose only cell is 0; nothing for any other. */
async function readWholeFree(
  link: HostLink,
  cellIds: readonly number[],
  wait: Wait,
): Promise<readonly bigint[]> {
  if (cellIds.join() !== '0') return [];
  const answer = await unlessRefused(link.call(nodeGetFreeMemory, {}, wait));
  return answer === undefined ? [] : [answer.freeMem];
}

/**
 * Free pages of each pool: one call for all cells and sizes; where numbers have gaps, one a cell. Those
 * that libvirt gives an error for are left out.
 */
export async function readFreePages(
  link: HostLink,
  { cellIds, pageSizesKiB }: MemoryPlan,
  wait: Wait,
): Promise<readonly { cell: number; sizeKiB: number; free: number }[]> {
  if (pageSizesKiB.length === 0) return [];
  const dense = cellIds.every((id, index) => id === index);
  const ranges = dense ? [{ startCell: 0, cellCount: cellIds.length }] : cellIds.map(rangeOf);
  const answers = await Promise.all(
    ranges.map(async ({ startCell, cellCount }) => {
      const args = { pages: pageSizesKiB, startCell, cellCount, flags: 0 };
      const answer = await unlessRefused(link.call(nodeGetFreePages, args, wait));
      return (answer?.counts ?? []).map((count, index) => ({
        cell: startCell + Math.floor(index / pageSizesKiB.length),
        sizeKiB: pageSizesKiB[index % pageSizesKiB.length] ?? 0,
        free: toSafeNumber(count, 'free pages'),
      }));
    }),
  );
  return answers.flat();
}

function rangeOf(startCell: number): { startCell: number; cellCount: number } {
  return { startCell, cellCount: 1 };
}
