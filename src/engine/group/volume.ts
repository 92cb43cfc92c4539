import { KIB } from '../../base/units.ts';
import type { Ledger } from '../ledger.ts';
import { roomBytes, roomPages } from '../ledger.ts';
import type { PlacementRequest } from '../request.ts';

/**
 * Amounts over all hosts: dedicated pCPUs, cores that nobody uses, ordinary bytes bound to cells,
 * huge pages by their size in KiB.
 */
export interface Volume {
  readonly pcpus: number;
  readonly cores: number;
  readonly bytes: number;
  readonly pages: ReadonlyMap<number, number>;
}

/** All that is free. */
export function volumeOf(ledgers: readonly Ledger[]): Volume {
  let [pcpus, cores, bytes] = [0, 0, 0];
  const pages = new Map<number, number>();
  for (const ledger of ledgers) {
    pcpus += ledger.free.size;
    for (const cell of ledger.shape.cells) {
      cores += cell.cores.filter(({ cpus }) => cpus.every((cpu) => ledger.free.has(cpu))).length;
    }
    for (const cell of ledger.cells) {
      bytes += Math.max(0, roomBytes(cell));
      for (const { sizeKiB } of cell.pools) {
        pages.set(sizeKiB, (pages.get(sizeKiB) ?? 0) + roomPages(cell, sizeKiB));
      }
    }
  }
  return { pcpus, cores, bytes, pages };
}

/** Of what some number is the least and the most on any of the hosts. */
interface Bounds {
  readonly least: number;
  readonly most: number;
}

/** How the hosts differ that requests may go to. */
export interface HostBounds {
  /** Threads of a core. */
  readonly threads: Bounds;
  /** Sizes of an ordinary page, in KiB. */
  readonly basePageKiB: Bounds;
}

/** How these hosts differ. */
export function boundsOf(ledgers: readonly Ledger[]): HostBounds {
  return {
    threads: boundsAmong(ledgers.flatMap(({ shape }) => [shape.leastThreads, shape.threads])),
    basePageKiB: boundsAmong(ledgers.map(({ shape }) => shape.basePageKiB)),
  };
}

function boundsAmong(numbers: readonly number[]): Bounds {
  return { least: Math.min(...numbers), most: Math.max(...numbers) };
}

/** The least that requests take wherever they sit; what may be shared counts nothing. */
export function leastVolume(
  requests: readonly PlacementRequest[],
  { threads, basePageKiB }: HostBounds,
): Volume {
  let [pcpus, cores, bytes] = [0, 0, 0];
  const pages = new Map<number, number>();
  for (const { policy, threads: wanted, vcpus, memoryBytes, memoryMode, pageKiB } of requests) {
    if (policy !== 'dedicated') continue;
    pcpus += wanted === 'isolate' ? vcpus * threads.least : vcpus;
    if (wanted === 'isolate') cores += vcpus;
    if (wanted === 'require') cores += vcpus / threads.most;
    if (memoryMode !== undefined && memoryMode !== 'strict') continue;
    // Pages that are ordinary on some hosts and huge on others are counted on neither.
    if (pageKiB === undefined || pageKiB <= basePageKiB.least) bytes += memoryBytes;
    else if (pageKiB > basePageKiB.most)
      pages.set(pageKiB, (pages.get(pageKiB) ?? 0) + memoryBytes / (pageKiB * KIB));
  }
  return { pcpus, cores, bytes, pages };
}

/** Whether there is as much of everything as is needed; of pages in no pool nothing is said. */
export function covers(free: Volume, need: Volume): boolean {
  return (
    need.pcpus <= free.pcpus &&
    need.cores <= free.cores &&
    need.bytes <= free.bytes &&
    [...need.pages].every(([sizeKiB, count]) => count <= (free.pages.get(sizeKiB) ?? count))
  );
}
