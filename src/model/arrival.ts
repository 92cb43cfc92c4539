import type { PlacementRules } from './relation.ts';

/** What the guests of one kind ask for, as workloads and traces tell it. */
export interface Flavor {
  readonly name: string;
  readonly vcpus: number;
  readonly memoryBytes: number;
  readonly policy: 'shared' | 'dedicated';
  /** Host cells it is cut over; `auto`: as few as fit; `none`: it is bound to no cell at all. */
  readonly cells: 'auto' | 'none' | number;
  /** Page size of the backing; 4: ordinary pages, never overcommitted; absent: no wish. */
  readonly pageKiB?: number;
}

/** One request of a trace: a guest that comes, and perhaps goes. Times in seconds. */
export interface Arrival {
  readonly at: number;
  /** When the guest is deleted; absent: never. */
  readonly until?: number;
  readonly flavor: Flavor;
  readonly labels?: Readonly<Record<string, string>>;
  /** How long it is expected to stay, and near which others; absent: it does not mind. */
  readonly rules?: Pick<PlacementRules, 'affinity' | 'antiAffinity' | 'expectedLifetimeMs'>;
}
