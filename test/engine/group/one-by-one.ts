import { Fleet } from '../../../src/engine/fleet/fleet.ts';
import type { Policy } from '../../../src/engine/policy/policy.ts';
import { seatOf } from '../../../src/model/host.ts';
import type { GroupWorld } from './small-groups.ts';

/** The vCPUs of each VM when they are placed in their order; 0 for one that was refused. */
export function oneByOne({ hosts, requests }: GroupWorld, policy?: Policy): readonly number[] {
  const fleet = new Fleet(hosts, policy);
  return requests.map((request) => {
    const found = fleet.find(request);
    if (found === undefined) return 0;
    const taker = { name: request.name, uuid: request.name, running: true };
    fleet.enter(found.host, seatOf(taker, found.write()));
    return request.vcpus;
  });
}
