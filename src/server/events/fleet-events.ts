import type { FleetEvent } from '../../api/events.ts';
import type { OperationRunner, OperationStatus } from '../operations/operation-runner.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { FleetChange } from '../fleet/fleet-changes.ts';
import { operationViewOf, vmSummaryOf } from '../services/views.ts';
import type { Ports } from '../ports.ts';
import { EventLog } from './event-log.ts';

/** How often those who listen are told that time has passed. */
const BEAT_MS = 15_000;

type Labels = Readonly<Record<string, string>>;

/** Writes what happens in the fleet, and to operations, into a log of events. */
export class FleetEvents {
  readonly log: EventLog;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly #fleet: Fleet;
  readonly #ports: Ports;
  /** Labels of VMs as they were last told of: of one that is gone nobody else knows them. */
  readonly #labels = new Map<string, Labels>();
  readonly #unlisten: (() => void)[];
  readonly #stop = new AbortController();
  #beating: Promise<void> | undefined;

  /** Listens from now on; before the fleet starts, so that nothing is missed. */
  constructor(fleet: Fleet, runner: OperationRunner, ports: Ports) {
    this.log = new EventLog(ports.uuid());
    this.#fleet = fleet;
    this.#ports = ports;
    this.now = ports.now;
    this.#unlisten = [
      fleet.changes.listen((change) => this.log.publish(this.#eventOf(change))),
      runner.listen((status) => this.log.publish(this.#operationEvent(status))),
    ];
  }

  /** Lets time be told to those who listen, until `stop`. */
  start(): void {
    this.#beating = this.#beat();
  }

  /** Ends every stream. */
  async stop(): Promise<void> {
    for (const unlisten of this.#unlisten) unlisten();
    this.log.end();
    this.#stop.abort();
    await this.#beating;
  }

  /** The labels of a VM by its name or UUID; none of one that is not there. */
  labelsOf(vm: string): Labels {
    const found = this.#fleet.find(vm);
    return found === undefined ? {} : vmSummaryOf(found.record, found.mirror.name).labels;
  }

  #eventOf(change: FleetChange): FleetEvent {
    const at = this.#ports.now();
    if (change.kind === 'host') return { ...change, at };
    return { ...change, at, labels: { ...this.#labelsAfter(change) } };
  }

  #labelsAfter({ uuid, change }: Extract<FleetChange, { kind: 'vm' }>): Labels {
    const before = this.#labels.get(uuid) ?? {};
    if (change === 'gone') {
      this.#labels.delete(uuid);
      return before;
    }
    const labels = this.labelsOf(uuid);
    // Most foreign domains have none, and there may be very many.
    if (Object.keys(labels).length > 0) this.#labels.set(uuid, labels);
    else this.#labels.delete(uuid);
    return labels;
  }

  #operationEvent(status: OperationStatus): FleetEvent {
    const { id, kind, vm, host, state, done, steps, revision } = operationViewOf(status);
    return {
      kind: 'operation',
      at: this.#ports.now(),
      id,
      does: kind,
      vm,
      ...(host === undefined ? {} : { host }),
      state,
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
