import { defaultPolicy } from './host.ts';
import type { HostPolicy } from './host.ts';
import type { HostTopology } from './topology.ts';

/** What an administrator has set for a host in place of the defaults; what is absent is default. */
export interface HostSettings {
  /** Floating vCPUs per pCPU of the shared pool. */
  readonly cpuRatio?: number;
  /** Guest memory per host memory, for guests whose memory is not bound to a cell. */
  readonly ramRatio?: number;
  /** pCPUs on which no guest runs. */
  readonly reservedCpus?: readonly number[];
  /** Memory kept free for the host. */
  readonly reservedBytes?: number;
  /** False keeps new VMs away; those that are there stay and can be started. */
  readonly schedulable?: boolean;
}

/** What an administrator says of a host. */
export interface HostProfile {
  readonly labels: Readonly<Record<string, string>>;
  readonly settings: HostSettings;
}

/** Of a host of which nobody has said anything. */
export const PLAIN_PROFILE: HostProfile = { labels: {}, settings: {} };

/** The policy of a host: the defaults, and what was set in their place. */
export function policyOf(topology: HostTopology, settings: HostSettings): HostPolicy {
  const policy = defaultPolicy(topology);
  const { cpuRatio, ramRatio, reservedCpus, reservedBytes } = settings;
  return {
    ...policy,
    ...(cpuRatio === undefined ? {} : { cpuRatio }),
    ...(ramRatio === undefined ? {} : { ramRatio }),
    ...(reservedCpus === undefined ? {} : { reservedCpus }),
    ...(reservedBytes === undefined ? {} : { reservedBytes }),
  };
}

/** Labels and settings to be changed; null takes a label away, and makes a setting default again. */
export interface ProfileChange {
  readonly labels?: Readonly<Record<string, string | null>> | undefined;
  readonly settings?:
    { readonly [K in keyof HostSettings]?: HostSettings[K] | null | undefined } | undefined;
}

/** The profile with the change made. */
export function changedProfile(profile: HostProfile, change: ProfileChange): HostProfile {
  const labels = merged({ ...profile.labels, ...change.labels });
  const settings = merged({ ...profile.settings, ...change.settings });
  // What is there comes from either, so it is of the labels' own type.
  return { labels: labels as HostProfile['labels'], settings };
}

function merged(values: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const there = Object.entries(values).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(there);
}

/** Why a host that can be reached takes no new VMs; undefined where it does. */
export function closedBy({ schedulable }: HostSettings): string | undefined {
  return schedulable === false ? 'it is cordoned' : undefined;
}
