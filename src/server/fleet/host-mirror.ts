import { isDeepStrictEqual } from 'node:util';
import { present } from '../../base/assert.ts';
import { berthError, isBerthError } from '../../base/errors.ts';
import type { DomainRecord } from '../../host/domain-record.ts';
import type { DomainNews } from '../../host/domain-feed.ts';
import { listDomainUuids, readDomainRecord } from '../../host/domains.ts';
import type { HostAddress, HostLink, Wait } from '../../host/host-link.ts';
import type { KeptWay } from '../../host/kept-link.ts';
import { observe, readFixture } from '../../host/observe.ts';
import type { HostFixture } from '../../host/observe.ts';
import { defaultPolicy } from '../../model/host.ts';
import type { HostSnapshot, Seat } from '../../model/host.ts';
import { cpuNumbers } from '../../model/topology.ts';
import type { Ports } from '../ports.ts';
import type { FleetChange, HostChange, VmChange } from './fleet-changes.ts';
import { Turns } from '../turns.ts';

/** How long a call to a host may take before it counts as unreachable. */
const CALL_MS = 15_000;
const CLOSE_MS = 1000;
/** Domains whose XML is read at the same time while a host is read whole. */
const READS_AT_ONCE = 4;

/** Who is told what a mirror sees. */
export interface MirrorWatcher {
  /** Throws when the host that answered must not be taken in. */
  admit(mirror: HostMirror, fixture: HostFixture): void;
  /** A domain came, changed or went; one that was read again and found as it was is not told. */
  domainSeen(mirror: HostMirror, before: DomainRecord | undefined, after?: DomainRecord): void;
  /** Something that users can see has changed. */
  tell(mirror: HostMirror, change: FleetChange): void;
}

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
  readonly #records = new Map<string, DomainRecord>();
  /** Domains first seen on a connection that is not open yet: they are told of when it is. */
  readonly #untold = new Set<string>();
  /** Reads of one domain follow each other, so that an older answer never replaces a newer one. */
  readonly #reading = new Turns();
  readonly #turns = new Turns();
  #link: HostLink | undefined;
  #fixture: HostFixture | undefined;
  #lastSeen: HostSnapshot | undefined;
  #failure: unknown;
  #kept: KeptWay | undefined;
  #isStopped = false;
  #connecting = Promise.withResolvers<void>();

  constructor(address: HostAddress, ports: Ports, watcher: MirrorWatcher) {
    this.name = address.name;
    this.uri = address.uri;
    this.#address = address;
    this.#ports = ports;
    this.#watcher = watcher;
  }

  /** Begins to connect and keeps the connection up until `stop`; settles after the first attempt. */
  async start(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const keeper = {
      takeIn: async (link: HostLink, { signal }: Wait) => this.#takeIn(link, this.wait(signal)),
      apply: async (link: HostLink, news: DomainNews) => this.#apply(link, news),
      open: (link: HostLink) => {
        this.#opened(link);
        resolve();
      },
      lost: (error: unknown) => {
        this.#lost(error);
        resolve();
      },
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

  /** The domains as last seen, in no order; while the host is away nobody knows how they stand. */
  get records(): readonly DomainRecord[] {
    return [...this.#records.values()].map((record) => this.#asKnown(record));
  }

  /** One domain as last seen. */
  record(uuid: string): DomainRecord | undefined {
    const record = this.#records.get(uuid);
    return record === undefined ? undefined : this.#asKnown(record);
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
   * shows yet. The claims must have been read before: one that is handed over meanwhile is shown.
   * @throws BERTH_HOST_UNREACHABLE, BERTH_DEADLINE, BERTH_LIBVIRT_REFUSED, BERTH_FACTS_INVALID
   */
  async snapshot(claims: readonly Seat[]): Promise<HostSnapshot> {
    const { link } = this;
    const fixture = present(this.#fixture, 'what was read when the host was connected');
    const { topology, unknown } = await observe(link, fixture, this.wait());
    const seats = [...this.#records.values()].map((record) => record.seat);
    this.#lastSeen = {
      name: this.name,
      uri: this.uri,
      observedAt: this.#ports.now(),
      libvirtVersion: link.connection.libVersion,
      domainTypes: fixture.domainTypes,
      topology,
      unknown,
      policy: defaultPolicy(topology),
      seats: [...seats, ...claims.filter((claim) => !this.#records.has(claim.uuid))],
    };
    return this.#lastSeen;
  }

  /**
   * As `snapshot`, or what was last seen of a host that cannot tell now.
   * @throws as `snapshot` when it has never been seen
   */
  async lastSnapshot(claims: readonly Seat[]): Promise<HostSnapshot> {
    try {
      return await this.snapshot(claims);
    } catch (error) {
      if (isBerthError(error) && this.#lastSeen !== undefined) return this.#lastSeen;
      throw error;
    }
  }

  /** How many CPU numbers the host has, offline ones included. @throws as `lastSnapshot` */
  async cpuNumbers(): Promise<number> {
    return cpuNumbers((this.#lastSeen ?? (await this.lastSnapshot([]))).topology);
  }

  /** Reads one domain again, now. @returns undefined when it is gone. */
  async refresh(uuid: string): Promise<DomainRecord | undefined> {
    return this.#reading.take(uuid, async () => this.#read(this.link, uuid, this.wait()));
  }

  #asKnown(record: DomainRecord): DomainRecord {
    return this.#link === undefined ? { ...record, state: 'unknown' } : record;
  }

  async #read(link: HostLink, uuid: string, wait: Wait): Promise<DomainRecord | undefined> {
    const record = await readDomainRecord(link, uuid, wait);
    this.#keep(uuid, record);
    return record;
  }

  /** Keeps what was read of a domain, and tells what is new of it. */
  #keep(uuid: string, after: DomainRecord | undefined): void {
    const before = this.#records.get(uuid);
    if (isDeepStrictEqual(before, after)) return;
    if (after === undefined) this.#records.delete(uuid);
    else this.#records.set(uuid, after);
    this.#watcher.domainSeen(this, before, after);
    if (after === undefined && before !== undefined) {
      // One that nobody was told of need not be missed.
      if (!this.#untold.delete(uuid)) this.#tell(this.#asKnown(before), 'gone');
    } else if (after !== undefined && this.#link !== undefined) {
      this.#tell(after, before === undefined ? 'appeared' : 'changed');
    } else if (before === undefined) this.#untold.add(uuid);
  }

  #tell({ uuid, name, state }: DomainRecord, change: VmChange['change']): void {
    this.#watcher.tell(this, { kind: 'vm', uuid, name, host: this.name, change, state });
  }

  #tellHost(change: HostChange['change']): void {
    this.#watcher.tell(this, { kind: 'host', name: this.name, change });
  }

  /** Throws for a host that must not be taken in; else it is known whole afterwards. */
  async #takeIn(link: HostLink, wait: Wait): Promise<void> {
    const fixture = await readFixture(link, wait);
    this.#watcher.admit(this, fixture);
    this.#fixture = fixture;
    await this.#readAll(link, wait);
  }

  async #apply(link: HostLink, news: DomainNews): Promise<void> {
    if (news.kind === 'resync') await this.#readAll(link, this.wait());
    else await this.#readInTurn(link, news.uuid, this.wait());
  }

  /** Reads every domain that the host lists, and those it lists no more: they may be new or gone. */
  async #readAll(link: HostLink, wait: Wait): Promise<void> {
    const listed = await listDomainUuids(link, wait);
    const uuids = [...new Set([...listed, ...this.#records.keys()])];
    const readNext = async (): Promise<void> => {
      for (let uuid = uuids.pop(); uuid !== undefined; uuid = uuids.pop()) {
        await this.#readInTurn(link, uuid, wait);
      }
    };
    await Promise.all(Array.from({ length: READS_AT_ONCE }, readNext));
  }

  /** One domain that libvirt refuses to tell of must not hide the others. */
  async #readInTurn(link: HostLink, uuid: string, wait: Wait): Promise<void> {
    try {
      await this.#reading.take(uuid, async () => this.#read(link, uuid, wait));
    } catch (error) {
      if (!isBerthError(error, 'BERTH_LIBVIRT_REFUSED')) throw error;
      this.#ports.log.warn({ host: this.name, uuid, err: error }, 'a domain cannot be read');
    }
  }

  #opened(link: HostLink): void {
    this.#link = link;
    this.#connecting.resolve();
    this.#connecting = Promise.withResolvers<void>();
    this.#ports.log.info({ host: this.name, uri: this.uri }, 'a host is connected');
    this.#tellHost('connected');
    for (const record of this.#records.values()) {
      this.#tell(record, this.#untold.has(record.uuid) ? 'appeared' : 'changed');
    }
    this.#untold.clear();
  }

  #lost(error: unknown): void {
    const wasOpen = this.#link !== undefined;
    const before = reasonOf(this.#failure);
    this.#link = undefined;
    this.#failure = error;
    if (this.#isStopped) return;
    if (wasOpen || before !== reasonOf(error)) this.#tellHost('unreachable');
    if (wasOpen) for (const record of this.records) this.#tell(record, 'changed');
    this.#ports.log.warn({ host: this.name, err: error }, 'a host is unreachable');
  }
}

function reasonOf(failure: unknown): string {
  if (failure === undefined) return 'it has not been reached yet';
  if (isBerthError(failure, 'BERTH_HOST_UNREACHABLE')) return failure.data.reason;
  return failure instanceof Error ? failure.message : 'it failed for a reason that cannot be told';
}
