/**
 * `over` of a rule that means each host by itself; every other word is the key of a host label, and
 * hosts with the same value of it are one place.
 */
export const OVER_HOST = 'host';

/** Near which VMs a VM is to be, or away from which. */
export interface AffinityRule {
  /** A label that VMs have: `app=db`. */
  readonly selector: string;
  /** What is one place: `host`, or the key of a host label. */
  readonly over: string;
  /** False for a wish: it counts in the score, and refuses nothing. */
  readonly hard: boolean;
}

/** Over which places VMs are to be spread evenly. */
export interface SpreadRule {
  /** What is one place: `host`, or the key of a host label. */
  readonly over: string;
  /** A label of the VMs that are counted: `app=db`; absent: every VM. */
  readonly selector?: string;
  /** By how many VMs a place may be ahead of the one with the fewest; 1 or more. */
  readonly maxSkew: number;
  readonly hard: boolean;
}

/** Hosts and other VMs that a VM is to be with or without; absent: it does not mind. */
export interface PlacementRules {
  /** Labels that its host must have. */
  readonly hostLabels?: Readonly<Record<string, string>>;
  /** Names of hosts that it must not run on. */
  readonly excludeHosts?: readonly string[];
  /** In the place of a rule there must be one of its VMs, unless there is none yet and it is one itself. */
  readonly affinity?: readonly AffinityRule[];
  /** In the place of a rule there must be none of its VMs; a hard rule holds for those that come later, too. */
  readonly antiAffinity?: readonly AffinityRule[];
  readonly spread?: readonly SpreadRule[];
  /** For how long the VM is expected to stay, in milliseconds. */
  readonly expectedLifetimeMs?: number;
}

/** VMs that a VM of the hosts does not suffer in its place: its hard anti-affinity. */
export type KeptAway = Pick<AffinityRule, 'selector' | 'over'>;

/** The labels of a VM as selectors write them. */
export function labelPairs(labels: Readonly<Record<string, string>> = {}): readonly string[] {
  return Object.entries(labels).map(([key, value]) => `${key}=${value}`);
}

/** What a VM with these rules keeps away from itself. */
export function keptAway({ antiAffinity = [] }: PlacementRules): readonly KeptAway[] {
  return antiAffinity.filter((rule) => rule.hard).map(({ selector, over }) => ({ selector, over }));
}

/** The rules alone, out of a spec or a request; only those that are there. */
export function rulesOf(from: PlacementRules): PlacementRules {
  const { hostLabels, excludeHosts, affinity, antiAffinity, spread, expectedLifetimeMs } = from;
  return {
    ...(hostLabels === undefined ? {} : { hostLabels }),
    ...(excludeHosts === undefined ? {} : { excludeHosts }),
    ...(affinity === undefined ? {} : { affinity }),
    ...(antiAffinity === undefined ? {} : { antiAffinity }),
    ...(spread === undefined ? {} : { spread }),
    ...(expectedLifetimeMs === undefined ? {} : { expectedLifetimeMs }),
  };
}

/** Rules that contradict each other on every host, each naming both sides; empty when sound. */
export function ruleProblems(
  spec: PlacementRules & { readonly hosts: readonly string[] },
): readonly { readonly where: string; readonly problem: string }[] {
  const { hosts, excludeHosts = [], affinity = [], antiAffinity = [] } = spec;
  const left = hosts.filter((host) => !excludeHosts.includes(host));
  const excluded =
    hosts.length > 0 && left.length === 0
      ? [
          {
            where: 'spec.placement.excludeHosts',
            problem: `it names every host of spec.placement.hosts (${hosts.join(', ')})`,
          },
        ]
      : [];
  const torn = antiAffinity.flatMap(({ selector, over, hard }, index) =>
    hard && affinity.some((near) => near.hard && near.selector === selector && near.over === over)
      ? [
          {
            where: `spec.placement.antiAffinity[${index}]`,
            problem: `${selector} over ${over} is in spec.placement.affinity, too`,
          },
        ]
      : [],
  );
  return [...excluded, ...torn];
}
