import type { AffinityRule, SpreadRule } from '../../model/relation.ts';
import type { BrokenLimit } from '../refusal.ts';
import { counted } from '../wording.ts';
import type { Keepers } from './keepers.ts';
import type { Places } from './places.ts';

/** The host is in no place that the rule speaks of. */
export function noPlaceLimit(
  check: 'affinity' | 'spread',
  host: string,
  { over }: { readonly over: string },
): BrokenLimit {
  return {
    check,
    need: `a label ${over}`,
    have: 'none',
    say: `${host} has no label ${over}, over which the VM's ${check} is`,
    heldBy: [],
  };
}

/** Nobody is there whom the VM is to be near. */
export function affinityLimit({ selector }: AffinityRule, place: string): BrokenLimit {
  return {
    check: 'affinity',
    need: 1,
    have: 0,
    unit: 'VMs',
    say: `the VM is to be near a VM with ${selector}, and ${place} has none`,
    heldBy: [],
  };
}

/** Somebody is there whom the VM is to be away from. */
export function antiAffinityLimit(
  { selector }: AffinityRule,
  place: string,
  vms: readonly string[],
): BrokenLimit {
  return {
    check: 'anti-affinity',
    need: `no VM with ${selector}`,
    have: counted(vms.length, 'VM'),
    say: `the VM is to be away from VMs with ${selector}, and ${place} has ${vms.length}`,
    heldBy: vms,
  };
}

/** Somebody is there who keeps VMs like this one away. */
export function keptAwayLimit({ selector, place, vms }: Keepers, places: Places): BrokenLimit {
  const who = vms.length === 1 ? '1 VM keeps' : `${vms.length} VMs keep`;
  return {
    check: 'anti-affinity',
    need: 'no VM that keeps it away',
    have: counted(vms.length, 'VM'),
    say: `${who} VMs with ${selector} away from ${places.say(place)}`,
    heldBy: vms,
  };
}

/** The place would have too many more VMs than another. */
export function spreadLimit(
  { selector, maxSkew, over }: SpreadRule,
  found: {
    readonly place: string;
    readonly after: number;
    readonly least: number;
    readonly vms: readonly string[];
  },
): BrokenLimit {
  const { place, after, least, vms } = found;
  const ofKind = selector === undefined ? '' : ` with ${selector}`;
  return {
    check: 'spread',
    need: after,
    have: least + maxSkew,
    unit: 'VMs',
    say:
      `${place} would have ${counted(after, 'VM')}${ofKind}, and may have ${least + maxSkew}: ` +
      `the ${over} with the fewest has ${least}, and each may have ${maxSkew} more`,
    heldBy: vms,
  };
}
