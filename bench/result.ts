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
