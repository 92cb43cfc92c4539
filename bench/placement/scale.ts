import { Fleet } from '../../src/engine/fleet/fleet.ts';
import { seatOf } from '../../src/model/host.ts';
import { madeHosts, requestFrom } from './made-fleet.ts';
import { Random } from './random.ts';

/** How fast VMs are placed on a fleet of some size, and what its books take. */
export interface Scale {
  readonly hosts: number;
  readonly vms: number;
  readonly perSecond: number;
  readonly p50us: number;
  readonly p99us: number;
  readonly mostUs: number;
  readonly openMs: number;
  readonly rssMiB: number;
  readonly refused: number;
}

const SEED = 20_261_121;

/** Places, and for each VM placed lets an earlier one go, so that the fleet stays as full. */
export function measureScale(hosts: number, decisions: number): Scale {
  const random = new Random(SEED);
  const snapshots = madeHosts(hosts, random);
  const opened = performance.now();
  const fleet = new Fleet(snapshots);
  const openMs = performance.now() - opened;
  const vms = snapshots.reduce((sum, { seats }) => sum + seats.length, 0);
  const times = new Float64Array(decisions);
  const there: string[] = [];
  let refused = 0;
  const began = performance.now();
  for (let id = 0; id < decisions; id++) {
    const request = requestFrom(random, id);
    const from = performance.now();
    const found = fleet.find(request);
    if (found !== undefined) {
      const taker = { name: request.name, uuid: `new-${id}`, running: false };
      fleet.enter(found.host, seatOf(taker, found.write('brief')));
    }
    times[id] = (performance.now() - from) * 1000;
    if (found === undefined) refused++;
    else there.push(`new-${id}`);
    if (there.length > hosts / 10) {
      const [gone] = there.splice(Math.floor(random.next() * there.length), 1);
      if (gone !== undefined) fleet.leave(gone);
    }
  }
  const seconds = (performance.now() - began) / 1000;
  const sorted = times.toSorted();
  const at = (share: number): number => sorted[Math.floor(share * (decisions - 1))] ?? 0;
  return {
    hosts,
    vms,
    perSecond: decisions / seconds,
    p50us: at(0.5),
    p99us: at(0.99),
    mostUs: at(1),
    openMs,
    rssMiB: process.memoryUsage().rss / 1024 ** 2,
    refused,
  };
}
