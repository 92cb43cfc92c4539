import type { Frame } from './frame.ts';
import { choosePci } from './pci-choice.ts';
import type { Attempt } from './seating.ts';
import { distance } from './slot-fit.ts';

/**
 * How many choices of cells are tried for the sake of PCI functions. A host of twelve cells has no
 * more choices; of one with more the nearest are tried.
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
  const choices = subsets(homes, count)
    .filter((cells) => choosePci(frame, [...given, ...cells]).ok)
    .map((cells) => ({ cells, far: spread(frame, [...given, ...cells]) }))
    .toSorted((a, b) => a.far - b.far);
  for (const { cells } of choices) {
    const other = lay(cells);
    if (other.ok) return other;
  }
  return attempt;
}

function spread(frame: Frame, cells: readonly number[]): number {
  return cells.reduce(
    (sum, a) => sum + cells.reduce((all, b) => all + distance(frame, a, b), 0),
    0,
  );
}

/** Choices of that many, at most `CHOICES_MAX`. */
function subsets(items: readonly number[], size: number): readonly (readonly number[])[] {
  const found: (readonly number[])[] = [];
  const grow = (from: number, chosen: readonly number[]): void => {
    if (chosen.length === size) {
      found.push(chosen);
      return;
    }
    for (let at = from; at <= items.length - size + chosen.length; at++) {
      if (found.length >= CHOICES_MAX) return;
      grow(at + 1, [...chosen, items[at] ?? 0]);
    }
  };
  grow(0, []);
  return found;
}
