/** One consideration: `value` from 0 (worst) to 1 (best). */
export interface ScoreTerm {
  readonly name: 'fewest-cells' | 'cores-kept' | 'cells-kept' | 'cpu-fit' | 'memory-fit';
  readonly value: number;
  readonly weight: number;
}

/** How good a placement is, to compare hosts: the weighted mean of its terms, 0 to 1. */
export interface Score {
  readonly total: number;
  readonly terms: readonly ScoreTerm[];
}
