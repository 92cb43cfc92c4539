import type { Fleet } from '../fleet/fleet.ts';
import type { Ledger } from '../ledger.ts';
import { placeOnHost } from '../place-on-host.ts';
import type { LimitName } from '../refusal.ts';
import type { PlacementRequest } from '../request.ts';

/** Why a request was refused: a limit, or `relations` where hosts by themselves would take it. */
export type RefusalReason = LimitName | 'relations';

/** Hosts that are asked; every one would cost as much as the search without an index. */
const ASKED_MAX = 12;

/** Tells why requests are refused by asking some hosts of the fleet, always the same. */
export class RefusalReasons {
  readonly #asked: readonly Ledger[];

  constructor({ ledgers }: Fleet) {
    const stride = Math.ceil(ledgers.length / ASKED_MAX);
    this.#asked = ledgers.filter((_, index) => index % stride === 0);
  }

  /** What stands first against the request on most of them; of equal ones, what was found first. */
  of(request: PlacementRequest): RefusalReason {
    const votes = new Map<RefusalReason, number>();
    for (const ledger of this.#asked) {
      const reason = reasonOn(ledger, request);
      votes.set(reason, (votes.get(reason) ?? 0) + 1);
    }
    const [most] = [...votes].toSorted(([, a], [, b]) => b - a);
    return most?.[0] ?? 'relations';
  }
}

function reasonOn(ledger: Ledger, request: PlacementRequest): RefusalReason {
  const verdict = placeOnHost(ledger, request);
  return verdict.ok ? 'relations' : (verdict.refusal.checks[0]?.check ?? 'relations');
}
