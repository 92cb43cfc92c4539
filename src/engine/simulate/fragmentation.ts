import type { Arrival, Flavor } from '../../model/arrival.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { fitsHost } from '../place-on-host.ts';
import type { PlacementRequest } from '../request.ts';
import { flavorRequest } from './arrival-request.ts';

/** Kinds of guests beyond these are rare, and hosts beyond these say the same again. */
const KINDS_MAX = 8;
const HOSTS_MAX = 256;

interface Typical {
  readonly request: PlacementRequest;
  /** How many of the typical requests are such. */
  readonly share: number;
}

/**
 * How much of what is free is of no use: the share of the free pCPUs that lie on hosts on which a
 * typical request of the demand does not fit. Typical are the dedicated guests that are asked for most
 * often, each counting as often as it is asked for; a large fleet is looked at in parts.
 */
export class Fragmentation {
  readonly #fleet: Fleet;
  readonly #typical: readonly Typical[];

  constructor(fleet: Fleet, arrivals: readonly Arrival[]) {
    this.#fleet = fleet;
    this.#typical = typicalOf(arrivals);
  }

  /** 0 to 1, now; undefined when nothing is free or nobody asks for dedicated pCPUs. */
  now(): number | undefined {
    const { ledgers } = this.#fleet;
    const stride = Math.ceil(ledgers.length / HOSTS_MAX);
    const hosts = ledgers.filter((_, index) => index % stride === 0);
    const free = hosts.reduce((sum, ledger) => sum + ledger.free.size, 0);
    if (free === 0 || this.#typical.length === 0) return undefined;
    const useless = hosts.reduce((sum, ledger) => {
      const misfits = this.#typical.filter(({ request }) => !fitsHost(ledger, request));
      return sum + ledger.free.size * misfits.reduce((parts, { share }) => parts + share, 0);
    }, 0);
    return useless / free;
  }
}

function typicalOf(arrivals: readonly Arrival[]): readonly Typical[] {
  const counts = new Map<Flavor, number>();
  for (const { flavor } of arrivals) {
    if (flavor.policy === 'dedicated') counts.set(flavor, (counts.get(flavor) ?? 0) + 1);
  }
  const top = [...counts].toSorted(([, a], [, b]) => b - a).slice(0, KINDS_MAX);
  const all = top.reduce((sum, [, count]) => sum + count, 0);
  return top.map(([flavor, count]) => ({ request: flavorRequest(flavor), share: count / all }));
}
