import type { Seat } from '../../model/host.ts';
import { subsetsOf } from '../subsets.ts';
import { bytesOf } from './seat-request.ts';

/** Which groups of VMs are worth asking about. */
export interface Leaving {
  /** So many VMs at most. */
  readonly most: number;
  /** Whether VMs with that much memory would still be better than what is known. */
  readonly isBetter: (bytes: number) => boolean;
  /** Whether they suffice. */
  readonly suffices: (group: readonly Seat[]) => boolean;
  /** Whether it may matter that more leave than a smaller group that suffices. */
  readonly moreMayHelp: boolean;
  /** Called for each group that is looked at; false: no more. */
  readonly goOn: () => boolean;
}

/** Groups of VMs that suffice, the smallest first, and of one size those with little memory early. */
export function* leavingGroups(
  movable: readonly Seat[],
  { most, isBetter, suffices, moreMayHelp, goOn }: Leaving,
): Generator<readonly Seat[]> {
  const sized = movable
    .map((seat) => ({ seat, bytes: bytesOf(seat) }))
    .toSorted((a, b) => a.bytes - b.bytes);
  const enough: ReadonlySet<Seat>[] = [];
  for (let size = 1; size <= Math.min(most, sized.length); size++) {
    const least = sized.slice(0, size).reduce((sum, { bytes }) => sum + bytes, 0);
    for (const group of subsetsOf(sized, size)) {
      // The first group has the least memory of all of its size, and of all that are larger.
      if (!isBetter(least) || !goOn()) return;
      if (!isBetter(group.reduce((sum, { bytes }) => sum + bytes, 0))) continue;
      const seats = group.map(({ seat }) => seat);
      if (enough.some((smaller) => smaller.isSubsetOf(new Set(seats)))) continue;
      if (!suffices(seats)) continue;
      if (!moreMayHelp) enough.push(new Set(seats));
      yield seats;
    }
  }
}
