import { Fleet as Books } from '../../engine/fleet/fleet.ts';
import { ShapePool } from '../../engine/host-shape.ts';
import type { HostSnapshot, Seat } from '../../model/host.ts';

/** A host as its books need it: what is known without asking it anything. */
export interface BookedHost {
  readonly name: string;
  /** Undefined for one that was never seen. */
  seenSnapshot(claims: readonly Seat[]): HostSnapshot | undefined;
}

/**
 * The engine's open books of the whole fleet. Whoever sees a host change marks it, which costs
 * nothing; before the next decision the books of the hosts that were marked are opened anew. So a
 * decision costs what has changed since the last one, and no call to any host.
 */
export class FleetBooks {
  readonly #shapes = new ShapePool();
  readonly #marked = new Set<string>();
  /** Hosts that are in the books. */
  readonly #booked = new Set<string>();
  /** Hosts on which places were claimed when the books were last brought up to date. */
  #claimed: ReadonlySet<string> = new Set();
  #books: Books | undefined;

  /** The host is not as it was. */
  mark(host: string): void {
    this.#marked.add(host);
  }

  /** A host came or went. */
  markAll(): void {
    this.#books = undefined;
  }

  /**
   * The books as of now; they are the caller's until something is waited for.
   * @param hosts every host of the fleet, by name, ascending
   * @param claims the seats that claims hold, by host
   */
  open(hosts: readonly BookedHost[], claims: ReadonlyMap<string, readonly Seat[]>): Books {
    const changed = new Set([...this.#marked, ...this.#claimed, ...claims.keys()]);
    this.#marked.clear();
    this.#claimed = new Set(claims.keys());
    const seen = this.#books === undefined ? undefined : this.#seen(hosts, claims, changed);
    if (this.#books === undefined || seen === undefined) return this.#openAll(hosts, claims);
    for (const host of seen) this.#books.reopen(host);
    return this.#books;
  }

  /** Undefined where the hosts are not those that are in the books. */
  #seen(
    hosts: readonly BookedHost[],
    claims: ReadonlyMap<string, readonly Seat[]>,
    changed: ReadonlySet<string>,
  ): readonly HostSnapshot[] | undefined {
    const seen: HostSnapshot[] = [];
    for (const host of hosts) {
      if (!changed.has(host.name)) continue;
      const snapshot = this.#snapshot(host, claims);
      if ((snapshot !== undefined) !== this.#booked.has(host.name)) return undefined;
      if (snapshot !== undefined) seen.push(snapshot);
    }
    return seen;
  }

  #openAll(hosts: readonly BookedHost[], claims: ReadonlyMap<string, readonly Seat[]>): Books {
    const seen = hosts.flatMap((host) => this.#snapshot(host, claims) ?? []);
    this.#booked.clear();
    for (const { name } of seen) this.#booked.add(name);
    this.#books = new Books(seen);
    return this.#books;
  }

  #snapshot(
    host: BookedHost,
    claims: ReadonlyMap<string, readonly Seat[]>,
  ): HostSnapshot | undefined {
    const snapshot = host.seenSnapshot(claims.get(host.name) ?? []);
    if (snapshot !== undefined) this.#shapes.share(snapshot.topology);
    return snapshot;
  }
}
