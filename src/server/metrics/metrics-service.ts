import type {
  HistoryQuery,
  HistoryView,
  HostUsageList,
  HostUsageView,
  UsageFigure,
  UsageQuery,
  VmUsageList,
  VmUsageView,
} from '../../api/metrics.ts';
import { firstOf } from '../../base/first-of.ts';
import { onlineCpus } from '../../model/topology.ts';
import type { Store } from '../../store/store.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { HostMirror } from '../fleet/host-mirror.ts';
import type { Ports } from '../ports.ts';
import { labelsOfRecord } from '../services/vm-labels.ts';
import type { VmLabels } from '../services/vm-labels.ts';
import type { Collector, HostSample } from './collector.ts';
import { expositionText } from './exposition.ts';
import type { ExpositionFormat } from './exposition.ts';
import { hostFamilies, vmFamilies } from './fleet-families.ts';
import type { VmReading } from './fleet-families.ts';
import { readHistory } from './history-reader.ts';
import { hostSeries, vmSeries } from './history-recorder.ts';
import type { HistoryRecorder } from './history-recorder.ts';
import type { HostReading } from './host-metrics.ts';
import type { ServerMetrics } from './server-metrics.ts';

/** Which VMs may be told of, by their labels; absent: all, and hosts and the server as well. */
export type Sees = ((labels: VmLabels) => boolean) | undefined;

/** What the service tells of. */
export interface MetricsParts {
  readonly fleet: Fleet;
  readonly store: Store;
  readonly collector: Collector;
  readonly counters: ServerMetrics;
  readonly recorder: HistoryRecorder;
  readonly ports: Pick<Ports, 'now'>;
}

/** Figures of the fleet: for Prometheus, for whoever looks at what uses most, and over time. */
export class MetricsService {
  readonly #parts: MetricsParts;

  constructor(parts: MetricsParts) {
    this.#parts = parts;
  }

  /** All figures as Prometheus reads them, in pieces that are made when they are asked for. */
  async exposition(format: ExpositionFormat, sees: Sees): Promise<Iterable<string>> {
    const vms = vmFamilies(this.#vmReadings(sees));
    if (sees !== undefined) return expositionText(vms, format);
    const hosts = hostFamilies(await this.#hostReadings());
    const own = await this.#parts.counters.families();
    return expositionText(chain(own, hosts, vms), format);
  }

  /** The VMs that use most of a figure. */
  vmUsage({ sort, limit }: UsageQuery, sees: Sees): VmUsageList {
    const users = this.#samples().flatMap(({ mirror, sample }) =>
      sample.stats.vms
        .filter(({ uuid }) => isSeen(mirror, uuid, sees))
        .map((vm): VmUsageView => {
          const { name, uuid, vcpus } = vm;
          // Events tell of the state at once, readings every now and then.
          const state = mirror.record(uuid)?.state ?? vm.state;
          const usage = sample.vms.get(uuid) ?? {};
          return { name, uuid, host: mirror.name, state, vcpus: vcpus.length, usage };
        }),
    );
    return { total: users.length, vms: [...firstOf(users, limit, usesMore(sort))] };
  }

  /** The hosts that use most of a figure, those that are away included. */
  hostUsage({ sort, limit }: UsageQuery): HostUsageList {
    const users = this.#parts.fleet.mirrors.map((mirror): HostUsageView => {
      const topology = mirror.seenSnapshot([])?.topology;
      return {
        name: mirror.name,
        state: mirror.unreachable === undefined ? 'connected' : 'unreachable',
        cpus: topology === undefined ? 0 : onlineCpus(topology).length,
        memoryBytes: topology?.cells.reduce((sum, cell) => sum + cell.memoryBytes, 0) ?? 0,
        vms: mirror.size,
        usage: this.#sample(mirror)?.usage ?? {},
      };
    });
    return { total: users.length, hosts: [...firstOf(users, limit, usesMore(sort))] };
  }

  /** What a VM used over time, wherever it ran. @throws BERTH_NOT_FOUND, BERTH_SPEC_INVALID */
  async vmHistory(name: string, query: HistoryQuery): Promise<HistoryView> {
    const { record } = this.#parts.fleet.vm(name);
    const part = await this.#history(vmSeries(record.uuid), query);
    return { name: record.name, isKept: this.#parts.recorder.keepsVms, ...part };
  }

  /** What a host used over time. @throws BERTH_NOT_FOUND, BERTH_SPEC_INVALID */
  async hostHistory(name: string, query: HistoryQuery): Promise<HistoryView> {
    const host = this.#parts.fleet.host(name);
    const part = await this.#history(hostSeries(host.name), query);
    return { name: host.name, isKept: true, ...part };
  }

  async #history(series: string, query: HistoryQuery) {
    const { store, recorder, ports } = this.#parts;
    return readHistory({ records: store.history, recorder }, series, query, ports.now());
  }

  #samples(): readonly { readonly mirror: HostMirror; readonly sample: HostSample }[] {
    return this.#parts.fleet.mirrors.flatMap((mirror) => {
      const sample = this.#sample(mirror);
      return sample === undefined ? [] : [{ mirror, sample }];
    });
  }

  /** What was true before a host went away says nothing of now. */
  #sample(mirror: HostMirror): HostSample | undefined {
    return mirror.unreachable === undefined ? this.#parts.collector.sample(mirror.name) : undefined;
  }

  #vmReadings(sees: Sees): readonly VmReading[] {
    return this.#samples().flatMap(({ mirror, sample }) =>
      sample.stats.vms
        .filter(({ uuid }) => isSeen(mirror, uuid, sees))
        .map((vm) => ({ host: mirror.name, vm })),
    );
  }

  async #hostReadings(): Promise<readonly HostReading[]> {
    const { fleet, collector } = this.#parts;
    const claims = await fleet.claimedSeats();
    return fleet.mirrors.map((mirror) => {
      const { name, unreachable, records } = mirror;
      const claimed = claims(name);
      const books = mirror.seenSnapshot(claimed);
      const sample = this.#sample(mirror);
      return {
        name,
        isConnected: unreachable === undefined,
        states: records.map(({ state }) => state),
        failures: collector.failures(name),
        ...(sample && { stats: sample.stats, readSeconds: sample.readSeconds }),
        ...(books && { books: { ...books, claims: claimed.length } }),
      };
    });
  }
}

function isSeen(mirror: HostMirror, uuid: string, sees: Sees): boolean {
  return sees === undefined || sees(labelsOfRecord(mirror.record(uuid)));
}

/** Whoever uses more comes first; by name where that is the same, or nobody knows. */
function usesMore(figure: UsageFigure) {
  type User = Pick<VmUsageView, 'name' | 'usage'>;
  return (one: User, other: User): boolean => {
    const [more, less] = [one.usage[figure] ?? -1, other.usage[figure] ?? -1];
    return more === less ? one.name < other.name : more > less;
  };
}

function* chain<T>(...parts: readonly Iterable<T>[]): Iterable<T> {
  for (const part of parts) yield* part;
}
