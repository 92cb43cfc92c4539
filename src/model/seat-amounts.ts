import { KIB } from '../base/units.ts';
import type { HostSnapshot } from './host.ts';
import type { MemoryShare } from './placement.ts';
import { ORDINARY_PAGE_KIB } from './placement.ts';
import type { SnapshotProblem } from './snapshot-check.ts';
import type { HostTopology } from './topology.ts';

/**
 * Seats that somebody wrote down and that take more memory or pages than there are. What was seen on
 * a host is not asked: VMs that are stopped may well have more together.
 * @param first index of the first seat that was written; those before it only count.
 */
export function seatAmountProblems(
  { topology, policy, seats }: HostSnapshot,
  first: number,
): readonly SnapshotProblem[] {
  const taken = new Map<string, number>();
  return seats.flatMap((seat, index) =>
    seat.memory.flatMap(({ cell, bytes, pageKiB }, share) => {
      const place = { topology, cell, pageKiB, boundRatio: policy.boundRatio ?? 1 };
      const key = `${cell ?? 'any'} ${pageKiB}`;
      const sum = (taken.get(key) ?? 0) + bytes;
      taken.set(key, sum);
      const where = `seats[${index}].memory[${share}].bytes`;
      const problem = notWhole({ bytes, pageKiB }) ?? tooMuch(place, sum);
      return index < first || problem === undefined
        ? []
        : [{ where, problem: `${seat.vm}: ${problem}` }];
    }),
  );
}

function notWhole({ bytes, pageKiB }: Pick<MemoryShare, 'bytes' | 'pageKiB'>): string | undefined {
  if (bytes % (pageKiB * KIB) === 0) return undefined;
  return `${bytes} bytes are not whole pages of ${pageKiB} KiB`;
}

interface Place {
  readonly topology: HostTopology;
  /** Absent: anywhere on the host. */
  readonly cell: number | undefined;
  readonly pageKiB: number;
  readonly boundRatio: number;
}

/** Memory that is bound nowhere may be overcommitted; pages and memory of a cell may not. */
function tooMuch({ topology, cell, pageKiB, boundRatio }: Place, sum: number): string | undefined {
  const cells = topology.cells.filter(({ id }) => cell === undefined || id === cell);
  if (pageKiB !== ORDINARY_PAGE_KIB) {
    const pools = cells.flatMap(({ pages }) => pages.filter(({ sizeKiB }) => sizeKiB === pageKiB));
    const have = pools.reduce((total, pool) => total + pool.total, 0);
    const need = Math.ceil(sum / (pageKiB * KIB));
    const say = `with the seats before it takes ${need} pages of ${pageKiB} KiB, and there are ${have}`;
    return need <= have ? undefined : say;
  }
  if (cell === undefined) return undefined;
  const have = cells.reduce((total, { memoryBytes }) => total + memoryBytes, 0) * boundRatio;
  const say = `with the seats before it takes ${sum} bytes of cell ${cell}, which has ${have}`;
  return sum <= have ? undefined : say;
}
