import { atOnce } from '../../base/at-once.ts';
import { berthError, isBerthError } from '../../base/errors.ts';
import type { HostQuery } from '../../api/host-change.ts';
import type { Page } from '../../api/paging.ts';
import type { HostRemoval, HostSummary, HostView } from '../../api/resources.ts';
import type { DomainRecord } from '../../host/domain-record.ts';
import { changedProfile, PLAIN_PROFILE } from '../../model/host-settings.ts';
import type { ProfileChange } from '../../model/host-settings.ts';
import { matchesLabels } from '../../model/label-selector.ts';
import type { LabelSelector } from '../../model/label-selector.ts';
import { hostIsUsed } from '../fleet/fleet.ts';
import type { HostMirror } from '../fleet/host-mirror.ts';
import type { ServiceContext } from './context.ts';
import { comesBefore, cursorAfter, placeOf } from './cursor.ts';
import { nameFilter } from './name-filter.ts';
import { hostStandingOf, hostSummaryOf, hostViewOf, vmsOf } from './views.ts';

/** Hosts that are looked at at the same time. */
const LOOKS_AT_ONCE = 32;
/** In a fleet of more hosts, what was last seen is told: nobody waits for a thousand of them. */
const LOOKED_AT_MAX = 64;

type HostFilter = Pick<HostQuery, 'labels' | 'name' | 'state'>;

/** What the API can be asked to do with hosts, free of HTTP. */
export class HostService {
  readonly #context: ServiceContext;

  constructor(context: ServiceContext) {
    this.#context = context;
  }

  /** A page, by name. @throws BERTH_SPEC_INVALID for a cursor of another list */
  async hosts({ limit, cursor, ...query }: HostQuery): Promise<Page<HostSummary>> {
    const place = placeOf(cursor, 'hosts', ['']);
    const rest = this.#asked(query).filter(
      ({ name }) => place === undefined || comesBefore(place, [name]),
    );
    const asked = rest.slice(0, limit);
    const last = asked.at(-1);
    const isLarge = this.#context.fleet.mirrors.length > LOOKED_AT_MAX;
    return {
      items: await atOnce(LOOKS_AT_ONCE, asked, async (host) => this.#hostSummary(host, isLarge)),
      ...(rest.length > limit && last !== undefined
        ? { next: cursorAfter('hosts', [last.name]) }
        : {}),
    };
  }

  /** What is said of a host that is registered already stays as it is. */
  async addHost(host: { name: string; uri: string } & ProfileChange): Promise<HostSummary> {
    const { name, uri, ...change } = host;
    const profile = changedProfile(PLAIN_PROFILE, change);
    return this.#hostSummary(await this.#context.fleet.add(name, uri, profile));
  }

  /**
   * Changes labels and settings of a host.
   * @throws BERTH_NOT_FOUND; BERTH_SPEC_INVALID for a reservation of what it does not have
   */
  async changeHost(name: string, change: ProfileChange): Promise<HostSummary> {
    this.#context.fleet.host(name).checkChange(change);
    await this.#context.fleet.change(name, (profile) => changedProfile(profile, change));
    return this.#hostSummary(this.#context.fleet.host(name));
  }

  /** The same for every host that matches now, or for none. @returns their names, ascending */
  async changeHosts(labels: LabelSelector, change: ProfileChange): Promise<readonly string[]> {
    const hosts = this.#asked({ labels });
    for (const host of hosts) host.checkChange(change);
    const names = hosts.map(({ name }) => name);
    for (const name of names) await this.changeHost(name, change);
    return names;
  }

  /**
   * Forgets a host, reachable or not. Nothing on the host itself is touched: its domains stay.
   * @param force even while operations work on it, which fail by that, and with VMs of Berth's on it
   * @throws BERTH_NOT_FOUND, BERTH_BUSY while an operation works on it, BERTH_CONFLICT with VMs
   */
  async removeHost(name: string, force: boolean): Promise<HostRemoval> {
    const refuse = (mirror: HostMirror): void => {
      if (!force) this.#mustBeUnused(mirror);
    };
    const { uri, records } = await this.#context.fleet.remove(name, refuse, { force });
    return { name, uri, vms: namesOf(records) };
  }

  /** @throws BERTH_NOT_FOUND, and BERTH_HOST_UNREACHABLE for a host that was never seen */
  async host(name: string): Promise<HostView> {
    const mirror = this.#context.fleet.host(name);
    const claims = await this.#context.fleet.claimedSeats();
    return hostViewOf(await mirror.lastSnapshot(claims(name)), mirror, vmsOf(mirror));
  }

  #asked({ labels = [], name, state }: HostFilter): readonly HostMirror[] {
    const isNamed = nameFilter(name);
    return this.#context.fleet.mirrors.filter(
      (mirror) =>
        isNamed(mirror.name) &&
        (state === undefined || mirror.state.phase === state) &&
        matchesLabels(labels, mirror.profile.labels),
    );
  }

  #mustBeUnused({ name, records }: HostMirror): void {
    const working = this.#context.runner.workingOn(name);
    if (working !== undefined) {
      const holder = `operation ${working.id} (${working.kind} ${working.vm}) is running`;
      throw berthError('BERTH_BUSY', { what: `host ${name}`, holder });
    }
    const own = records.filter(({ metadata }) => metadata !== undefined);
    if (own.length > 0) throw hostIsUsed(name, 'VMs of Berth’s are there', namesOf(own));
  }

  /** @param asSeen as it was last looked at, without a call to it */
  async #hostSummary(mirror: HostMirror, asSeen = false): Promise<HostSummary> {
    const seen = asSeen ? mirror.seenHost() : undefined;
    try {
      return hostSummaryOf(seen ?? (await mirror.lastSnapshot([])), mirror);
    } catch (error) {
      if (!isBerthError(error)) throw error;
      const nothing = { cells: 0, cpus: 0, memoryBytes: 0, freeBytes: 0, domainTypes: [] };
      const { message: reason } = error;
      const told = { name: mirror.name, uri: mirror.uri, ...nothing, vms: mirror.size };
      return {
        ...told,
        ...hostStandingOf(mirror),
        ...(mirror.state.phase === 'connecting' ? {} : { reason }),
      };
    }
  }
}

function namesOf(records: readonly DomainRecord[]): string[] {
  return records.map((record) => record.name).toSorted();
}
