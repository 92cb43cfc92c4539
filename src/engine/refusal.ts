/** Names of the limits that a host can break; stable, for programs. */
export type LimitName =
  | 'host-excluded'
  | 'host-closed'
  | 'host-label'
  | 'network'
  | 'affinity'
  | 'anti-affinity'
  | 'spread'
  | 'cpuset-missing'
  | 'cpuset-offline'
  | 'cpuset-reserved'
  | 'nodeset-missing'
  | 'nodeset-cpuset'
  | 'nodeset-cells'
  | 'host-cell'
  | 'emulator-cpus'
  | 'io-thread-cpus'
  | 'cells'
  | 'preferred-cells'
  | 'emulator-pages'
  | 'smt'
  | 'whole-cores'
  | 'free-pcpus'
  | 'free-cores'
  | 'shared-pool'
  | 'guest-vcpus'
  | 'cpu-ratio'
  | 'memory'
  | 'guest-memory'
  | 'ram-ratio'
  | 'pci'
  | 'pci-locality'
  | 'page-size'
  | 'pages';

/** One limit that stands in the way on one host. */
export interface BrokenLimit {
  readonly check: LimitName;
  /** The host cell whose limit it is; absent: the host's as a whole. */
  readonly cell?: number;
  /** What the VM needs, and what there is for it: both in `unit`, or both sets or names. */
  readonly need: number | string;
  readonly have: number | string;
  readonly unit?: 'VMs' | 'pCPUs' | 'cores' | 'vCPUs' | 'cells' | 'bytes' | 'pages' | 'functions';
  /** One sentence with the numbers and units. */
  readonly say: string;
  /** VMs that hold what is missing, by name, ascending; empty when nobody does. */
  readonly heldBy: readonly string[];
}

/** Why one host cannot take the VM: every limit found broken, the first first. */
export interface HostRefusal {
  readonly host: string;
  readonly checks: readonly BrokenLimit[];
}
