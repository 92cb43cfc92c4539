import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  DomainEvent,
  DomainEventType,
  domainDefineXmlFlags,
  domainUndefineFlags,
  ErrorCode,
  isBerthError,
  isLibvirtError,
  paramRecord,
  qemuMonitorEvent,
  type Connection,
  type Domain,
  type EventFeed,
  type EventKind,
  type TypedParam,
} from '../../../src/libvirt/index.ts';
import { uriOf, WAIT } from '../daemon.ts';

const KINDS = { ...DomainEvent, qemu: qemuMonitorEvent() } as const;

/** A member of DomainEvent, or `qemu` for the raw events of QEMU's monitor. */
export type KindName = keyof typeof KINDS;

type EventOf<K extends KindName> = (typeof KINDS)[K] extends EventKind<infer E, Domain> ? E : never;

/** The part that all events have, and what more each carries. */
type SomeEvent = Readonly<Record<string, unknown>> & { readonly dom: Domain };

/** What was heard: which kind, about which domain, and what it carries, as JSON has it. */
type Told = readonly [kind: number | 'qemu', uuid: string, args: readonly unknown[]];

/** A domain that is only ever defined and undefined. */
const LAST = `<domain type='qemu'><name>witness-end</name><memory>1024</memory>
<os><type>hvm</type></os></domain>`;

/**
 * Hears all events of all domains twice: by our client and by python3-libvirt, from the same
 * daemon. Both have to have heard the same.
 */
export class EventWitness {
  readonly #connection: Connection;
  readonly #python: ChildProcess;
  readonly #heard: { readonly name: KindName; readonly event: SomeEvent }[] = [];
  readonly #theirs: Told[] = [];
  #awake: () => void = () => undefined;

  private constructor(connection: Connection, python: ChildProcess) {
    this.#connection = connection;
    this.#python = python;
  }

  /** Begins to listen; kinds that the daemon is too old for are left out. */
  static async start(connection: Connection): Promise<EventWitness> {
    const script = fileURLToPath(new URL('event-witness.py', import.meta.url));
    const python = spawn('/usr/bin/python3', [script, await uriOf('qemu')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const witness = new EventWitness(connection, python);
    try {
      await witness.#begin(createInterface(python.stdout));
      return witness;
    } catch (error) {
      witness.stop();
      throw error;
    }
  }

  async #begin(lines: Interface): Promise<void> {
    await once(lines, 'line', { signal: AbortSignal.timeout(WAIT.deadlineMs) }); // it says "ready"
    lines.on('line', (line) => {
      this.#theirs.push(JSON.parse(line) as Told);
      this.#awake();
    });
    for (const [name, kind] of Object.entries(KINDS)) {
      const feed = await subscribe(
        this.#connection,
        kind as unknown as EventKind<SomeEvent, Domain>,
      );
      if (feed !== undefined) void this.#listen(name as KindName, feed);
    }
  }

  /** Ends python; our feeds end with their connection. */
  stop(): void {
    this.#python.kill();
  }

  /** The first event of that kind that fits, heard before or still to come. */
  async until<K extends KindName>(
    name: K,
    fits: (event: EventOf<K>) => boolean = () => true,
  ): Promise<EventOf<K>> {
    let found: EventOf<K> | undefined;
    await this.#come(`an event ${name}`, () => {
      const event = this.#heard.find((one) => one.name === name && fits(one.event as EventOf<K>));
      found = event?.event as EventOf<K> | undefined;
      return found !== undefined;
    });
    return found as EventOf<K>;
  }

  /** The kinds of which at least one event has come. */
  kinds(): readonly KindName[] {
    return [...new Set(this.#heard.map(({ name }) => name))].toSorted();
  }

  /** Asserts that python heard the same events of each kind in the same order. */
  async agree(): Promise<void> {
    await this.#hearTheLast();
    for (const [name, kind] of Object.entries(KINDS)) {
      const id = name === 'qemu' ? 'qemu' : kind.eventId;
      const ours = this.#heard
        .filter((one) => one.name === name)
        .map(({ event }): Told => [id, event.dom.uuid, carried(event)]);
      const theirs = this.#theirs.filter((told) => told[0] === id);
      assert.deepEqual(theirs, ours, name);
    }
  }

  /** Makes an event that both hear after all others, as each connection keeps their order. */
  async #hearTheLast(): Promise<void> {
    const { dom } = await this.#connection.call(domainDefineXmlFlags, { xml: LAST }, WAIT);
    await this.#connection.call(domainUndefineFlags, { dom }, WAIT);
    const isLast = ({ uuid }: Domain, event: unknown): boolean =>
      uuid === dom.uuid && event === DomainEventType.undefined;
    await this.until('lifecycle', (one) => isLast(one.dom, one.event));
    const { eventId } = DomainEvent.lifecycle;
    await this.#come('the last event of python', () =>
      this.#theirs.some(([id, uuid, [event]]) => id === eventId && isLast({ ...dom, uuid }, event)),
    );
    await setImmediate(); // feeds of other kinds hand on what came before
  }

  async #listen(name: KindName, feed: EventFeed<SomeEvent>): Promise<void> {
    try {
      for await (const event of feed) {
        this.#heard.push({ name, event });
        this.#awake();
      }
    } catch (error) {
      if (isBerthError(error, 'BERTH_CONNECTION_CLOSED')) return; // the test is over
      throw error;
    }
  }

  async #come(what: string, holds: () => boolean): Promise<void> {
    const deadline = performance.now() + WAIT.deadlineMs;
    while (!holds()) {
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`${what} did not come; so far ${this.kinds().join(', ')}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#awake = resolve;
      const timer = setTimeout(resolve, left);
      await promise;
      clearTimeout(timer);
    }
  }
}

async function subscribe(
  connection: Connection,
  kind: EventKind<SomeEvent, Domain>,
): Promise<EventFeed<SomeEvent> | undefined> {
  try {
    return await connection.subscribe(kind, {}, WAIT);
  } catch (error) {
    if (isLibvirtError(error, ErrorCode.internalError)) return undefined;
    throw error;
  }
}

/** What an event carries besides its domain, in wire order and as JSON has it. */
function carried(event: SomeEvent): readonly unknown[] {
  const fields = Object.entries(event).filter(([name]) => name !== 'dom');
  return fields.map(([, value]) => plain(value));
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (value === undefined) return null;
  if (!Array.isArray(value)) return value;
  const items: readonly unknown[] = value;
  return items.length > 0 && items.every(isParam)
    ? plainParams(items)
    : items.map((item) => Object.values(item as object));
}

function isParam(item: unknown): item is TypedParam {
  return typeof item === 'object' && item !== null && 'field' in item;
}

/** Typed parameters as python has them. */
export function plainParams(params: readonly TypedParam[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(paramRecord(params)).map(([name, value]) => [name, plain(value)]),
  );
}
