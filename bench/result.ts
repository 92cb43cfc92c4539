/** One line of a benchmark: a figure of Berth's beside its peer's, measured in the same run. */
export interface BenchResult {
  readonly what: string;
  readonly unit: string;
  readonly berth: number;
  readonly peer: number;
  readonly peerName: string;
  /** Berth's figure over the peer's. */
  readonly ratio: number;
}

/** The middle one of measured values; of an even number, the upper of the two in the middle. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
