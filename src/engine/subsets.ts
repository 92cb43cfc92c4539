/** Every group of 1 to `most` of some things: small groups first, and of one size in the order given. */
export function* subsets<T>(things: readonly T[], most: number): Generator<readonly T[]> {
  for (let size = 1; size <= Math.min(most, things.length); size++) {
    yield* subsetsOf(things, size);
  }
}

/** Every group of that many of some things, in the order given; of none there is one, the empty one. */
export function* subsetsOf<T>(things: readonly T[], size: number): Generator<readonly T[]> {
  yield* groupsFrom({ things, size, chosen: [] }, 0);
}

interface Choosing<T> {
  readonly things: readonly T[];
  readonly size: number;
  readonly chosen: readonly T[];
}

function* groupsFrom<T>(task: Choosing<T>, from: number): Generator<readonly T[]> {
  const { things, size, chosen } = task;
  if (chosen.length === size) {
    yield chosen;
    return;
  }
  const last = things.length - size + chosen.length;
  for (const [at, thing] of things.slice(from, last + 1).entries()) {
    yield* groupsFrom({ things, size, chosen: [...chosen, thing] }, from + at + 1);
  }
}
