import type { MachineDescription } from '../../../src/model/machine.ts';
import type { Chance } from './chance.ts';
import { answersOf } from './host-answers.ts';
import type { Answers } from './host-answers.ts';
import type { SimulatedClock } from './simulated-clock.ts';
import { SimulatedDomains } from './simulated-domains.ts';
import type { ToldKind } from './simulated-domains.ts';
import { SimulatedMachine } from './simulated-machine.ts';
import { SimulatedPool } from './simulated-pool.ts';
import type { Trace } from './trace.ts';

/** Who is told of a host's domains, and of the daemon's end. */
export interface HostListener {
  tell(kind: ToldKind, uuid: string): void;
  /** The daemon is gone, and what was on its way to or from it is lost. */
  cut(reason: string): void;
}

/** What a host is made of and stands in. */
export interface HostSetting {
  readonly name: string;
  readonly machine: MachineDescription;
  readonly clock: SimulatedClock;
  readonly chance: Chance;
  readonly trace: Trace;
  /** Whether libvirt refuses the call of that name this time, as it sometimes does. */
  readonly refuses: (procedure: string) => boolean;
  /** Told that some domain is not as it was. */
  readonly onChange: () => void;
  /** Told of each volume that a domain loses while it is there. */
  readonly onLoss: (uuid: string, what: string) => void;
  /** Milliseconds in which a guest that is asked to shut down does; undefined: it does not listen. */
  readonly shutdownMs: () => number | undefined;
}

/** Milliseconds that a call takes the daemon. */
const CALL_MS = { least: 0, most: 4 };

/**
 * One host: a machine, its domains and volumes, and a libvirtd that does what it is asked in the order
 * in which that arrives.
 */
export class SimulatedHost {
  readonly name: string;
  readonly uri: string;
  readonly machine: SimulatedMachine;
  readonly domains: SimulatedDomains;
  readonly pool = new SimulatedPool();
  readonly #setting: HostSetting;
  readonly #answers: Answers;
  readonly #listeners = new Set<HostListener>();
  #busyUntil = 0;
  /** Grows with each start of the daemon: what an earlier one had not begun is never done. */
  #daemon = 0;
  #isUp = true;

  constructor(setting: HostSetting) {
    const { name, machine, chance } = setting;
    this.name = name;
    this.uri = `qemu+tcp://${name}/system`;
    this.#setting = setting;
    this.machine = new SimulatedMachine(machine, chance.uuid());
    this.domains = new SimulatedDomains(this.machine, (kind, uuid) => this.#tell(kind, uuid));
    this.#answers = answersOf(this, (uuid) => this.#shutDownSoon(uuid));
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  listen(listener: HostListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** A call has arrived: it is done after those before it, and then answered, unless the daemon ends. */
  receive(
    procedure: { readonly name: string },
    args: unknown,
    answer: (reply: () => unknown) => void,
  ): void {
    const { clock, chance, trace, refuses } = this.#setting;
    const takesMs = CALL_MS.least + chance.next() * (CALL_MS.most - CALL_MS.least);
    this.#busyUntil = Math.max(clock.elapsed, this.#busyUntil) + takesMs;
    const daemon = this.#daemon;
    clock.after(this.#busyUntil - clock.elapsed, () => {
      if (daemon !== this.#daemon) return;
      const reply = this.#answers.answer(procedure, args, refuses(procedure.name));
      trace.add(`${this.name} does ${procedure.name} ${reply.words}`);
      answer(reply.settle);
    });
  }

  /** The daemon does nothing for so long; what has arrived waits. */
  stall(ms: number): void {
    this.#busyUntil = Math.max(this.#setting.clock.elapsed + ms, this.#busyUntil);
  }

  /** The way to it is cut, or the daemon ends: what has not arrived, or was not begun, is never done. */
  goDown(reason: string): void {
    this.#isUp = false;
    this.#daemon++;
    this.#busyUntil = 0;
    for (const listener of this.#listeners) listener.cut(reason);
    this.#listeners.clear();
  }

  comeUp(): void {
    this.#isUp = true;
  }

  /** Every way to it breaks at once; what has arrived is done all the same, and nobody hears of it. */
  dropConnections(reason: string): void {
    for (const listener of this.#listeners) listener.cut(reason);
    this.#listeners.clear();
  }

  /** A volume is about to be deleted: whoever uses it must not be there any more. */
  noteDeletion({ name, key }: { readonly name: string; readonly key: string }): void {
    const users = this.domains.all.filter(({ defined, live }) =>
      [defined, live].some((definition) => definition?.text.includes(key) === true),
    );
    for (const { name: vm, uuid } of users) {
      this.#setting.onLoss(
        uuid,
        `the volume ${name} is deleted on ${this.name}, and ${vm} uses it`,
      );
    }
  }

  #tell(kind: ToldKind, uuid: string): void {
    this.#setting.onChange();
    for (const listener of this.#listeners) listener.tell(kind, uuid);
  }

  #shutDownSoon(uuid: string): void {
    const ms = this.#setting.shutdownMs();
    if (ms === undefined) return;
    this.#setting.clock.after(ms, () => {
      const domain = this.domains.all.find((each) => each.uuid === uuid);
      if (domain?.live !== undefined) this.domains.end(domain);
    });
  }
}
