import { placeOnHost } from '../place-on-host.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Ledger } from '../ledger.ts';
import type { LimitName } from '../refusal.ts';
import type { PlacementRequest } from '../request.ts';

/** Why a request was refused: a limit, or `relations` where each host by itself would take it. */
export type RefusalReason = LimitName | 'relations';

/** More hosts of one kind are not looked at for the one with the most room. */
const LOOKED_AT_MAX = 256;

/**
 * Tells why requests are refused by asking one host of each kind of machine: the one with the fewest
 * guests. That is cheap, and good for counting: a reason for every host costs a thousand times more.
 */
export class RefusalReasons {
  /** Hosts of each kind, in the order of the fleet. */
  readonly #kinds: readonly (readonly Ledger[])[];

  constructor(fleet: Fleet) {
    this.#kinds = [...Map.groupBy(fleet.ledgers, ({ host }) => host.topology).values()];
  }

  /** The first limit of the host that breaks the fewest; of equal ones the first kind's. */
  of(request: PlacementRequest): RefusalReason {
    let fewest: { readonly reason: LimitName; readonly limits: number } | undefined;
    for (const hosts of this.#kinds) {
      const verdict = placeOnHost(roomiest(hosts), request);
      if (verdict.ok) continue;
      const { checks } = verdict.refusal;
      const [first] = checks;
      if (first === undefined || (fewest !== undefined && fewest.limits <= checks.length)) continue;
      fewest = { reason: first.check, limits: checks.length };
    }
    return fewest?.reason ?? 'relations';
  }
}

function roomiest(hosts: readonly Ledger[]): Ledger {
  const stride = Math.ceil(hosts.length / LOOKED_AT_MAX);
  return hosts
    .filter((_, index) => index % stride === 0)
    .reduce((best, ledger) => (isRoomier(ledger, best) ? ledger : best));
}

function isRoomier(one: Ledger, other: Ledger): boolean {
  return one.holders.size !== other.holders.size
    ? one.holders.size < other.holders.size
    : one.usedBytes < other.usedBytes;
}
