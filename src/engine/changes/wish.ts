import { subsets } from '../subsets.ts';
import type { PlacementRequest } from '../request.ts';
import type { Change } from './change.ts';
import type { World } from './world.ts';

/** One way to leave out or soften wishes of one kind, all of them or some. */
export interface Softening {
  /** How many wishes of the kind there are; 1 at least. */
  readonly parts: number;
  /** The request without those of them, by index; at least one is given. */
  readonly without: (parts: readonly number[]) => Change;
}

/** Ways to give in about one kind of wish, the least painful first; none where it is not wished. */
export type Wish = (request: PlacementRequest) => readonly Softening[];

/** A wish that is left out as a whole or not at all. */
export function whole(change: Change): Softening {
  return { parts: 1, without: () => change };
}

/** The change of one kind with which the VM fits: the fewest wishes of the first way that helps. */
export function fewestWishes(
  world: World,
  wish: Wish,
  request: PlacementRequest,
): Change | undefined {
  for (const { parts, without } of wish(request)) {
    const few = fewestOf(parts, (some) => world.fits(without(some).request));
    if (few !== undefined) return without(few);
  }
  return undefined;
}

/**
 * Two kinds of wishes that only help together, each with as few wishes as the other allows: the
 * first such pair, the kinds listed first being tried first.
 */
export function pairOfWishes(
  world: World,
  wishes: readonly Wish[],
  request: PlacementRequest,
): readonly Change[] {
  const asked = wishes.filter((wish) => wish(request).length > 0);
  for (const [index, second] of asked.entries()) {
    for (const first of asked.slice(0, index)) {
      const change = bothTogether(world, [first, second], request);
      if (change !== undefined) return [change];
    }
  }
  return [];
}

function bothTogether(
  world: World,
  [first, second]: readonly [Wish, Wish],
  request: PlacementRequest,
): Change | undefined {
  for (const { parts, without } of first(request)) {
    const other = (some: readonly number[]): Change | undefined =>
      fewestWishes(world, second, without(some).request);
    const few = fewestOf(parts, (some) => other(some) !== undefined);
    const more = few === undefined ? undefined : other(few);
    if (few === undefined || more === undefined) continue;
    const one = without(few);
    return {
      kind: 'wishes',
      say: `${one.say}, and ${more.say}`,
      set: { ...one.set, ...more.set },
      request: more.request,
    };
  }
  return undefined;
}

/** How many smaller groups are tried before a group from which nothing can be spared will do. */
const TRIES_MAX = 100;

/**
 * The fewest of so many things that suffice together, where more of them suffice as well; undefined
 * when not even all do. A group from which none can be spared is found by halving; then smaller
 * ones are tried, as far as there are not too many.
 */
function fewestOf(
  count: number,
  suffice: (some: readonly number[]) => boolean,
): readonly number[] | undefined {
  const all = Array.from({ length: count }, (_, index) => index);
  if (!suffice(all)) return undefined;
  const found = noneToSpare(all, suffice);
  const smaller = found.length > 1 ? subsets(all, found.length - 1).take(TRIES_MAX) : [];
  for (const some of smaller) if (suffice(some)) return some;
  return found;
}

/** Each time the last of the shortest run that suffices beside those found already: it is needed. */
function noneToSpare(
  all: readonly number[],
  suffice: (some: readonly number[]) => boolean,
): readonly number[] {
  const found: number[] = [];
  let rest = all;
  while (found.length === 0 || !suffice(found)) {
    let [short, long] = [0, rest.length];
    while (long - short > 1) {
      const middle = Math.floor((short + long) / 2);
      if (suffice(inOrder([...rest.slice(0, middle), ...found]))) long = middle;
      else short = middle;
    }
    found.push(...rest.slice(long - 1, long));
    rest = rest.slice(0, long - 1);
  }
  return inOrder(found);
}

function inOrder(numbers: readonly number[]): readonly number[] {
  return numbers.toSorted((a, b) => a - b);
}
