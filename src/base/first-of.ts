import { Heap } from './heap.ts';

/**
 * The first few of many things, in order, without sorting all of them.
 * @param comesFirst an order without ties.
 */
export function firstOf<T extends object>(
  things: Iterable<T>,
  count: number,
  comesFirst: (one: T, other: T) => boolean,
): T[] {
  // The last of those kept so far is on top: most things are turned away by one look at it.
  const kept = new Heap<T>((one, other) => comesFirst(other, one));
  for (const thing of things) {
    if (kept.size < count) kept.push(thing);
    else if (kept.first !== undefined && comesFirst(thing, kept.first)) {
      kept.pop();
      kept.push(thing);
    }
  }
  const backwards: T[] = [];
  for (let last = kept.pop(); last !== undefined; last = kept.pop()) backwards.push(last);
  return backwards.toReversed();
}
