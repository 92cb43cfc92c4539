import type { Store } from '../../store/store.ts';
import { AUDIT_KEPT_MS } from '../access/audit-trail.ts';
import type { Ports } from '../ports.ts';
import type { Leadership } from './leadership.ts';

const HOUR_MS = 3_600_000;
/** Operations that ended longer ago are forgotten, but for the newest so many. */
const HISTORY_MS = 30 * 24 * HOUR_MS;
const HISTORY_MIN = 1000;
/** A request that comes again later than this is a new one. */
const REQUESTS_MS = 24 * HOUR_MS;

/** Keeps the store from growing for ever: every hour, by the server that leads. */
export class Housekeeping {
  readonly #store: Store;
  readonly #ports: Ports;
  #stop = new AbortController();
  #working: Promise<void> = Promise.resolve();

  constructor(store: Store, leadership: Leadership, ports: Ports) {
    this.#store = store;
    this.#ports = ports;
    leadership.onGain(() => this.#start());
    leadership.onLose(() => this.#stop.abort());
  }

  /** Ends with the server. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#working;
  }

  #start(): void {
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    this.#working = this.#working.then(async () => this.#keep(signal));
  }

  async #keep(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#tidy();
      } catch (error) {
        this.#ports.log.error({ err: error }, 'cannot tidy up the store');
      }
      await this.#ports.sleep(HOUR_MS, signal).catch(() => undefined);
    }
  }

  async #tidy(): Promise<void> {
    const pruned = await this.#store.operations.prune(HISTORY_MS, HISTORY_MIN);
    if (pruned > 0) this.#ports.log.info({ operations: pruned }, 'forgot old operations');
    await this.#store.requests.prune(REQUESTS_MS);
    await this.#store.audit.prune(this.#ports.now() - AUDIT_KEPT_MS);
  }
}
