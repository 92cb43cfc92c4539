import { assert, present } from '../../base/assert.ts';
import type { HostSnapshot, Seat } from '../../model/host.ts';
import type { Ledger } from '../ledger.ts';
import { applySeat, ledgerOf, releaseSeat } from '../ledger.ts';
import type { PlaceResult } from '../place.ts';
import { findOn, placeOn } from '../place.ts';
import type { Found } from '../place.ts';
import type { Policy } from '../policy/policy.ts';
import { DEFAULT_POLICY } from '../policy/policy.ts';
import type { PlacementRequest } from '../request.ts';

/** The books of many hosts, on which VMs are placed one after the other. */
export class Fleet {
  readonly policy: Policy;
  readonly #ledgers: readonly Ledger[];
  readonly #indexes: ReadonlyMap<string, number>;
  /** Where each seat is, by uuid: the index of its host. */
  readonly #homes = new Map<string, number>();

  /** Opens the books with every seat of the snapshots. Names of hosts must differ. */
  constructor(hosts: readonly HostSnapshot[], policy: Policy = DEFAULT_POLICY) {
    this.policy = policy;
    this.#ledgers = hosts.map((host) => ledgerOf(host));
    this.#indexes = new Map(hosts.map((host, index) => [host.name, index]));
    assert(this.#indexes.size === hosts.length, 'names of hosts differ');
    for (const [index, ledger] of this.#ledgers.entries()) {
      for (const uuid of ledger.seats.keys()) this.#homes.set(uuid, index);
    }
  }

  /** How many hosts there are. */
  get size(): number {
    return this.#ledgers.length;
  }

  /** The books of each host, in the order the hosts were given. */
  get ledgers(): readonly Ledger[] {
    return this.#ledgers;
  }

  /** The books of one host. */
  ledger(host: string): Ledger {
    const index = present(this.#indexes.get(host), `host ${host}`);
    return present(this.#ledgers[index], `ledger of ${host}`);
  }

  /** The host on which the VM of that uuid has its seat. */
  hostOf(uuid: string): string | undefined {
    const index = this.#homes.get(uuid);
    return index === undefined ? undefined : this.#ledgers[index]?.host.name;
  }

  /** The best place, and nothing taken; undefined when no host takes the VM, without reasons. */
  find(request: PlacementRequest): Found | undefined {
    return findOn(this.#ledgers, request, this.policy);
  }

  /** The best place with the runner-up, or every reason against it; nothing is taken. */
  place(request: PlacementRequest): PlaceResult {
    return placeOn(this.#ledgers, request, this.policy);
  }

  /** Enters a seat on a host. Its uuid must not be there yet. */
  enter(host: string, seat: Seat): void {
    assert(!this.#homes.has(seat.uuid), `${seat.vm} has no seat yet`);
    applySeat(this.ledger(host), seat);
    this.#homes.set(seat.uuid, present(this.#indexes.get(host), `host ${host}`));
  }

  /** Takes a seat out again. */
  leave(uuid: string): void {
    const host = present(this.hostOf(uuid), `host of ${uuid}`);
    releaseSeat(this.ledger(host), uuid);
    this.#homes.delete(uuid);
  }
}
