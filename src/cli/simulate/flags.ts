import type { LifetimeSource } from '../../engine/simulate/lifetime-guess.ts';

/** What `berth simulate` was given on its command line. */
export interface SimulateFlags {
  readonly workload?: string;
  readonly trace?: string;
  readonly fleet?: string;
  readonly servers?: string;
  readonly policy?: readonly string[];
  readonly placements?: string;
  readonly report?: string;
  readonly forecast?: readonly string[];
  /** Absent: `history` for policies that ask. */
  readonly lifetimes?: LifetimeSource;
}
