import { isDeepStrictEqual } from 'node:util';
import { present } from '../../base/assert.ts';
import { berthError, isBerthError } from '../../base/errors.ts';
import type { DomainRecord } from '../../host/domain-record.ts';
import type { DomainNews } from '../../host/domain-feed.ts';
import type { HostAddress, HostLink, Wait } from '../../host/host-link.ts';
import type { KeptWay, LinkKeeper } from '../../host/kept-link.ts';
import { observe, readFixture } from '../../host/observe.ts';
import type { HostFixture } from '../../host/observe.ts';
import { readHostStats } from '../../host/stats.ts';
import type { HostStats } from '../../host/stats.ts';
import type { HostSnapshot, Seat } from '../../model/host.ts';
import { joinedSeat } from '../../model/joined-seat.ts';
import { closedBy, PLAIN_PROFILE, policyOf } from '../../model/host-settings.ts';
import type { HostProfile, ProfileChange } from '../../model/host-settings.ts';
import { checkReservation } from '../../model/reservation-check.ts';
import { cpuNumbers } from '../../model/topology.ts';
import type { Ports } from '../ports.ts';
import type { FleetChange, HostChange } from './fleet-changes.ts';
import type { Gate } from './gate.ts';
import { HostDomains } from './host-domains.ts';
import type { HostState } from './host-state.ts';
import { Turns } from '../turns.ts';

/** How long a call to a host may take before it counts as unreachable. */
const CALL_MS = 15_000;
const CLOSE_MS = 1000;

/** Who is told what a mirror sees. */
export interface MirrorWatcher {
  /** Throws when the host that answered must not be taken in. */
  admit(mirror: HostMirror, fixture: HostFixture): void;
  /** A domain came, changed or went; one that was read again and found as it was is not told. */
  domainSeen(mirror: HostMirror, before: DomainRecord | undefined, after?: DomainRecord): void;
  /** The host itself was looked at, was lost or came back, or its profile was changed. */
  hostSeen(mirror: HostMirror): void;
  /** Something that users can see has changed. */
  tell(mirror: HostMirror, change: FleetChange): void;
}

/** What a mirror shares with the others of the fleet. */
export interface MirrorContext {
  readonly ports: Ports;
  readonly watcher: MirrorWatcher;
  /** Through which every attempt to connect goes. */
  readonly gate: Gate;
}

/** One look at a host, but for its seats. */
type HostFacts = Omit<HostSnapshot, 'seats' | 'policy' | 'labels' | 'closed'>;

/**
 * What the server knows of one host: a connection that comes back by itself, and every domain, kept
 * up to date by events. What was known stays when the host goes away, marked as unreachable.
 */
export class HostMirror {
  readonly name: string;
  readonly uri: string;
  readonly #address: HostAddress;
  readonly #ports: Ports;
  readonly #watcher: MirrorWatcher;
  readonly #gate: Gate;
  readonly #domains: HostDomains;
  readonly #turns = new Turns();
  #profile = PLAIN_PROFILE;
  #state: HostState;
  #link: HostLink | undefined;
  #fixture: HostFixture | undefined;
  #facts: HostFacts | undefined;
  #failure: unknown;
  #kept: KeptWay | undefined;
  #isStopped = false;
  #connecting = Promise.withResolvers<void>();
  /** The highest generation of it that was heard of. */
  #generation = -1;
  /** The generation since which every domain has been read. */
  #readAsOf = -1;

  constructor(address: HostAddress, { ports, watcher, gate }: MirrorContext) {
    this.name = address.name;
    this.uri = address.uri;
    this.#address = address;
    this.#ports = ports;
    this.#watcher = watcher;
    this.#gate = gate;
    this.#state = { phase: 'connecting', since: ports.now() };
    const { name: host } = this;
    this.#domains = new HostDomains({
      seen: (before, after) => watcher.domainSeen(this, before, after),
      tell: (record, change) => watcher.tell(this, { kind: 'vm', host, change, record }),
      refused: (uuid, err) => ports.log.warn({ host, uuid, err }, 'a domain cannot be read'),
    });
  }

  /** Begins to connect and keeps the connection up until `stop`; settles after the first attempt. */
  async start(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const keeper: LinkKeeper = {
      takeIn: async (link, { signal }) => this.#takeIn(link, this.wait(signal)),
      apply: async (link, news) => this.#apply(link, news),
      open: (link) => {
        this.#opened(link);
        resolve();
      },
      lost: (error, retryInMs) => {
        this.#lost(error, retryInMs);
        resolve();
      },
      leave: async (signal) => this.#gate.enter(signal),
    };
    try {
      this.#kept = this.#ports.keepLink(this.#address, keeper, this.#ports.random);
    } catch (error) {
      keeper.lost(error);
    }
    await promise;
  }

  /** Ends the connection, and the attempts at one; the host itself is left as it is. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#kept?.close({ deadlineMs: CLOSE_MS });
    this.#connecting.resolve();
  }

  /** Settles when the host can be reached, or was stopped and never will be. */
  async connected(): Promise<void> {
    if (this.#link === undefined) await this.#connecting.promise;
  }

  /** Why the host cannot be reached; undefined while it can. */
  get unreachable(): string | undefined {
    return this.#link === undefined ? reasonOf(this.#failure) : undefined;
  }

  /** What the last attempt to connect failed with; undefined before it and while connected. */
  get failure(): unknown {
    return this.#link === undefined ? this.#failure : undefined;
  }

  /** libvirt's UUID of the host, once it has been reached. */
  get hostUuid(): string | undefined {
    return this.#fixture?.hostUuid;
  }

  /** How it stands with the server. */
  get state(): HostState {
    const { phase } = this.#state;
    return phase === 'connected'
      ? { ...this.#state, lastContactAt: this.#ports.now() }
      : this.#state;
  }

  /** What an administrator says of it. */
  get profile(): HostProfile {
    return this.#profile;
  }

  /** Takes over what an administrator says of it; users are told where that is news. */
  configure(profile: HostProfile): void {
    if (isDeepStrictEqual(this.#profile, profile)) return;
    this.#profile = profile;
    this.#watcher.hostSeen(this);
    this.#tellHost('changed');
  }

  /** How many domains it has, as last seen. */
  get size(): number {
    return this.#domains.size;
  }

  /** The domains as last seen, in no order; while the host is away nobody knows how they stand. */
  get records(): readonly DomainRecord[] {
    return this.#domains.records;
  }

  /** One domain as last seen. */
  record(uuid: string): DomainRecord | undefined {
    return this.#domains.record(uuid);
  }

  /** The way in, for doing something. @throws BERTH_HOST_UNREACHABLE */
  get link(): HostLink {
    if (this.#link !== undefined) return this.#link;
    const { name: host, uri } = this;
    throw berthError('BERTH_HOST_UNREACHABLE', { host, uri, reason: reasonOf(this.#failure) });
  }

  /** A wait for one call to this host. */
  wait(signal?: AbortSignal): Wait {
    return signal === undefined ? { deadlineMs: CALL_MS } : { signal, deadlineMs: CALL_MS };
  }

  /** Lets time pass. @throws the signal's reason as soon as that aborts. */
  async pause(ms: number, signal?: AbortSignal): Promise<void> {
    await this.#ports.sleep(ms, signal);
  }

  /** What the host can run guests as, kvm first; empty while it is away. */
  get domainTypes(): readonly string[] {
    return this.#link === undefined ? [] : (this.#fixture?.domainTypes ?? []);
  }

  /** Does work that must not overlap with its like on this host, such as pinning. */
  async inTurn<T>(kind: string, work: () => Promise<T>): Promise<T> {
    return this.#turns.take(kind, work);
  }

  /**
   * Looks at the host now: what is free, and a seat for each domain and each claim that no domain
   * shows yet; a domain with a claim, such as one that is being changed, takes what either says. The
   * claims must have been read before: one that is handed over meanwhile is shown.
   * @throws BERTH_HOST_UNREACHABLE, BERTH_DEADLINE, BERTH_LIBVIRT_REFUSED, BERTH_FACTS_INVALID
   */
  async snapshot(claims: readonly Seat[]): Promise<HostSnapshot> {
    return this.#asSnapshot(await this.#look(this.link, this.wait()), claims);
  }

  /**
   * As `snapshot`, or what was last seen of a host that cannot tell now.
   * @throws as `snapshot` when it has never been seen
   */
  async lastSnapshot(claims: readonly Seat[]): Promise<HostSnapshot> {
    try {
      return await this.snapshot(claims);
    } catch (error) {
      const seen = isBerthError(error) ? this.seenSnapshot(claims) : undefined;
      if (seen !== undefined) return seen;
      throw error;
    }
  }

  /** What is known without asking the host anything; undefined for one that was never seen. */
  seenSnapshot(claims: readonly Seat[]): HostSnapshot | undefined {
    return this.#facts === undefined ? undefined : this.#asSnapshot(this.#facts, claims);
  }

  /** As `seenSnapshot`, but for who is on it: of hosts by the thousand that would be very much. */
  seenHost(): Omit<HostSnapshot, 'seats'> | undefined {
    return this.#facts === undefined ? undefined : this.#asHost(this.#facts);
  }

  /**
   * Refuses to keep for the host what it does not have; one that was never seen may have anything.
   * @throws BERTH_SPEC_INVALID
   */
  checkChange({ settings = {} }: ProfileChange): void {
    if (this.#facts !== undefined) checkReservation(this.name, this.#facts.topology, settings);
  }

  /** How many CPU numbers the host has, offline ones included. @throws as `lastSnapshot` */
  async cpuNumbers(): Promise<number> {
    return cpuNumbers((this.#facts ?? (await this.snapshot([]))).topology);
  }

  /**
   * Reads what the host and its domains have used.
   * @throws BERTH_HOST_UNREACHABLE, BERTH_DEADLINE, BERTH_LIBVIRT_REFUSED
   */
  async readStats(wait: Wait): Promise<HostStats> {
    const fixture = present(this.#fixture, 'what was read when the host was connected');
    return readHostStats(this.link, fixture, wait);
  }

  /** Reads one domain again, now. @returns undefined when it is gone. */
  async refresh(uuid: string): Promise<DomainRecord | undefined> {
    return this.#domains.refresh(this.link, uuid, this.wait());
  }

  /**
   * Sees to it that every domain has been read since the host had that generation: what another
   * server has defined under it need not have come as an event yet.
   * @param generation as the store had it before this call.
   * @throws BERTH_HOST_UNREACHABLE, BERTH_DEADLINE; BERTH_LIBVIRT_REFUSED also where libvirt tells of
   * all domains but one: what that one takes nobody knows
   */
  async readSince(generation: number): Promise<void> {
    if (this.#readAsOf >= generation) return;
    const refusal = await this.#domains.readAll(this.link, this.wait());
    if (refusal !== undefined) throw refusal;
    this.#readAsOf = Math.max(this.#readAsOf, generation);
  }

  /**
   * The store has that generation of it. One that was registered anew begins at 0 again, and what was
   * read under the generations before says nothing of those to come.
   */
  hearGeneration(generation: number): void {
    if (generation < this.#generation) this.#readAsOf = -1;
    this.#generation = generation;
  }

  /** When it was last looked at, in milliseconds since the epoch; 0 where it never was. */
  get lookedAt(): number {
    return this.#facts?.observedAt ?? 0;
  }

  /** Whether there may be domains that only another server knows of. */
  isBehind(generation: number): boolean {
    return this.#readAsOf < generation;
  }

  /**
   * This server itself has advanced the generation by one, to that, and has read what came of it.
   * Where another has advanced it as well since everything was read, that is not known.
   */
  advancedTo(generation: number): void {
    if (this.#readAsOf === generation - 1) this.#readAsOf = generation;
  }

  async #look(link: HostLink, wait: Wait): Promise<HostFacts> {
    const fixture = present(this.#fixture, 'what was read when the host was connected');
    const { topology, unknown } = await observe(link, fixture, wait);
    this.#facts = {
      name: this.name,
      uri: this.uri,
      observedAt: this.#ports.now(),
      libvirtVersion: link.connection.libVersion,
      domainTypes: fixture.domainTypes,
      topology,
      unknown,
    };
    this.#watcher.hostSeen(this);
    return this.#facts;
  }

  #asSnapshot(facts: HostFacts, claims: readonly Seat[]): HostSnapshot {
    const claimed = new Map(claims.map((claim) => [claim.uuid, claim]));
    const seats = Array.from(this.#domains.lastSeen, ({ uuid, seat }) => {
      const claim = claimed.get(uuid);
      return claim === undefined ? seat : joinedSeat(seat, claim);
    });
    return {
      ...this.#asHost(facts),
      seats: [...seats, ...claims.filter(({ uuid }) => !this.#domains.has(uuid))],
    };
  }

  #asHost(facts: HostFacts): Omit<HostSnapshot, 'seats'> {
    const { labels, settings } = this.#profile;
    const closed = this.#link === undefined ? 'it cannot be reached' : closedBy(settings);
    return {
      ...facts,
      policy: policyOf(facts.topology, settings),
      ...(Object.keys(labels).length === 0 ? {} : { labels }),
      ...(closed === undefined ? {} : { closed }),
    };
  }

  /** Throws for a host that must not be taken in; else it is known whole afterwards. */
  async #takeIn(link: HostLink, wait: Wait): Promise<void> {
    const fixture = await readFixture(link, wait);
    this.#watcher.admit(this, fixture);
    this.#tellUnread(fixture);
    this.#fixture = fixture;
    const generation = this.#generation;
    const refusal = await this.#domains.readAll(link, wait);
    if (refusal === undefined) this.#readAsOf = Math.max(this.#readAsOf, generation);
    await this.#firstLook(link, wait);
  }

  /** Once for each reason, not on each connection. */
  #tellUnread({ unread }: HostFixture): void {
    if (unread === undefined || unread === this.#fixture?.unread) return;
    this.#ports.log.warn({ host: this.name, reason: unread }, 'the files of a host are unknown');
  }

  /** A host that contradicts itself is connected all the same: whoever asks for a place is told. */
  async #firstLook(link: HostLink, wait: Wait): Promise<void> {
    try {
      await this.#look(link, wait);
    } catch (error) {
      if (!isBerthError(error, 'BERTH_FACTS_INVALID')) throw error;
      this.#ports.log.warn({ host: this.name, err: error }, 'a host contradicts itself');
    }
  }

  async #apply(link: HostLink, news: DomainNews): Promise<void> {
    if (news.kind === 'resync') await this.#domains.readAll(link, this.wait());
    else await this.#domains.hear(link, news.uuid, this.wait());
  }

  #tellHost(change: HostChange['change']): void {
    this.#watcher.tell(this, { kind: 'host', name: this.name, change });
  }

  #opened(link: HostLink): void {
    this.#link = link;
    this.#state = { phase: 'connected', since: this.#ports.now() };
    this.#connecting.resolve();
    this.#connecting = Promise.withResolvers<void>();
    this.#ports.log.info({ host: this.name, uri: this.uri }, 'a host is connected');
    this.#watcher.hostSeen(this);
    this.#tellHost('connected');
    this.#domains.open();
  }

  #lost(error: unknown, retryInMs?: number): void {
    const before = this.#state;
    this.#link = undefined;
    this.#failure = error;
    if (this.#isStopped) return;
    this.#state = this.#away(before, reasonOf(error), retryInMs);
    if (before.phase === 'unreachable' && before.reason === this.#state.reason) return;
    this.#ports.log.warn({ host: this.name, err: error }, 'a host is unreachable');
    this.#watcher.hostSeen(this);
    this.#tellHost(before.phase === 'unreachable' ? 'changed' : 'unreachable');
    this.#domains.close();
  }

  #away(before: HostState, reason: string, retryInMs: number | undefined): HostState {
    const now = this.#ports.now();
    const lastContactAt = before.phase === 'connected' ? now : before.lastContactAt;
    return {
      phase: 'unreachable',
      since: before.phase === 'unreachable' ? before.since : now,
      reason,
      ...(lastContactAt === undefined ? {} : { lastContactAt }),
      ...(retryInMs === undefined ? {} : { nextAttemptAt: now + retryInMs }),
    };
  }
}

function reasonOf(failure: unknown): string {
  if (failure === undefined) return 'it has not been reached yet';
  if (isBerthError(failure, 'BERTH_HOST_UNREACHABLE')) return failure.data.reason;
  return failure instanceof Error ? failure.message : 'it failed for a reason that cannot be told';
}
