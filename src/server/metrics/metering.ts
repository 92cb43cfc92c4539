import type { Store } from '../../store/store.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { OperationRunner } from '../operations/operation-runner.ts';
import type { Ports } from '../ports.ts';
import { Collector } from './collector.ts';
import { HistoryRecorder } from './history-recorder.ts';
import { MetricsService } from './metrics-service.ts';
import type { ServerMetrics } from './server-metrics.ts';

/** What is measured, and by what. */
export interface MeteringParts {
  readonly fleet: Fleet;
  readonly store: Store;
  readonly runner: OperationRunner;
  readonly counters: ServerMetrics;
  /** Whether this process does what one does for all: it keeps the history. */
  readonly isLeader: () => boolean;
  readonly ports: Ports;
}

/** Everything that measures the fleet while the server runs. */
export class Metering {
  readonly service: MetricsService;
  readonly counters: ServerMetrics;
  readonly #collector: Collector;
  readonly #recorder: HistoryRecorder;

  constructor({ fleet, store, runner, counters, isLeader, ports }: MeteringParts) {
    this.counters = counters;
    const recorder = new HistoryRecorder(store.history, ports, isLeader);
    const hosts = () => fleet.mirrors;
    const collector = new Collector(hosts, ports, (sample) => recorder.record(sample));
    this.#recorder = recorder;
    this.#collector = collector;
    this.service = new MetricsService({ fleet, store, collector, counters, recorder, ports });
    counters.leads(isLeader);
    fleet.changes.listen((change) => counters.changed(change));
    runner.listen(({ record }) => counters.operated(record));
  }

  /** Begins to read hosts and to keep their history. */
  start(): void {
    this.#collector.start();
    this.#recorder.start();
  }

  /** Ends the reading, and writes what is left of the history. */
  async stop(): Promise<void> {
    await this.#collector.stop();
    await this.#recorder.stop();
  }
}
