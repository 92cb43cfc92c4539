import type { Frame } from './frame.ts';
import { choosePci, neededNear } from './pci-choice.ts';
import { compareRanks } from './rank.ts';
import type { Attempt } from './seating.ts';
import { distance } from './slot-fit.ts';
import { subsetsOf } from './subsets.ts';

/**
 * How many choices of cells are tried for the sake of PCI functions. A host of twelve cells has no
 * more choices; of one with more those with the functions are tried, filled up with near cells.
 */
const CHOICES_MAX = 1000;

/**
 * Lays a guest of several cells out; where its PCI functions are not in the cells that came out, in
 * those that have them, cells close together first.
 * @param what.count how many of `homes` it takes, beside those given by hand.
 */
export function whereDevicesAre(
  frame: Frame,
  what: {
    readonly homes: readonly number[];
    readonly count: number;
    readonly given?: readonly number[];
  },
  lay: (homes: readonly number[]) => Attempt,
): Attempt {
  const { homes, count, given = [] } = what;
  const attempt = lay(homes);
  if (attempt.ok || count === 0 || count + given.length === 1) return attempt;
  if (frame.request.pci?.some(({ locality }) => locality === 'required') !== true) return attempt;
  const choices = choicesOf(frame, { homes, count, given })
    .map((cells) => ({ cells, far: spread(frame, [...given, ...cells]) }))
    .toSorted((a, b) => a.far - b.far);
  for (const { cells } of choices) {
    const other = lay(cells);
    if (other.ok) return other;
  }
  return attempt;
}

/** What a guest of several cells may take: so many of `homes`, and those given by hand. */
interface Wanted {
  readonly homes: readonly number[];
  readonly count: number;
  readonly given: readonly number[];
}

/** Choices of cells that have the functions, at most `CHOICES_MAX`: of each few cells that do in turn. */
function choicesOf(frame: Frame, wanted: Wanted): readonly (readonly number[])[] {
  const found = new Map<string, readonly number[]>();
  let open = enough(frame, wanted).map((cells) => filled(frame, wanted, cells));
  while (open.length > 0) {
    const left: typeof open = [];
    for (const choices of open) {
      const next = choices.next();
      if (next.done === true) continue;
      if (found.size === CHOICES_MAX) return [...found.values()];
      found.set(next.value.join(), next.value);
      left.push(choices);
    }
    open = left;
  }
  return [...found.values()];
}

/**
 * Sets of cells that have the functions the guest needs near, without any that it could do without;
 * at most `CHOICES_MAX`. More cells than functions are never needed.
 */
function enough(frame: Frame, { homes, count, given }: Wanted): readonly (readonly number[])[] {
  const near = neededNear(frame);
  const having = homes.filter((home) => near.homes.includes(home));
  const most = Math.min(count, near.count, having.length);
  const found: (readonly number[])[] = [];
  for (let size = 0; size <= most; size++) {
    for (const cells of subsetsOf(having, size)) {
      if (found.some((fewer) => fewer.every((cell) => cells.includes(cell)))) continue;
      if (!choosePci(frame, [...given, ...cells]).ok) continue;
      found.push(cells);
      if (found.length === CHOICES_MAX) return found;
    }
  }
  return found;
}

/** Those cells with every choice of others that make them as many as wanted, near ones first. */
function* filled(
  frame: Frame,
  { homes, count, given }: Wanted,
  cells: readonly number[],
): Generator<readonly number[]> {
  const fixed = [...given, ...cells];
  const far = (home: number): number =>
    fixed.reduce((sum, cell) => sum + distance(frame, cell, home), 0);
  const others = homes
    .filter((home) => !cells.includes(home))
    .toSorted((a, b) => compareRanks([far(a), a], [far(b), b]));
  for (const more of subsetsOf(others, count - cells.length)) {
    yield [...cells, ...more].toSorted((a, b) => a - b);
  }
}

function spread(frame: Frame, cells: readonly number[]): number {
  return cells.reduce(
    (sum, a) => sum + cells.reduce((all, b) => all + distance(frame, a, b), 0),
    0,
  );
}
