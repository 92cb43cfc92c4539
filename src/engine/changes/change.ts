import { GIB, KIB, MIB } from '../../base/units.ts';
import type { PlacementRequest } from '../request.ts';

/**
 * What is changed, in the order in which changes are listed: wishes dropped or softened, the least
 * first; then how the guest is cut and backed; then less of it; then moves of other VMs. The last two
 * are changes of two kinds that only help together.
 */
export type ChangeKind =
  | 'any-host'
  | 'host-labels'
  | 'exclude-hosts'
  | 'affinity'
  | 'anti-affinity'
  | 'spread'
  | 'emulator-share'
  | 'io-threads-share'
  | 'pci-locality'
  | 'threads-prefer'
  | 'drop-cpuset'
  | 'drop-nodeset'
  | 'memory-policy'
  | 'policy-shared'
  | 'page-size'
  | 'guest-cells'
  | 'memory'
  | 'vcpus'
  | 'move'
  | 'wishes'
  | 'vcpus-and-memory';

/** One VM that goes from one host to another, alive. */
export interface Move {
  readonly vm: string;
  readonly uuid: string;
  readonly from: string;
  readonly to: string;
}

/** What is written into a spec in place of what is there. */
export type SpecValue =
  string | number | readonly string[] | readonly object[] | Readonly<Record<string, string>>;

/** A change with which the VM fits somewhere: proven by placing it again. */
export interface Change {
  readonly kind: ChangeKind;
  /** One sentence: what to change, from what to what. */
  readonly say: string;
  /** Values to write into the spec, by path (`spec.memory.size`); null: take the field out. */
  readonly set: Readonly<Record<string, SpecValue | null>>;
  /** The whole request so changed. */
  readonly request: PlacementRequest;
  /** VMs to be moved first, in this order: each has its place when its turn comes. */
  readonly moves?: readonly Move[];
}

/** Writes a size so that reading it gives the same bytes, in the largest unit that does. */
export function exactSize(bytes: number): string {
  const units = [
    ['GiB', GIB],
    ['MiB', MIB],
    ['KiB', KIB],
  ] as const;
  const [name, size] = units.find(([, unit]) => bytes % unit === 0) ?? ['B', 1];
  return `${bytes / size}${name}`;
}
