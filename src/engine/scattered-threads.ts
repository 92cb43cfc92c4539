import type { BitSet } from '../base/bit-set.ts';
import { chooseSingles, withoutTaken } from './core-choice.ts';
import { cellPlace, dedicatedLimits, hostPlace, spareBesideFloating } from './cpu-limits.ts';
import type { Frame } from './frame.ts';
import { besideFloating } from './frame.ts';
import type { BrokenLimit } from './refusal.ts';
import type { Trial } from './slot-fit.ts';
import { distance } from './slot-fit.ts';

/** pCPUs for threads that need not be near, or what stands against them. */
export type Scattered =
  | { readonly ok: true; readonly pcpus: readonly number[]; readonly broken: number }
  | { readonly ok: false; readonly broken: readonly BrokenLimit[] };

/**
 * Finds a pCPU each for I/O threads: in the guest's cells first, then in the nearest.
 * @param what.taken pCPUs that the guest has already.
 */
export function scatter(
  frame: Frame,
  trials: readonly Trial[],
  what: { readonly count: number; readonly taken: BitSet },
): Scattered {
  const pcpus: number[] = [];
  let broken = 0;
  for (const index of cellsByDistance(frame, trials)) {
    const missing = what.count - pcpus.length;
    if (missing === 0) break;
    const own = trials.find(({ home }) => home === index)?.slot;
    const beside = besideFloating(
      frame,
      [index],
      own === undefined ? 0 : own.vcpus - own.dedicated,
    );
    const left =
      cellPlace(beside, index).takeable -
      (own === undefined ? 0 : takenIn(frame, what.taken, index));
    const views = beside.coresAt(index, 'open').map((view) => withoutTaken(view, what.taken));
    const vcpus = own === undefined ? 0 : own.vcpus - own.dedicated;
    const spare = spareBesideFloating(frame, index, { vcpus, taken: what.taken });
    const most = Math.min(missing, Math.max(0, left), Math.max(0, spare));
    const choice = chooseSingles(views, most);
    pcpus.push(...choice.pcpus);
    broken += choice.broken;
  }
  if (pcpus.length === what.count) return { ok: true, pcpus, broken };
  const emulator = what.taken.size + what.count;
  return {
    ok: false,
    broken: dedicatedLimits(frame, hostPlace(frame), { dedicated: 0, emulator }),
  };
}

function takenIn(frame: Frame, taken: BitSet, index: number): number {
  return frame.ledger.shape.cells[index]?.cpus.countIn(taken) ?? 0;
}

/** Cells that the guest may use: its own in their order, then the others, the nearest first. */
function cellsByDistance(frame: Frame, trials: readonly Trial[]): readonly number[] {
  const own = trials.map(({ home }) => home);
  const [first] = own;
  const others = frame.homes
    .filter((index) => !own.includes(index))
    .map((index) => ({ index, far: first === undefined ? 0 : distance(frame, first, index) }))
    .toSorted((a, b) => a.far - b.far || a.index - b.index);
  return [...own, ...others.map(({ index }) => index)];
}
