import { isDeepStrictEqual } from 'node:util';
import { berthError, isBerthError } from '../../base/errors.ts';
import { seatOf } from '../../model/host.ts';
import type { HostSnapshot, Seat } from '../../model/host.ts';
import { joinedSeat } from '../../model/joined-seat.ts';
import { PLAIN_PROFILE } from '../../model/host-settings.ts';
import type { HostProfile } from '../../model/host-settings.ts';
import type { Fleet as Books } from '../../engine/fleet/fleet.ts';
import type { Environment } from '../../host/host-link.ts';
import type { HostFixture } from '../../host/observe.ts';
import type { Claim } from '../../store/claims.ts';
import type { HostRecord } from '../../store/hosts.ts';
import type { Store } from '../../store/store.ts';
import { FleetChanges } from './fleet-changes.ts';
import type { VmChange } from './fleet-changes.ts';
import { FleetBooks } from './fleet-books.ts';
import { Gate } from './gate.ts';
import { HostMirror } from './host-mirror.ts';
import { labelsOfRecord } from '../services/vm-labels.ts';
import type { VmLabels } from '../services/vm-labels.ts';
import { VmDirectory } from './vm-directory.ts';
import type { FoundIn } from './vm-directory.ts';
import type { Ports } from '../ports.ts';
import { Turns } from '../turns.ts';

/** How long a start waits for hosts; those that are slower are connected to meanwhile. */
const START_WAIT_MS = 3000;

/** How many VMs a refusal names. */
const VMS_NAMED_MAX = 5;

/** Attempts to connect that are under way at once, and for how long one counts. */
const CONNECTING = { inside: 32, countsMs: 3000 };

/** A VM where it was found. */
export type FoundVm = FoundIn<HostMirror>;

/** A look at hosts: what was seen, and why it was not where it was not. */
export interface FleetLook {
  readonly snapshots: readonly HostSnapshot[];
  readonly failures: readonly { readonly host: string; readonly error: Error }[];
}

/** All hosts, and every VM on them. */
export class Fleet {
  /** What happens to hosts and VMs, told as it happens. */
  readonly changes = new FleetChanges();
  readonly #store: Store;
  readonly #ports: Ports;
  readonly #environment: Environment;
  readonly #gate: Gate;
  readonly #mirrors = new Map<string, HostMirror>();
  readonly #vms = new VmDirectory<HostMirror>();
  readonly #books = new FleetBooks();
  /** `mirrors`, until a host comes or goes. */
  #byName: readonly HostMirror[] | undefined;
  /** Hosts that are being added: they are in nobody's way yet, but one of their like is. */
  readonly #arriving = new Set<HostMirror>();
  /** Adding and removing follow each other for one name, and go side by side for others. */
  readonly #changing = new Turns();

  constructor(store: Store, environment: Environment, ports: Ports) {
    this.#store = store;
    this.#environment = environment;
    this.#ports = ports;
    this.#gate = new Gate(CONNECTING, ports.sleep);
  }

  /** Connects to every registered host; one that does not answer is tried again by itself. */
  async start(): Promise<void> {
    const hosts = await this.#store.hosts.list();
    const mirrors = hosts.map((host) => this.#mirror(host.name, host.uri, host));
    for (const mirror of mirrors) this.#register(mirror);
    for (const { name, generation } of hosts) this.#mirrors.get(name)?.hearGeneration(generation);
    const enough = new AbortController();
    const slow = this.#ports.sleep(START_WAIT_MS, enough.signal).catch(() => undefined);
    await Promise.race([Promise.all(mirrors.map(async (mirror) => mirror.start())), slow]);
    enough.abort();
  }

  async stop(): Promise<void> {
    await Promise.all(this.mirrors.map(async (mirror) => mirror.stop()));
  }

  /** By name, ascending. */
  get mirrors(): readonly HostMirror[] {
    this.#byName ??= [...this.#mirrors.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
    return this.#byName;
  }

  /**
   * Registers a host and connects to it; nothing is kept of one that cannot be reached.
   * @throws BERTH_EXISTS when the name stands for another URI, or the host is registered already;
   * BERTH_URI_INVALID, BERTH_PERMISSION, BERTH_HOST_UNREACHABLE; BERTH_SPEC_INVALID for a reservation
   * of what it does not have
   */
  async add(name: string, uri: string, profile = PLAIN_PROFILE): Promise<HostMirror> {
    return this.#changing.take(name, async () => {
      const known = this.#mirrors.get(name);
      if (known?.uri === uri) return known;
      if (known !== undefined) throw hostExists(name, `with the URI ${known.uri}`);
      const same = this.#others().find((mirror) => mirror.uri === uri);
      if (same !== undefined) {
        const remedy = `it is the libvirt of host ${same.name}: see it with: berth host show ${same.name}`;
        throw hostExists(name, `under the name "${same.name}"`, remedy);
      }
      return this.#addNew(name, uri, profile);
    });
  }

  /**
   * Forgets a host: its connection ends, and the host itself is left as it is. One that has to stay
   * is not disturbed, whatever works on it.
   * @param refuse throws when the host has to stay.
   * @param options.force takes back the claims on it, too.
   * @throws BERTH_NOT_FOUND; BERTH_CONFLICT while places on it are claimed; what `refuse` throws
   */
  async remove(
    name: string,
    refuse: (mirror: HostMirror) => void,
    options: { readonly force: boolean },
  ): Promise<HostMirror> {
    return this.#changing.take(name, async () => {
      const mirror = this.host(name);
      refuse(mirror);
      const claims = await this.#store.hosts.remove(name, options, () => refuse(mirror));
      if (claims.length > 0) throw hostIsUsed(name, 'places are claimed there for', claims);
      await this.#forget(mirror);
      return mirror;
    });
  }

  /**
   * Takes over what other servers on the same store have changed of the registry: hosts that came or
   * went, and what is said of them. Connecting to new ones goes on by itself.
   * @throws as the store does, and then it can be tried again
   */
  async heedRegistry(): Promise<void> {
    const hosts = await this.#store.hosts.list();
    const news = new Set(this.#mirrors.keys());
    for (const host of hosts) {
      const mirror = this.#mirrors.get(host.name);
      mirror?.hearGeneration(host.generation);
      if (mirror !== undefined && isAsRegistered(mirror, host)) news.delete(host.name);
      else news.add(host.name);
    }
    await Promise.all(Array.from(news, async (name) => this.#heed(name)));
  }

  /** In turn with what this server itself does with the host, and as the store has it then. */
  async #heed(name: string): Promise<void> {
    await this.#changing.take(name, async () => {
      const host = await this.#store.hosts.get(name);
      const mirror = this.#mirrors.get(name);
      if (mirror !== undefined && mirror.uri === host?.uri) {
        mirror.configure({ labels: host.labels, settings: host.settings });
        return;
      }
      if (mirror !== undefined) await this.#forget(mirror);
      if (host === undefined) return;
      const fresh = this.#mirror(name, host.uri, host);
      fresh.hearGeneration(host.generation);
      this.#register(fresh);
      this.changes.publish({ kind: 'host', name, change: 'added' });
      void fresh.start();
    });
  }

  async #forget(mirror: HostMirror): Promise<void> {
    const { name } = mirror;
    this.#mirrors.delete(name);
    this.#byName = undefined;
    this.#books.markAll();
    for (const record of mirror.records) this.#vms.change(mirror, record, undefined);
    this.#tellVms(mirror, 'gone');
    this.changes.publish({ kind: 'host', name, change: 'removed' });
    await mirror.stop();
  }

  /** Changes what is said of a host, wherever the store is shared. @throws BERTH_NOT_FOUND */
  async change(name: string, change: (profile: HostProfile) => HostProfile): Promise<void> {
    await this.#changing.take(name, async () => {
      const mirror = this.host(name);
      const profile = await this.#store.hosts.change(name, change);
      if (profile !== undefined) mirror.configure(profile);
    });
  }

  /** @throws BERTH_NOT_FOUND */
  host(name: string): HostMirror {
    const mirror = this.#mirrors.get(name);
    if (mirror !== undefined) return mirror;
    const known = this.mirrors.map((each) => each.name);
    throw berthError('BERTH_NOT_FOUND', { kind: 'host', name, known });
  }

  /**
   * Settles when a host can be reached; at once for one that is not registered. One that another
   * server has registered just now is known afterwards.
   */
  async reachable(name: string | undefined): Promise<void> {
    if (name === undefined) return;
    await this.mustKnow(name);
    await this.#mirrors.get(name)?.connected();
  }

  /** Hears of a host that another server has registered just now. @throws as the store does */
  async mustKnow(name: string): Promise<void> {
    if (!this.#mirrors.has(name)) await this.#heed(name);
  }

  /**
   * The VM of a name, of `HOST/NAME` or of a UUID; a VM of Berth's before a foreign domain of the
   * same name. Of several that are alike the first.
   */
  find(name: string): FoundVm | undefined {
    return this.#vms.choose(name)[0];
  }

  /** The labels of a VM by its UUID, and whether it is there: a name may be another's UUID. */
  labelsOf(uuid: string): { readonly labels: VmLabels } | undefined {
    const found = this.#vms.ofUuid(uuid).map(({ record }) => record);
    const own = found.find(({ metadata }) => metadata !== undefined) ?? found[0];
    return own === undefined ? undefined : { labels: labelsOfRecord(own) };
  }

  /** @throws BERTH_NOT_FOUND; BERTH_CONFLICT where several are called so, which it tells */
  vm(name: string): FoundVm {
    const [found, ...others] = this.#vms.choose(name);
    if (found !== undefined) {
      if (others.some(({ record }) => record.uuid !== found.record.uuid)) {
        throw severalNamed(name, [found, ...others]);
      }
      return found;
    }
    throw berthError('BERTH_NOT_FOUND', { kind: 'VM', name, known: this.#vms.namesLike(name) });
  }

  /** Looks at every host, claims in flight included; a host that cannot tell stops no other. */
  async look(): Promise<FleetLook> {
    const claims = await this.claimedSeats();
    const snapshots: HostSnapshot[] = [];
    const failures: { host: string; error: Error }[] = [];
    await Promise.all(
      this.mirrors.map(async (mirror) => {
        try {
          snapshots.push(await mirror.snapshot(claims(mirror.name)));
        } catch (error) {
          if (!isBerthError(error)) throw error;
          failures.push({ host: mirror.name, error });
        }
      }),
    );
    return { snapshots: snapshots.toSorted((a, b) => (a.name < b.name ? -1 : 1)), failures };
  }

  /** The seats that claims hold, by host. */
  async claimedSeats(): Promise<(host: string) => readonly Seat[]> {
    const claimed = await this.#claimed();
    return (host) => claimed.get(host) ?? [];
  }

  /** The books of every host that was ever seen, claims in flight included; no host is asked. */
  async openBooks(): Promise<Books> {
    const claimed = await this.#claimed();
    return this.#books.open(this.mirrors, claimed);
  }

  /**
   * Takes places for VMs, all or none, if no place was taken or left on their hosts since the
   * generations were read.
   * @returns false when the race was lost
   * @throws BERTH_BUSY when a place is claimed for a VM of that name already
   */
  async take(claims: readonly Claim[], generations: ReadonlyMap<string, number>): Promise<boolean> {
    if (!(await this.#store.claims.takeAll(claims, generations))) return false;
    for (const host of new Set(claims.map(({ placement }) => placement.host))) {
      this.#mirrors.get(host)?.advancedTo((generations.get(host) ?? 0) + 1);
    }
    return true;
  }

  /**
   * Gives a place back, or hands it over to the host that shows it, which must have been read before.
   * @returns the host it was on; undefined when there was no claim, which is no error.
   */
  async release(uuid: string): Promise<string | undefined> {
    const released = await this.#store.claims.release(uuid);
    if (released === undefined) return undefined;
    const { host, generation } = released;
    if (generation !== undefined) this.#mirrors.get(host)?.advancedTo(generation);
    return host;
  }

  /**
   * A VM on a host is not as it was: whoever claims a place there reads it again first, on whichever
   * server. The claim that it may have is given back. The host must have been read before.
   */
  async changed(uuid: string, host: string): Promise<void> {
    if ((await this.release(uuid)) === host) return;
    const generation = await this.#store.hosts.advance(host);
    if (generation !== undefined) this.#mirrors.get(host)?.advancedTo(generation);
  }

  async #claimed(): Promise<ReadonlyMap<string, readonly Seat[]>> {
    const claimed = new Map<string, Seat[]>();
    for (const { vm, placement, before, ...claim } of await this.#store.claims.list()) {
      const taker = { ...claim, name: vm, running: false };
      const coming = seatOf(taker, placement);
      const seat = before === undefined ? coming : joinedSeat(seatOf(taker, before), coming);
      const seats = claimed.get(placement.host) ?? [];
      claimed.set(placement.host, [...seats, seat]);
    }
    return claimed;
  }

  async #addNew(name: string, uri: string, profile: HostProfile): Promise<HostMirror> {
    const mirror = this.#mirror(name, uri, profile);
    this.#arriving.add(mirror);
    try {
      await mirror.start();
      if (isBerthError(mirror.failure)) throw mirror.failure;
      void mirror.link; // throws for a host that was lost meanwhile
      mirror.checkChange(profile);
      const identity = identityOf(mirror);
      const host = await this.#store.hosts.add({
        name,
        uri,
        addedAt: this.#ports.now(),
        ...profile,
        ...(identity === undefined ? {} : { identity }),
      });
      // Another server may have been quicker, and said something else of it.
      mirror.configure({ labels: host.labels, settings: host.settings });
      this.#register(mirror);
      this.changes.publish({ kind: 'host', name, change: 'added' });
      this.changes.publish({ kind: 'host', name, change: 'connected' });
      this.#tellVms(mirror, 'appeared');
      return mirror;
    } catch (error) {
      await mirror.stop();
      throw error;
    } finally {
      this.#arriving.delete(mirror);
    }
  }

  #tellVms(mirror: HostMirror, change: VmChange['change']): void {
    for (const record of mirror.records) {
      this.changes.publish({ kind: 'vm', host: mirror.name, change, record });
    }
  }

  #others(): readonly HostMirror[] {
    return [...this.mirrors, ...this.#arriving];
  }

  /** From now on it is one of the fleet, with every domain it has. */
  #register(mirror: HostMirror): void {
    this.#mirrors.set(mirror.name, mirror);
    this.#byName = undefined;
    this.#books.markAll();
    for (const record of mirror.records) this.#vms.change(mirror, undefined, record);
  }

  #mirror(name: string, uri: string, profile: HostProfile): HostMirror {
    const address = { name, uri, environment: this.#environment };
    const isOurs = (mirror: HostMirror): boolean => this.#mirrors.get(name) === mirror;
    const mirror = new HostMirror(address, {
      ports: this.#ports,
      gate: this.#gate,
      watcher: {
        admit: (candidate, fixture) => this.#admit(candidate, fixture),
        domainSeen: (home, before, after) => {
          if (!isOurs(home)) return;
          this.#vms.change(home, before, after);
          this.#books.mark(name);
        },
        hostSeen: (home) => {
          if (isOurs(home)) this.#books.mark(name);
        },
        tell: (home, change) => {
          if (isOurs(home)) this.changes.publish(change);
        },
      },
    });
    mirror.configure({ labels: profile.labels, settings: profile.settings });
    return mirror;
  }

  /** Two ways in to one libvirtd would show, and count, each of its domains twice. */
  #admit(mirror: HostMirror, { hostUuid }: HostFixture): void {
    const identity = identityOf({ hostUuid, uri: mirror.uri });
    const same = this.#others().find(
      (other) => other !== mirror && identity !== undefined && identityOf(other) === identity,
    );
    if (same === undefined) return;
    const cure = 'if it is another machine, give it a host_uuid of its own in libvirtd.conf';
    throw hostExists(mirror.name, `as "${same.name}" (host UUID ${hostUuid}; ${cure})`);
  }
}

/** Whether a host is known as the store has it. */
function isAsRegistered({ uri, profile }: HostMirror, host: HostRecord): boolean {
  const { labels, settings } = host;
  return uri === host.uri && isDeepStrictEqual(profile, { labels, settings });
}

/** What tells one libvirtd from every other, by whatever way it is reached; undefined: not known. */
function identityOf({ hostUuid, uri }: Pick<HostMirror, 'hostUuid' | 'uri'>): string | undefined {
  if (hostUuid === undefined) return undefined;
  return `${hostUuid} ${isSession(uri) ? 'session' : 'system'}`;
}

/** A user's own daemon lives beside the system's, with domains of its own. */
function isSession(uri: string): boolean {
  return /^[^?]*\/session(\?|$)/.test(uri);
}

/** The refusal to forget a host on account of VMs. */
export function hostIsUsed(host: string, why: string, vms: readonly string[]): Error {
  const more = vms.length > VMS_NAMED_MAX ? `, and ${vms.length - VMS_NAMED_MAX} more` : '';
  return berthError('BERTH_CONFLICT', {
    what: `remove host ${host}`,
    why: `${why}: ${vms.slice(0, VMS_NAMED_MAX).join(', ')}${more}`,
    remedy: `remove them first, or leave them there as they are: berth host rm ${host} --force`,
  });
}

function severalNamed(name: string, found: readonly FoundVm[]): Error {
  const ways = found.map(({ mirror, record }) => `${mirror.name}/${record.name} (${record.uuid})`);
  return berthError('BERTH_CONFLICT', {
    what: `choose the VM ${name}`,
    why: `${found.length} are called so, none of which is Berth’s: ${ways.join(', ')}`,
    remedy: 'say which as HOST/NAME, or by its UUID',
  });
}

function hostExists(
  name: string,
  where: string,
  remedy = 'choose another name, or remove that host first',
): Error {
  return berthError('BERTH_EXISTS', { kind: 'host', name, where, remedy });
}
