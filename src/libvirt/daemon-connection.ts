import { berthError, type BerthError } from '../base/errors.ts';
import type { Closure, Connection } from './connection.ts';
import type { Wait } from './rpc/wait.ts';
import type { StreamPool } from './streams/stream-pool.ts';
import type { LibvirtUri } from './uri.ts';
import type { WireConnection } from './wire-connection.ts';

/** How long leaving an `await using` scope waits for the daemon's good-bye. */
const DISPOSE_MS = 5000;

/** How long one that is retired waits for it. */
const GOOD_BYE_MS = 1000;

/** One connection for calls and events, and as many more as its streams need. */
export class DaemonConnection implements Connection {
  readonly #wire: WireConnection;
  readonly #streams: StreamPool;

  readonly call: WireConnection['call'] = async (procedure, args, wait) =>
    this.#wire.call(procedure, args, wait);

  readonly callTaking: WireConnection['callTaking'] = async (procedure, args, wait, taking) =>
    this.#wire.callTaking(procedure, args, wait, taking);

  readonly openStream: Connection['openStream'] = async (procedure, args, wait) =>
    this.#streams.open(procedure, args, wait);

  readonly subscribe: WireConnection['subscribe'] = async (kind, subscription, wait) =>
    this.#wire.subscribe(kind, subscription, wait);

  readonly listen: WireConnection['listen'] = async (kind, object, sink, wait) =>
    this.#wire.listen(kind, object, sink, wait);

  constructor(wire: WireConnection, streams: StreamPool) {
    this.#wire = wire;
    this.#streams = streams;
    void wire.closed.then(({ error }) => streams.end(error));
  }

  get uri(): LibvirtUri {
    return this.#wire.uri;
  }

  get libVersion(): number {
    return this.#wire.libVersion;
  }

  get closed(): Promise<Closure> {
    return this.#wire.closed;
  }

  /** Settles when callers gave up on all the calls of the window. */
  get stuck(): Promise<void> {
    return this.#wire.stuck;
  }

  has(feature: number): boolean {
    return this.#wire.has(feature);
  }

  async close(wait: Wait): Promise<void> {
    const reason = 'it was closed here';
    this.#streams.end(berthError('BERTH_CONNECTION_CLOSED', { where: this.uri.text, reason }));
    await this.#wire.close(wait);
  }

  /** Ends at once without a good-bye. */
  destroy(reason: string): void {
    this.#wire.destroy(reason);
  }

  /**
   * Takes no more calls, and ends once its last stream has ended. Calls that wait here are refused
   * with that error, unsent; those that were sent may still be answered meanwhile.
   */
  async retire(error: BerthError): Promise<void> {
    this.#wire.refuse(error);
    await this.#streams.drained();
    await this.#wire.close({ deadlineMs: GOOD_BYE_MS });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close({ deadlineMs: DISPOSE_MS });
  }
}
