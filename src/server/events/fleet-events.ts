import type { FleetEvent } from '../../api/events.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { FleetChange } from '../fleet/fleet-changes.ts';
import type { ServiceContext } from '../services/context.ts';
import { stateViewOf } from '../services/views.ts';
import { labelsOfRecord } from '../services/vm-labels.ts';
import type { OperationNews, OperationStanding } from '../../store/operation-news.ts';
import type { Ports } from '../ports.ts';
import { Repeating } from '../repeating.ts';
import { EventLog } from './event-log.ts';
import { OperationsElsewhere } from './operations-elsewhere.ts';

/** How often those who listen are told that time has passed. */
const BEAT_MS = 15_000;

/** How often it is looked what other servers on a shared store do. */
const ELSEWHERE_MS = 1000;

/** Writes what happens in the fleet, and to operations, into a log of events. */
export class FleetEvents {
  readonly log: EventLog;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly #fleet: Fleet;
  readonly #ports: Ports;
  readonly #unlisten: (() => void)[];
  readonly #stop = new AbortController();
  #beating: Promise<void> | undefined;
  /** Undefined where no other server can be. */
  #elsewhere: Repeating | undefined;

  /** Listens from now on; before the fleet starts, so that nothing is missed. */
  constructor({ fleet, runner, store, ports }: ServiceContext) {
    this.log = new EventLog(ports.uuid());
    this.#fleet = fleet;
    this.#ports = ports;
    this.now = ports.now;
    this.#unlisten = [
      fleet.changes.listen((change) => this.#publishChange(change)),
      runner.listen(({ record }) => this.#publishOperation(record)),
    ];
    if (store.isShared) this.#elsewhere = this.#followOthers(store.operationNews, runner.server);
  }

  /** Lets time be told to those who listen, until `stop`. */
  start(): void {
    this.#beating = this.#beat();
    this.#elsewhere?.start();
  }

  /** Ends every stream. */
  async stop(): Promise<void> {
    for (const unlisten of this.#unlisten) unlisten();
    this.log.end();
    this.#stop.abort();
    await Promise.all([this.#beating, this.#elsewhere?.stop()]);
  }

  #publishChange(change: FleetChange): void {
    const at = this.#ports.now();
    if (change.kind === 'host') {
      this.log.publish({ ...change, at });
      return;
    }
    const { record, ...what } = change;
    const { uuid, name, state } = record;
    const labels = labelsOfRecord(record);
    this.log.publish({ ...what, at, uuid, name, state, labels: { ...labels } }, { labels });
  }

  #publishOperation(operation: OperationStanding): void {
    const { vmUuid, token, labels } = operation;
    const there = this.#fleet.labelsOf(vmUuid) ?? { labels };
    this.log.publish(this.#operationEvent(operation), { ...there, token });
  }

  #followOthers(news: OperationNews, server: string): Repeating {
    const elsewhere = new OperationsElsewhere(news, server, (standing) =>
      this.#publishOperation(standing),
    );
    const failing = 'cannot read what other servers do';
    return new Repeating(
      { everyMs: ELSEWHERE_MS, work: async () => elsewhere.look(), failing },
      this.#ports,
    );
  }

  #operationEvent(operation: OperationStanding): FleetEvent {
    const { id, kind, vm, host, state, done, steps, revision } = operation;
    return {
      kind: 'operation',
      at: this.#ports.now(),
      id,
      does: kind,
      vm,
      ...(host === undefined ? {} : { host }),
      state: stateViewOf(state),
      done,
      steps: steps.length,
      revision,
    };
  }

  async #beat(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#ports.sleep(BEAT_MS, signal).catch(() => undefined);
      if (!signal.aborted) this.log.beat();
    }
  }
}
