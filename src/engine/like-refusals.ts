import type { Ledger } from './ledger.ts';
import type { Likenesses } from './likeness.ts';
import type { HostVerdict } from './place-on-host.ts';
import { placeOnHost } from './place-on-host.ts';
import type { BrokenLimit, HostRefusal } from './refusal.ts';
import { mayUse } from './relations/host-rules.ts';
import type { PlacementRequest } from './request.ts';
import type { Room } from './room/room.ts';

/**
 * What many hosts say to one request. Of hosts with equal books that refuse one is asked, and the
 * others say the same, with VMs of their own in the way.
 */
export class LikeRefusals {
  readonly #likenesses: Likenesses;
  readonly #request: PlacementRequest;
  readonly #known = new Map<string, readonly LikeLimit[]>();

  constructor(likenesses: Likenesses, request: PlacementRequest) {
    this.#likenesses = likenesses;
    this.#request = request;
  }

  /** The same as `placeOnHost`. */
  verdict(ledger: Ledger, roomOf: () => Room): HostVerdict {
    // What is said of the host by name is said of no other.
    const isNamed = !mayUse(ledger.host, this.#request);
    const likeness = isNamed ? undefined : this.#likenesses.ofMany(ledger);
    if (likeness === undefined) return placeOnHost(ledger, this.#request, roomOf());
    const known = this.#known.get(likeness);
    if (known !== undefined) return { ok: false, refusal: this.#sameOf(ledger, known) };
    const verdict = placeOnHost(ledger, this.#request, roomOf());
    if (!verdict.ok && isNameless(ledger, verdict.refusal)) {
      const limits = verdict.refusal.checks.map((limit) => this.#likeOf(ledger, limit));
      this.#known.set(likeness, limits);
    }
    return verdict;
  }

  #likeOf({ seats }: Ledger, limit: BrokenLimit): LikeLimit {
    const names = new Set(limit.heldBy);
    const holders = [...seats.values()].filter(({ vm }) => names.has(vm));
    return { limit, holders: new Set(holders.map((seat) => this.#likenesses.kindOf(seat))) };
  }

  #sameOf({ host, seats }: Ledger, limits: readonly LikeLimit[]): HostRefusal {
    const own = [...seats.values()];
    const checks = limits.map(({ limit, holders }) => {
      if (holders.size === 0) return limit;
      const held = own.filter((seat) => holders.has(this.#likenesses.kindOf(seat)));
      return { ...limit, heldBy: held.map(({ vm }) => vm).toSorted() };
    });
    return { host: host.name, checks };
  }
}

/** A limit that hosts with equal books break alike. */
interface LikeLimit {
  readonly limit: BrokenLimit;
  /** Kinds of the seats that hold what is missing. */
  readonly holders: ReadonlySet<number>;
}

/** Whether nothing that is said names the host, and the names of its VMs tell them apart. */
function isNameless({ host, seats }: Ledger, { checks }: HostRefusal): boolean {
  const names = new Set(Array.from(seats.values(), ({ vm }) => vm));
  return (
    names.size === seats.size &&
    checks.every(({ say, need, have }) =>
      [say, need, have].every((part) => typeof part === 'number' || !part.includes(host.name)),
    )
  );
}
