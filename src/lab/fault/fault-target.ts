import type { HostKind } from '../private-host/host-kind.ts';
import type { Argv, CommandOptions, CommandOutput } from '../system/run-command.ts';
import type { ProcessIdentity } from '../system/process-identity.ts';

/** A host that runs and can be broken. */
export interface FaultTarget {
  readonly name: string;
  readonly kind: HostKind;
  /** Folder of the host; what is broken is remembered below. */
  readonly dir: string;
  /** A way to its libvirt that works without its network. */
  readonly uri: string;
  /** What all else of it ends with: pid 1 of its pid namespace, where an emulated one has QEMU. */
  readonly process: ProcessIdentity;
  /** Its cgroups, one of each hierarchy; empty where it has none of its own. */
  readonly cgroups: readonly string[];
  /** True when its /var/lib/libvirt is a file system that nothing else is on. */
  readonly ownDisk: boolean;
  /** Where it stands on a lab's network; absent: on none. */
  readonly network?: FaultNetwork;
  /** Folder for what is built once. */
  readonly cache: string;
  /** Runs a command on the host as root; works without its network. */
  run(argv: Argv, options: Pick<CommandOptions, 'deadlineMs' | 'signal'>): Promise<CommandOutput>;
}

/** A host's place on a lab's network. */
export interface FaultNetwork {
  /** The process whose network and pid namespaces the lab is. */
  readonly keeper: number;
  /** The lab's bridge. */
  readonly bridge: string;
  /** The host's link on it. */
  readonly link: string;
}

/** How a fault is worked. */
export interface FaultWork {
  readonly signal?: AbortSignal;
}
