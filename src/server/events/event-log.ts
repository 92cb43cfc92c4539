import type { FleetEvent, ServerEvent } from '../../api/events.ts';
import type { VmLabels } from '../services/vm-labels.ts';

/** How many events are kept for those who come back. */
const KEPT_MAX = 10_000;

/** One event of the log, with its place there. */
export interface LoggedEvent {
  readonly id: string;
  readonly event: FleetEvent;
  readonly sight: EventSight;
}

/** Whom an event is told to of those who see some VMs alone; nobody where it says nothing. */
export interface EventSight {
  /** Of the VM that it is about, when it happened. */
  readonly labels?: VmLabels;
  /** The token that asked for it. */
  readonly token?: string | undefined;
}

const NOBODY: EventSight = {};

/** Why the events after an id cannot be told. */
export type Missed = Extract<ServerEvent, { kind: 'resync' }>['why'];

/** What a reader hears of: events have come, time has passed, or nothing will come any more. */
export type Signal = 'news' | 'beat' | 'end';

/**
 * The newest events, numbered. Nothing is kept for any reader: each remembers its own place, so that
 * a slow one costs nothing, and finds out when its place is gone.
 */
export class EventLog {
  readonly #instance: string;
  readonly #kept: Omit<LoggedEvent, 'id'>[] = [];
  readonly #keptMax: number;
  readonly #listeners = new Set<(signal: Signal) => void>();
  /** The number of the event that comes next. */
  #next = 1;
  #hasEnded = false;

  /** @param instance tells this log from that of another server, or of this one before a restart. */
  constructor(instance: string, keptMax = KEPT_MAX) {
    this.#instance = instance;
    this.#keptMax = keptMax;
  }

  /** True when nothing will come any more. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** The number of the event that comes next. */
  get next(): number {
    return this.#next;
  }

  /** The number of the oldest event that is kept. */
  get oldest(): number {
    return Math.max(1, this.#next - this.#keptMax);
  }

  /** How many listen. */
  get listeners(): number {
    return this.#listeners.size;
  }

  publish(event: FleetEvent, sight = NOBODY): void {
    if (this.#hasEnded) return;
    this.#kept[this.#next % this.#keptMax] = { event, sight };
    this.#next += 1;
    this.#tell('news');
  }

  /** Lets those who listen know that time has passed. */
  beat(): void {
    this.#tell('beat');
  }

  /** Lets everybody who listens end. */
  end(): void {
    this.#hasEnded = true;
    this.#tell('end');
  }

  /** @returns ends the listening. */
  listen(listener: (signal: Signal) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The event of a number; undefined when it has not come, or is no longer kept. */
  at(number: number): LoggedEvent | undefined {
    const kept = number < this.oldest ? undefined : this.#kept[number % this.#keptMax];
    return kept === undefined || number >= this.#next
      ? undefined
      : { id: this.idOf(number), ...kept };
  }

  /** The id of the event of a number. */
  idOf(number: number): string {
    return `${this.#instance}.${number}`;
  }

  /** From where to go on after an id, and why events before that are missed when they are. */
  placeAfter(id: string | undefined): { readonly next: number; readonly missed?: Missed } {
    if (id === undefined) return { next: this.#next };
    const dot = id.lastIndexOf('.');
    const number = /^\d{1,15}$/.test(id.slice(dot + 1)) ? Number(id.slice(dot + 1)) : undefined;
    const isOurs = id.slice(0, dot) === this.#instance && number !== undefined;
    if (!isOurs || number >= this.#next) return { next: this.#next, missed: 'unknown' };
    if (number + 1 < this.oldest) return { next: this.#next, missed: 'too-old' };
    return { next: number + 1 };
  }

  #tell(signal: Signal): void {
    for (const listener of this.#listeners) listener(signal);
  }
}
