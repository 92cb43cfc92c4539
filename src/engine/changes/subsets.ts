/** Every group of 1 to `most` of some things: small groups first, and of one size in the order given. */
export function* subsets<T>(things: readonly T[], most: number): Generator<readonly T[]> {
  for (let size = 1; size <= Math.min(most, things.length); size++) yield* ofSize(things, size);
}

function* ofSize<T>(things: readonly T[], size: number): Generator<readonly T[]> {
  if (size === 0) {
    yield [];
    return;
  }
  for (const [index, thing] of things.entries()) {
    for (const rest of ofSize(things.slice(index + 1), size - 1)) yield [thing, ...rest];
  }
}
