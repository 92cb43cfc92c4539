import { assert, present } from '../../base/assert.ts';
import type { HostSnapshot, Seat } from '../../model/host.ts';
import type { Ledger } from '../ledger.ts';
import { applySeat, ledgerOf, releaseSeat } from '../ledger.ts';
import type { HostVerdict } from '../place-on-host.ts';
import { placeOnHost } from '../place-on-host.ts';
import type { Choice, Found, PlaceResult } from '../place.ts';
import { findAmong, placeAmong } from '../place.ts';
import type { Outlook } from '../policy/outlook.ts';
import { outlookFor } from '../policy/outlook-of.ts';
import type { Policy } from '../policy/policy.ts';
import { DEFAULT_POLICY } from '../policy/policy.ts';
import { mayUse } from '../relations/host-rules.ts';
import { Relations, relationsOf } from '../relations/relations.ts';
import { mostWithWishes, withWishes } from '../relations/wishes.ts';
import type { PlacementRequest } from '../request.ts';
import { kindKey } from '../request.ts';
import { Demand } from '../room/demand.ts';
import { FleetRooms } from './fleet-rooms.ts';
import { Ranking } from './ranking.ts';
import { NO_SCORE } from './score-tree.ts';

/**
 * The books of many hosts, on which VMs are placed one after the other. For each kind of request the
 * hosts are kept ranked, so that a decision looks at the hosts that changed since the last of its
 * kind, and at the best one. The answer is that of looking at every host.
 */
export class Fleet {
  readonly policy: Policy;
  readonly #ledgers: Ledger[];
  readonly #indexes: ReadonlyMap<string, number>;
  /** Where each seat is, by uuid: the index of its host. */
  readonly #homes = new Map<string, number>();
  readonly #demand = new Demand();
  #relations: Relations;
  #outlook: Outlook;
  #outlookAt: number;
  #rooms: FleetRooms | undefined;
  readonly #rankings = new Map<string, Ranking>();
  /** Hosts in the order they changed. */
  #changes: number[] = [];
  /** How many changes there were before the first one in `#changes`. */
  #forgotten = 0;
  /** The number of each host's latest change. */
  readonly #latest: Float64Array;

  /** Opens the books with every seat of the snapshots. Names of hosts must differ. */
  constructor(hosts: readonly HostSnapshot[], policy: Policy = DEFAULT_POLICY) {
    this.policy = policy;
    this.#ledgers = hosts.map((host) => ledgerOf(host));
    this.#indexes = new Map(hosts.map((host, index) => [host.name, index]));
    assert(this.#indexes.size === hosts.length, 'names of hosts differ');
    this.#relations = new Relations(hosts);
    this.#latest = new Float64Array(hosts.length);
    for (const [index, ledger] of this.#ledgers.entries()) {
      for (const seat of ledger.seats.values()) {
        this.#note(index, seat);
        this.#demand.see(seat);
      }
    }
    this.#outlook = outlookFor(this.#ledgers, policy, this.#demand);
    this.#outlookAt = this.#demand.seen;
  }

  /** How many hosts there are. */
  get size(): number {
    return this.#ledgers.length;
  }

  /** The books of each host, in the order the hosts were given. */
  get ledgers(): readonly Ledger[] {
    return this.#ledgers;
  }

  /** By what places are compared now: it changes as guests come. */
  get outlook(): Outlook {
    this.#lookAhead();
    return this.#outlook;
  }

  /** The same hosts as the plain search sees them. */
  get choice(): Choice {
    return { ledgers: this.#ledgers, outlook: this.outlook, relations: this.#relations };
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
    if (request.hosts.length > 0) return findAmong(this.choice, request, this.#named(request));
    return this.#isFree(request) ? this.#findFirst(request) : this.#findAllowed(request);
  }

  /** The best place with the runner-up, or every reason against it; nothing is taken. */
  place(request: PlacementRequest): PlaceResult {
    return placeAmong(this.choice, request);
  }

  /** Enters a seat on a host, and takes it for what will be asked for. Its uuid must not be there yet. */
  enter(host: string, seat: Seat): void {
    this.tryOut(host, seat);
    this.#demand.see(seat);
  }

  /** Enters a seat that is only thought of, and says nothing of the guests to come. */
  tryOut(host: string, seat: Seat): void {
    assert(!this.#homes.has(seat.uuid), `${seat.vm} has no seat yet`);
    const index = present(this.#indexes.get(host), `host ${host}`);
    applySeat(this.ledger(host), seat);
    this.#note(index, seat);
    this.#changed(index);
  }

  /** Takes a seat out again. */
  leave(uuid: string): void {
    const index = present(this.#homes.get(uuid), `host of ${uuid}`);
    const ledger = present(this.#ledgers[index], 'the ledger of a host');
    const seat = present(ledger.seats.get(uuid), `seat of ${uuid}`);
    releaseSeat(ledger, uuid);
    this.#relations.leave(index, seat);
    this.#homes.delete(uuid);
    this.#changed(index);
  }

  /**
   * Opens the books of one host anew, as it is seen now: its seats, what is free, its labels and its
   * policy. It must be one of the fleet's; the books of the others stay open.
   */
  reopen(host: HostSnapshot): void {
    const index = present(this.#indexes.get(host.name), `host ${host.name}`);
    const before = present(this.#ledgers[index], 'the ledger of a host');
    const after = ledgerOf(host);
    this.#ledgers[index] = after;
    for (const seat of before.seats.values()) {
      this.#relations.leave(index, seat);
      if (this.#homes.get(seat.uuid) === index) this.#homes.delete(seat.uuid);
    }
    for (const seat of after.seats.values()) {
      this.#note(index, seat);
      if (!before.seats.has(seat.uuid)) this.#demand.see(seat);
    }
    if (!isSamePlace(before.host, host)) this.#relations = relationsOf(this.#ledgers);
    if (this.#rooms?.reopen(index) === false) {
      this.#rooms = undefined;
      this.#rankings.clear();
    }
    this.#changed(index);
  }

  #note(index: number, seat: Seat): void {
    this.#homes.set(seat.uuid, index);
    this.#relations.enter(index, seat);
  }

  #changed(index: number): void {
    this.#rooms?.update(index);
    this.#latest[index] = this.#forgotten + this.#changes.length;
    this.#changes.push(index);
    if (this.#changes.length > CHANGES_PER_HOST * this.size + CHANGES_KEPT) this.#forget();
  }

  /** Rankings that are behind the changes that are kept would be made anew; so they go. */
  #forget(): void {
    const half = Math.floor(this.#changes.length / 2);
    this.#changes = this.#changes.slice(half);
    this.#forgotten += half;
    for (const [key, ranking] of this.#rankings) {
      if (ranking.seen < this.#forgotten) this.#rankings.delete(key);
    }
  }

  /** Indexes of the hosts that the request names, ascending. */
  #named({ hosts }: PlacementRequest): readonly number[] {
    const indexes = new Set(hosts.flatMap((name) => this.#indexes.get(name) ?? []));
    return [...indexes].toSorted((a, b) => a - b);
  }

  /** Any host will do, whoever is there. */
  #isFree(request: PlacementRequest): boolean {
    const { excludeHosts, hostLabels, networks } = request;
    const some = [excludeHosts, networks].some((names) => (names?.length ?? 0) > 0);
    return !some && hostLabels === undefined && !this.#relations.concerns(request);
  }

  #findFirst(request: PlacementRequest): Found | undefined {
    const ranking = this.#rankingFor(request);
    for (let best = ranking.best(); best !== undefined; best = ranking.best()) {
      const verdict = this.#ask(ranking, best, request);
      if (verdict.ok && ranking.best() === best) return this.#found(best, verdict);
    }
    return undefined;
  }

  /** Looks at hosts from the best on, until none that follows can be better. */
  #findAllowed(request: PlacementRequest): Found | undefined {
    const ranking = this.#rankingFor(request);
    const { policy } = this;
    let best: (Found & { readonly index: number; readonly own: number }) | undefined;
    for (const host of ranking.ranked()) {
      const own = ranking.scoreAt(host);
      const least = best?.score.total ?? NO_SCORE;
      const most = mostWithWishes(own, { policy, request });
      if (most < least || (most === least && own === best?.own)) break;
      const ledger = present(this.#ledgers[host], 'the ledger of a host');
      if (!mayUse(ledger.host, request) || !this.#relations.allows(host, request)) continue;
      const met = this.#relations.wish(host, request);
      if (met !== undefined && mostWithWishes(own, { policy, request, met }) < least) continue;
      const verdict = this.#ask(ranking, host, request);
      if (!verdict.ok || verdict.score.total < own) continue; // it comes again in its place
      const score = withWishes(verdict.score, met);
      if (score.total < least || (score.total === least && host > (best?.index ?? 0))) continue;
      best = { ...this.#found(host, { ...verdict, score }), index: host, own };
    }
    return best;
  }

  /** Asks a host, and keeps its exact score. */
  #ask(ranking: Ranking, host: number, request: PlacementRequest): HostVerdict {
    const ledger = present(this.#ledgers[host], 'the ledger of a host');
    const verdict = placeOnHost(ledger, request, present(this.#rooms, 'the rooms').at(host));
    ranking.keep(host, verdict.ok ? verdict.score.total : NO_SCORE);
    return verdict;
  }

  #found(host: number, { score, write }: HostVerdict & { readonly ok: true }): Found {
    return { host: present(this.#ledgers[host], 'the ledger of a host').host.name, score, write };
  }

  /** The ranking for requests of that kind, made or brought up to date. */
  #rankingFor(request: PlacementRequest): Ranking {
    this.#lookAhead();
    const key = kindKey(request, this.policy);
    const now = this.#forgotten + this.#changes.length;
    const known = this.#rankings.get(key);
    this.#rankings.delete(key);
    const ranking = known ?? this.#newRanking(request, now);
    this.#rankings.set(key, ranking); // the one used last is last
    for (let change = ranking.seen; change < now; change++) {
      const host = present(this.#changes[change - this.#forgotten], 'a change that is kept');
      if (this.#latest[host] === change) ranking.update(host);
    }
    ranking.seen = now;
    return ranking;
  }

  #newRanking(request: PlacementRequest, now: number): Ranking {
    const [oldest] = this.#rankings.keys();
    const most = Math.max(RANKINGS_LEAST, Math.floor(RANKED_MOST / Math.max(1, this.size)));
    if (oldest !== undefined && this.#rankings.size >= most) this.#rankings.delete(oldest);
    this.#rooms ??= new FleetRooms(this.#ledgers, this.#outlook);
    return new Ranking({ ledgers: this.#ledgers, rooms: this.#rooms }, request, now);
  }

  /**
   * Looks anew at what the guests that came say of those to come: once there are an eighth more, and
   * not too few for the work, which is that of looking at every host.
   */
  #lookAhead(): void {
    const fresh = this.#demand.seen - this.#outlookAt;
    if (fresh < Math.max(FRESH_LEAST, this.size / 4, this.#outlookAt / 8)) return;
    this.#outlook = outlookFor(this.#ledgers, this.policy, this.#demand);
    this.#outlookAt = this.#demand.seen;
    this.#rooms?.setOutlook(this.#outlook);
    this.#rankings.clear();
  }
}

/** Whether rules between VMs look at the host as they did before. */
function isSamePlace(before: HostSnapshot, after: HostSnapshot): boolean {
  const told = ({ labels, networks, closed }: HostSnapshot): string =>
    JSON.stringify([labels, networks, closed]);
  return told(before) === told(after);
}

/** Scores that are kept in all rankings together, 8 bytes each and a little more. */
const RANKED_MOST = 10_000_000;
const RANKINGS_LEAST = 16;
/** Guests that make it worth to look ahead anew. */
const FRESH_LEAST = 16;

/** Changes that are kept, so that a ranking can catch up. */
const CHANGES_PER_HOST = 2;
const CHANGES_KEPT = 4096;
