import { berthError, isBerthError } from '../../base/errors.ts';
import type { Page, PageQuery } from '../../api/paging.ts';
import type { HostRemoval, HostSummary, HostView } from '../../api/resources.ts';
import type { DomainRecord } from '../../host/domain-record.ts';
import { hostIsUsed } from '../fleet/fleet.ts';
import type { HostMirror } from '../fleet/host-mirror.ts';
import type { ServiceContext } from './context.ts';
import { comesBefore, cursorAfter, placeOf } from './cursor.ts';
import { hostSummaryOf, hostViewOf, vmsOf } from './views.ts';

/** What the API can be asked to do with hosts, free of HTTP. */
export class HostService {
  readonly #context: ServiceContext;

  constructor(context: ServiceContext) {
    this.#context = context;
  }

  /** A page, by name. @throws BERTH_SPEC_INVALID for a cursor of another list */
  async hosts({ limit, cursor }: PageQuery): Promise<Page<HostSummary>> {
    const place = placeOf(cursor, 'hosts', ['']);
    const names = this.#context.fleet.mirrors.map(({ name }) => name);
    const rest = place === undefined ? names : names.filter((name) => comesBefore(place, [name]));
    const asked = rest.slice(0, limit);
    const last = asked.at(-1);
    return {
      items: await Promise.all(asked.map(async (name) => this.#hostSummary(name))),
      ...(rest.length > limit && last !== undefined ? { next: cursorAfter('hosts', [last]) } : {}),
    };
  }

  async addHost({ name, uri }: { name: string; uri: string }): Promise<HostSummary> {
    await this.#context.fleet.add(name, uri);
    return this.#hostSummary(name);
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
    return hostViewOf(await mirror.lastSnapshot(claims(name)), vmsOf(mirror));
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

  async #hostSummary(name: string): Promise<HostSummary> {
    const mirror = this.#context.fleet.host(name);
    try {
      const snapshot = await mirror.lastSnapshot([]);
      return hostSummaryOf(snapshot, mirror.records.length, mirror.unreachable);
    } catch (error) {
      if (!isBerthError(error)) throw error;
      const { uri, unreachable: reason = error.message } = mirror;
      const nothing = { cells: 0, cpus: 0, memoryBytes: 0, freeBytes: 0, vms: 0, domainTypes: [] };
      return { name, uri, state: 'unreachable', reason, ...nothing };
    }
  }
}

function namesOf(records: readonly DomainRecord[]): string[] {
  return records.map((record) => record.name).toSorted();
}
