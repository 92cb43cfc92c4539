/**
 * Does work on every item, on so many at a time. The first failure ends it: what has not begun then
 * never does.
 * @returns the results in the order of the items.
 */
export async function atOnce<T, R>(
  most: number,
  items: readonly T[],
  work: (item: T, index: number) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  const rest = items.entries();
  const takeNext = async (): Promise<void> => {
    // One iterator for all: each takes what nobody has taken yet.
    for (const [index, item] of rest) results[index] = await work(item, index);
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, takeNext));
  return results;
}
