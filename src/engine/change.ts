import type { PlacementRequest } from './request.ts';

/** What is changed; each kind names one field of the spec, or one decision. */
export type ChangeKind =
  | 'memory'
  | 'vcpus'
  | 'page-size'
  | 'guest-cells'
  | 'threads-prefer'
  | 'emulator-share'
  | 'policy-shared'
  | 'drop-cpuset'
  | 'drop-nodeset'
  | 'any-host';

/** A change to the spec with which the VM fits somewhere: proven by placing it again. */
export interface Change {
  readonly kind: ChangeKind;
  /** One sentence: what to change, from what to what. */
  readonly say: string;
  /** Values to write into the spec, by path (`spec.memory.size`); null: take the field out. */
  readonly set: Readonly<Record<string, string | number | null>>;
  /** The whole request so changed. */
  readonly request: PlacementRequest;
}
