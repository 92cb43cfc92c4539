import type { Seat } from './host.ts';
import type { MemoryShare } from './placement.ts';

/**
 * The seat of a VM that sits in one place now and in another from its next start on: whatever either
 * of them takes. So nobody else is given what it is going to need, nor what it still has.
 */
export function joinedSeat(now: Seat, next: Seat): Seat {
  const [less, more] = now.floating.vcpus > next.floating.vcpus ? [next, now] : [now, next];
  const dedicated = union(now.dedicated, next.dedicated, (a, b) => a - b);
  const pci = union(now.pci, next.pci, (a, b) => (a < b ? -1 : 1));
  return {
    ...now,
    ...next,
    running: now.running,
    dedicated,
    floating: more.floating.vcpus === 0 ? less.floating : more.floating,
    memory: joinedMemory(now.memory, next.memory),
    overheadBytes: Math.max(now.overheadBytes, next.overheadBytes),
    ...(pci.length === 0 ? {} : { pci }),
  };
}

function union<T>(
  a: readonly T[] | undefined,
  b: readonly T[] | undefined,
  order: (one: T, other: T) => number,
): readonly T[] {
  return [...new Set([...(a ?? []), ...(b ?? [])])].toSorted(order);
}

/** From each pool of pages the larger of both shares: the VM never has both at once. */
function joinedMemory(
  now: readonly MemoryShare[],
  next: readonly MemoryShare[],
): readonly MemoryShare[] {
  const [before, after] = [poolsOf(now), poolsOf(next)];
  const keys = new Set([...before.keys(), ...after.keys()]);
  return [...keys].flatMap((key) => {
    const [a, b] = [before.get(key), after.get(key)];
    return (a?.bytes ?? 0) >= (b?.bytes ?? 0) ? (a ?? []) : (b ?? []);
  });
}

/** Guest cells may have shares of one pool each: they count together. */
function poolsOf(shares: readonly MemoryShare[]): ReadonlyMap<string, MemoryShare> {
  const pools = new Map<string, MemoryShare>();
  for (const share of shares) {
    const key = `${share.cell ?? 'any'} ${share.pageKiB}`;
    const bytes = (pools.get(key)?.bytes ?? 0) + share.bytes;
    pools.set(key, { ...share, bytes });
  }
  return pools;
}
