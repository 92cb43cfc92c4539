import { berthError } from '../base/errors.ts';
import type { DomainRecord } from '../host/domain-record.ts';
import { seatOf } from '../model/host.ts';
import type { HostSnapshot, Seat } from '../model/host.ts';
import type { Environment } from '../host/host-link.ts';
import type { Store } from '../store/store.ts';
import { HostMirror } from './host-mirror.ts';
import type { Ports } from './ports.ts';

/** A VM where it was found. */
export interface FoundVm {
  readonly mirror: HostMirror;
  readonly record: DomainRecord;
}

/** All hosts, and every VM on them. */
export class Fleet {
  readonly #store: Store;
  readonly #ports: Ports;
  readonly #environment: Environment;
  readonly #mirrors = new Map<string, HostMirror>();

  constructor(store: Store, environment: Environment, ports: Ports) {
    this.#store = store;
    this.#environment = environment;
    this.#ports = ports;
  }

  /** Connects to every registered host; one that does not answer is tried again by itself. */
  async start(): Promise<void> {
    const hosts = await this.#store.hosts.list();
    await Promise.all(hosts.map(async ({ name, uri }) => this.#mirror(name, uri).start()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.mirrors.map(async (mirror) => mirror.stop()));
  }

  get mirrors(): readonly HostMirror[] {
    return [...this.#mirrors.values()].toSorted((a, b) => a.name.localeCompare(b.name));
  }

  /**
   * Registers a host and connects to it; nothing is kept of one that cannot be reached.
   * @throws BERTH_EXISTS when the name stands for another URI, BERTH_HOST_UNREACHABLE
   */
  async add(name: string, uri: string): Promise<HostMirror> {
    const known = this.#mirrors.get(name);
    if (known?.uri === uri) return known;
    if (known !== undefined) {
      throw berthError('BERTH_EXISTS', { kind: 'host', name, where: `with the URI ${known.uri}` });
    }
    const mirror = this.#mirror(name, uri);
    await mirror.start();
    try {
      void mirror.link;
      await this.#store.hosts.put({ name, uri, addedAt: this.#ports.now() });
      return mirror;
    } catch (error) {
      this.#mirrors.delete(name);
      await mirror.stop();
      throw error;
    }
  }

  /** @throws BERTH_NOT_FOUND */
  host(name: string): HostMirror {
    const mirror = this.#mirrors.get(name);
    if (mirror !== undefined) return mirror;
    const known = this.mirrors.map((each) => each.name);
    throw berthError('BERTH_NOT_FOUND', { kind: 'host', name, known });
  }

  /** The VM of a name (or UUID); a VM of Berth's before a foreign domain of the same name. */
  find(name: string): FoundVm | undefined {
    const found = this.#all().filter(({ record }) => record.name === name || record.uuid === name);
    return found.find(({ record }) => record.metadata !== undefined) ?? found[0];
  }

  /** @throws BERTH_NOT_FOUND */
  vm(name: string): FoundVm {
    const found = this.find(name);
    if (found !== undefined) return found;
    const known = this.#all().map(({ record }) => record.name);
    throw berthError('BERTH_NOT_FOUND', { kind: 'VM', name, known });
  }

  /** Looks at every host that can be reached, claims in flight included. */
  async snapshots(): Promise<readonly HostSnapshot[]> {
    const claims = await this.claimedSeats();
    const snapshots = this.mirrors.map(async (mirror) => mirror.freshSnapshot(claims(mirror.name)));
    return (await Promise.all(snapshots)).filter((snapshot) => snapshot !== undefined);
  }

  /** The seats that claims hold, by host. */
  async claimedSeats(): Promise<(host: string) => readonly Seat[]> {
    const claims = await this.#store.claims.list();
    return (host) =>
      claims
        .filter((claim) => claim.placement.host === host)
        .map(({ vm, uuid, placement }) => seatOf({ name: vm, uuid, running: false }, placement));
  }

  #all(): readonly FoundVm[] {
    return this.mirrors.flatMap((mirror) => mirror.records.map((record) => ({ mirror, record })));
  }

  #mirror(name: string, uri: string): HostMirror {
    const mirror = new HostMirror({ name, uri, environment: this.#environment }, this.#ports);
    this.#mirrors.set(name, mirror);
    return mirror;
  }
}
