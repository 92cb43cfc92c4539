import { setTimeout as sleep } from 'node:timers/promises';
import { present } from '../base/assert.ts';
import { berthError, isBerthError } from '../base/errors.ts';
import type { DomainRecord } from '../host/domain-record.ts';
import { subscribeDomains } from '../host/domain-feed.ts';
import type { DomainNews } from '../host/domain-feed.ts';
import { listDomainUuids, readDomainRecord } from '../host/domains.ts';
import { HostLink } from '../host/host-link.ts';
import type { HostAddress } from '../host/host-link.ts';
import { observeTopology, readFixture } from '../host/observe.ts';
import type { HostFixture } from '../host/observe.ts';
import { defaultPolicy } from '../model/host.ts';
import type { HostSnapshot, Seat } from '../model/host.ts';
import type { Ports } from './ports.ts';

/** How long a call to a host may take before it counts as unreachable. */
const CALL_MS = 15_000;
const CONNECT_MS = 10_000;
/** Pauses between attempts to connect: doubled up to the longest. */
const BACKOFF_MS = { first: 200, longest: 30_000 };
/** Domains whose XML is read at the same time while a host is read whole. */
const READS_AT_ONCE = 4;

/**
 * What the server knows of one host: a connection that comes back by itself, and every domain, kept
 * up to date by events. What was known stays when the host goes away, marked as unreachable.
 */
export class HostMirror {
  readonly name: string;
  readonly uri: string;
  readonly #address: HostAddress;
  readonly #ports: Ports;
  readonly #stop = new AbortController();
  readonly #records = new Map<string, DomainRecord>();
  /** Reads of one domain follow each other, so that an older answer never replaces a newer one. */
  readonly #reading = new Map<string, Promise<DomainRecord | undefined>>();
  #link: HostLink | undefined;
  #fixture: HostFixture | undefined;
  #lastSeen: HostSnapshot | undefined;
  #reason = 'it has not been reached yet';
  #work: Promise<void> = Promise.resolve();
  #connecting = Promise.withResolvers<void>();

  constructor(address: HostAddress, ports: Ports) {
    this.name = address.name;
    this.uri = address.uri;
    this.#address = address;
    this.#ports = ports;
  }

  /** Makes the first attempt to connect, then keeps the connection up until `stop`. */
  async start(): Promise<void> {
    const first = await this.#attempt();
    this.#work = this.#keepUp(first);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#link?.close({ deadlineMs: 1000 }).catch(() => undefined);
    await this.#work;
  }

  /** Settles when the host can be reached. */
  async connected(): Promise<void> {
    if (this.#link === undefined) await this.#connecting.promise;
  }

  /** Why the host cannot be reached; undefined while it can. */
  get unreachable(): string | undefined {
    return this.#link === undefined ? this.#reason : undefined;
  }

  /** The domains as last seen; while the host is away nobody knows how they stand. */
  get records(): readonly DomainRecord[] {
    const records = [...this.#records.values()].toSorted((a, b) => a.name.localeCompare(b.name));
    if (this.#link !== undefined) return records;
    return records.map((record) => ({ ...record, state: 'unknown' as const }));
  }

  /** The way in, for doing something. @throws BERTH_HOST_UNREACHABLE */
  get link(): HostLink {
    if (this.#link !== undefined) return this.#link;
    const { name: host, uri } = this;
    throw berthError('BERTH_HOST_UNREACHABLE', { host, uri, reason: this.#reason });
  }

  /** A wait for one call to this host. */
  wait(signal?: AbortSignal): { readonly signal?: AbortSignal; readonly deadlineMs: number } {
    return signal === undefined ? { deadlineMs: CALL_MS } : { signal, deadlineMs: CALL_MS };
  }

  /** What the host can run guests as, kvm first; empty while it is away. */
  get domainTypes(): readonly string[] {
    return this.#link === undefined ? [] : (this.#fixture?.domainTypes ?? []);
  }

  /**
   * Looks at the host now: what is free, and a seat for each domain and each claim that no domain
   * shows yet.
   * @throws BERTH_HOST_UNREACHABLE, BERTH_FACTS_INVALID
   */
  async snapshot(claims: readonly Seat[]): Promise<HostSnapshot> {
    const { link } = this;
    const fixture = present(this.#fixture, 'what was read when the host was connected');
    const topology = await observeTopology(link, fixture, this.wait());
    const seats = this.records.map((record) => record.seat);
    const shown = new Set(seats.map((seat) => seat.uuid));
    this.#lastSeen = {
      name: this.name,
      uri: this.uri,
      observedAt: this.#ports.now(),
      libvirtVersion: link.connection.libVersion,
      domainTypes: fixture.domainTypes,
      topology,
      policy: defaultPolicy(topology),
      seats: [...seats, ...claims.filter((claim) => !shown.has(claim.uuid))],
    };
    return this.#lastSeen;
  }

  /** As `snapshot`, or what was last seen of a host that is away; undefined when it never was there. */
  async lastSnapshot(claims: readonly Seat[]): Promise<HostSnapshot | undefined> {
    return (await this.freshSnapshot(claims)) ?? this.#lastSeen;
  }

  /** As `snapshot`; undefined when the host is away, or goes away meanwhile. */
  async freshSnapshot(claims: readonly Seat[]): Promise<HostSnapshot | undefined> {
    if (this.#link === undefined) return undefined;
    try {
      return await this.snapshot(claims);
    } catch (error) {
      if (isBerthError(error, 'BERTH_HOST_UNREACHABLE') || isBerthError(error, 'BERTH_DEADLINE')) {
        return undefined;
      }
      throw error;
    }
  }

  /** Reads one domain again, now. @returns undefined when it is gone. */
  async refresh(uuid: string): Promise<DomainRecord | undefined> {
    const before = this.#reading.get(uuid);
    const reading = (before ?? Promise.resolve()).then(
      async () => this.#read(this.link, uuid),
      async () => this.#read(this.link, uuid),
    );
    this.#reading.set(uuid, reading);
    try {
      return await reading;
    } finally {
      if (this.#reading.get(uuid) === reading) this.#reading.delete(uuid);
    }
  }

  async #read(link: HostLink, uuid: string): Promise<DomainRecord | undefined> {
    const record = await readDomainRecord(link, uuid, this.wait());
    if (record === undefined) this.#records.delete(uuid);
    else this.#records.set(uuid, record);
    return record;
  }

  async #keepUp(first: readonly AsyncIterable<DomainNews>[] | undefined): Promise<void> {
    let feeds = first;
    let pauseMs = BACKOFF_MS.first;
    while (!this.#stop.signal.aborted) {
      if (feeds !== undefined) {
        pauseMs = BACKOFF_MS.first;
        await this.#follow(feeds);
      }
      await sleep(pauseMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      pauseMs = Math.min(pauseMs * 2, BACKOFF_MS.longest);
      if (!this.#stop.signal.aborted) feeds = await this.#attempt();
    }
  }

  async #attempt(): Promise<readonly AsyncIterable<DomainNews>[] | undefined> {
    const { signal } = this.#stop;
    let link: HostLink | undefined;
    try {
      link = await HostLink.open(this.#address, { signal, deadlineMs: CONNECT_MS });
      this.#fixture = await readFixture(link, this.wait(signal));
      const feeds = await subscribeDomains(link, this.wait(signal));
      await this.#readAll(link);
      this.#link = link;
      this.#connecting.resolve();
      this.#connecting = Promise.withResolvers<void>();
      this.#ports.log.info({ host: this.name, uri: this.uri }, 'a host is connected');
      return feeds;
    } catch (error) {
      await link?.close({ deadlineMs: 1000 }).catch(() => undefined);
      this.#lost(error);
      return undefined;
    }
  }

  /** Applies news until the connection ends. */
  async #follow(feeds: readonly AsyncIterable<DomainNews>[]): Promise<void> {
    const apply = async (feed: AsyncIterable<DomainNews>): Promise<void> => {
      for await (const news of feed) {
        await this.#apply(news).catch((error: unknown) => {
          this.#ports.log.warn(
            { host: this.name, err: error },
            'news of a host were not understood',
          );
        });
      }
    };
    await Promise.allSettled(feeds.map(apply));
    const closure = await this.#link?.closed;
    this.#lost(closure?.error);
  }

  async #apply(news: DomainNews): Promise<void> {
    if (news.kind === 'changed') await this.refresh(news.uuid);
    else await this.#readAll(this.link);
  }

  async #readAll(link: HostLink): Promise<void> {
    const uuids = [...(await listDomainUuids(link, this.wait()))];
    for (const known of this.#records.keys())
      if (!uuids.includes(known)) this.#records.delete(known);
    const readNext = async (): Promise<void> => {
      for (let uuid = uuids.pop(); uuid !== undefined; uuid = uuids.pop()) {
        await this.#read(link, uuid);
      }
    };
    await Promise.all(Array.from({ length: READS_AT_ONCE }, readNext));
  }

  #lost(error: unknown): void {
    this.#link = undefined;
    if (this.#stop.signal.aborted) return;
    this.#reason = isBerthError(error) ? reasonOf(error) : String(error);
    this.#ports.log.warn({ host: this.name, err: error }, 'a host is unreachable');
  }
}

function reasonOf(error: Error): string {
  return isBerthError(error, 'BERTH_HOST_UNREACHABLE') ? error.data.reason : error.message;
}
