import { Fleet } from '../../src/engine/fleet/fleet.ts';
import { MIB } from '../../src/base/units.ts';
import { seatOf } from '../../src/model/host.ts';
import type { Pools } from './made-fleet.ts';
import { madeHosts, requestFrom } from './made-fleet.ts';
import { Random } from './random.ts';

/** How fast VMs are placed on a fleet of some size, and what its books take. */
export interface Scale {
  readonly hosts: number;
  readonly vms: number;
  /** Decisions with what follows of them: entering the VM, and letting an earlier one go. */
  readonly perSecond: number;
  /** CPU time of each, of every thread of the process: garbage collection too. */
  readonly cpuUs: number;
  readonly p50us: number;
  readonly p99us: number;
  readonly mostUs: number;
  /** Opening the books. */
  readonly openMs: number;
  /** The first decisions, which rank the hosts for each kind of request; not in the others. */
  readonly firstMs: number;
  readonly rssMiB: number;
  /** What of the heap is in use once garbage is collected; needs --expose-gc. */
  readonly heapMiB: number;
  readonly refused: number;
}

const SEED = 20_261_121;

/** Decisions after which every kind of request has been asked for. */
export const FIRST = 500;

/** Places, and for each VM placed lets an earlier one go, so that the fleet stays as full. */
export function measureScale(hosts: number, decisions: number, pools?: Pools): Scale {
  const random = new Random(SEED);
  const snapshots = madeHosts(hosts, random, pools);
  const vms = snapshots.reduce((sum, { seats }) => sum + seats.length, 0);
  const opened = performance.now();
  const fleet = new Fleet(snapshots);
  const began = performance.now();
  const turnover = new Turnover(fleet, random);
  for (let id = 0; id < FIRST; id++) turnover.decide();
  const firstMs = performance.now() - began;
  const cpu = process.cpuUsage();
  const times = new Float64Array(decisions);
  const from = performance.now();
  const before = turnover.refused;
  for (let id = 0; id < decisions; id++) times[id] = turnover.decide() * 1000;
  const seconds = (performance.now() - from) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const rssMiB = process.memoryUsage().rss / MIB;
  const sorted = times.toSorted();
  const at = (share: number): number => sorted[Math.floor(share * (decisions - 1))] ?? 0;
  return {
    hosts,
    vms,
    perSecond: decisions / seconds,
    cpuUs: (user + system) / decisions,
    p50us: at(0.5),
    p99us: at(0.99),
    mostUs: at(1),
    openMs: began - opened,
    firstMs,
    rssMiB,
    heapMiB: heapMiB(),
    refused: turnover.refused - before,
  };
}

function heapMiB(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / MIB;
}

/** VMs that come, and go again in no order. */
class Turnover {
  refused = 0;
  readonly #fleet: Fleet;
  readonly #random: Random;
  readonly #there: string[] = [];
  #asked = 0;

  constructor(fleet: Fleet, random: Random) {
    this.#fleet = fleet;
    this.#random = random;
  }

  /** Places one VM, and lets one go that came before it. Gives the milliseconds of the placing. */
  decide(): number {
    const id = this.#asked++;
    const uuid = `new-${id}`;
    const request = requestFrom(this.#random, id);
    const from = performance.now();
    const found = this.#fleet.find(request);
    if (found !== undefined) {
      const taker = { name: request.name, uuid, running: false };
      this.#fleet.enter(found.host, seatOf(taker, found.write('brief')));
    }
    const took = performance.now() - from;
    if (found === undefined) this.refused++;
    else this.#there.push(uuid);
    this.#leave();
    return took;
  }

  #leave(): void {
    const there = this.#there;
    if (there.length <= this.#fleet.size / 10) return;
    const [gone] = there.splice(Math.floor(this.#random.next() * there.length), 1);
    if (gone !== undefined) this.#fleet.leave(gone);
  }
}
