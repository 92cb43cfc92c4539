import { compareRanks } from './rank.ts';

/** What makes one choice of cells better than another. */
export interface CellTaste {
  /** Relative distance between two cells. */
  readonly distance: (a: number, b: number) => number;
  /** How well a slot sits in a cell, the lesser the better, position by position. */
  readonly rank: (slot: number, cell: number) => readonly number[];
}

/**
 * Gives each slot a cell of its own, where no slot needs more than the one before it: whatever cell
 * takes a slot takes every later one too. So any choice for one slot leaves enough for the rest, and
 * trying each cell as the first and adding the nearest one each time is exact about whether it can
 * be done, and quadratic for each first cell. Among the ways tried, cells close together win.
 * @param candidates cells that take each slot, by slot.
 * @returns the cell of each slot; or the first slot for which cells run out.
 */
export function assignNested(
  candidates: readonly (readonly number[])[],
  taste: CellTaste,
): { readonly cells: readonly number[] } | { readonly shortOf: number } {
  const shortOf = candidates.findIndex((cells, slot) => cells.length <= slot);
  if (shortOf >= 0) return { shortOf };
  const ways = (candidates[0] ?? []).map((first) => grow(candidates, first, taste));
  const [best] = ways.toSorted((a, b) => compareRanks(a.rank, b.rank));
  return { cells: best?.cells ?? [] };
}

/**
 * Gives each slot a cell of its own where needs differ every way: a maximum matching by augmenting
 * paths (Kuhn). Each slot tries its cells in the order given, so preferences count as far as they
 * do not stand in the way of another slot.
 * @returns the cell of each slot; or the first slot that no rearrangement can serve beside those
 * before it, and how many slots can be seated at most.
 */
export function assignFreely(
  candidates: readonly (readonly number[])[],
): { readonly cells: readonly number[] } | { readonly shortOf: number; readonly seated: number } {
  const slotOf = new Map<number, number>();
  const left = candidates
    .keys()
    .filter((slot) => !augment(candidates, { slot, slotOf, seen: new Set() }))
    .toArray();
  const [shortOf] = left;
  if (shortOf !== undefined) return { shortOf, seated: candidates.length - left.length };
  const cells = new Map([...slotOf].map(([cell, slot]) => [slot, cell]));
  return { cells: candidates.map((_, slot) => cells.get(slot) ?? 0) };
}

/**
 * The same, with the least sum of costs: slots are seated one by one, each along the cheapest chain
 * of slots that move over for it (successive shortest paths).
 * @returns the cell of each slot; undefined where not every slot can have one.
 */
export function assignCheaply(
  candidates: readonly (readonly number[])[],
  cost: (slot: number, cell: number) => number,
): readonly number[] | undefined {
  const slotOf = new Map<number, number>();
  for (const slot of candidates.keys()) {
    const reached = cheapestChains(candidates, { slot, slotOf, cost });
    const open = [...reached].filter(([cell]) => !slotOf.has(cell));
    const [nearest] = open.toSorted(([, a], [, b]) => a.cost - b.cost);
    if (nearest === undefined) return undefined;
    for (let cell: number | undefined = nearest[0]; cell !== undefined;) {
      const step = reached.get(cell);
      if (step === undefined) break;
      slotOf.set(cell, step.slot);
      cell = step.from;
    }
  }
  const cells = new Map([...slotOf].map(([cell, slot]) => [slot, cell]));
  return candidates.map((_, slot) => cells.get(slot) ?? 0);
}

/** How a cell is got for a slot: who moves into it, from which cell, and what it all costs. */
interface Chain {
  readonly cost: number;
  readonly slot: number;
  readonly from?: number;
}

function cheapestChains(
  candidates: readonly (readonly number[])[],
  search: {
    readonly slot: number;
    readonly slotOf: ReadonlyMap<number, number>;
    readonly cost: (slot: number, cell: number) => number;
  },
): ReadonlyMap<number, Chain> {
  const { slot, slotOf, cost } = search;
  const chains = new Map<number, Chain>();
  const reach = (mover: number, before: number, from?: number): void => {
    for (const cell of candidates[mover] ?? []) {
      if (cell === from) continue;
      const sum = before + cost(mover, cell);
      if (sum >= (chains.get(cell)?.cost ?? Infinity)) continue;
      chains.set(cell, { cost: sum, slot: mover, ...(from === undefined ? {} : { from }) });
      const holder = slotOf.get(cell);
      if (holder !== undefined) reach(holder, sum - cost(holder, cell), cell);
    }
  };
  reach(slot, 0);
  return chains;
}

interface Grown {
  readonly cells: readonly number[];
  readonly rank: readonly number[];
}

function grow(candidates: readonly (readonly number[])[], first: number, taste: CellTaste): Grown {
  const cells = [first];
  const rank: number[] = [0, ...taste.rank(0, first)];
  for (let slot = 1; slot < candidates.length; slot++) {
    let best: { readonly cell: number; readonly rank: readonly number[] } | undefined;
    for (const cell of candidates[slot] ?? []) {
      if (cells.includes(cell)) continue;
      const far = distanceTo(cells, cell, taste);
      if (best !== undefined && far > (best.rank[0] ?? 0)) continue;
      const option = [far, ...taste.rank(slot, cell)];
      if (best === undefined || compareRanks(option, best.rank) < 0) best = { cell, rank: option };
    }
    if (best === undefined) break;
    cells.push(best.cell);
    for (const [i, value] of best.rank.entries()) rank[i] = (rank[i] ?? 0) + value;
  }
  return { cells, rank };
}

function distanceTo(cells: readonly number[], cell: number, taste: CellTaste): number {
  return cells.reduce((sum, other) => sum + taste.distance(other, cell), 0);
}

function augment(
  candidates: readonly (readonly number[])[],
  search: {
    readonly slot: number;
    readonly slotOf: Map<number, number>;
    readonly seen: Set<number>;
  },
): boolean {
  const { slot, slotOf, seen } = search;
  for (const cell of candidates[slot] ?? []) {
    if (seen.has(cell)) continue;
    seen.add(cell);
    const holder = slotOf.get(cell);
    if (holder === undefined || augment(candidates, { slot: holder, slotOf, seen })) {
      slotOf.set(cell, slot);
      return true;
    }
  }
  return false;
}
