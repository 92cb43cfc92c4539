import type { LeaseRecords } from '../../store/leases.ts';
import type { Ports } from '../ports.ts';

/** What the leader does for all: take over from the dead, and tidy up. */
const LEASE = 'background';
/** How long a lease lasts from the moment it was taken, by the clock of the database. */
const LEASE_MS = 5000;
/** For so long a server trusts a lease since it asked for it: it must stop before another begins. */
const TRUST_MS = 4000;

/**
 * Whether this server leads: it holds the lease on the background work of all. It does so by asking
 * again and again; one that cannot ask for a while leads no more, whatever its own clock says.
 */
export class Leadership {
  readonly #leases: LeaseRecords;
  readonly #server: string;
  readonly #ports: Ports;
  readonly #onGain: (() => void)[] = [];
  readonly #onLose: (() => void)[] = [];
  #term: number | undefined;
  #trust = new AbortController();

  constructor(leases: LeaseRecords, server: string, ports: Ports) {
    this.#leases = leases;
    this.#server = server;
    this.#ports = ports;
  }

  get isLeader(): boolean {
    return this.#term !== undefined;
  }

  /** Calls back whenever this server begins to lead. */
  onGain(listener: () => void): void {
    this.#onGain.push(listener);
  }

  /** Calls back whenever this server leads no more. */
  onLose(listener: () => void): void {
    this.#onLose.push(listener);
  }

  /** Takes the lease, or makes it longer; to be called every second. @throws as the store does */
  async renew(): Promise<void> {
    const trust = new AbortController();
    // From before the question: when the answer comes, some of the lease is over already.
    const over = this.#ports.sleep(TRUST_MS, trust.signal).then(
      () => this.#trust === trust && this.#lose(),
      () => undefined,
    );
    void over;
    let term: number | undefined;
    try {
      term = await this.#leases.take(LEASE, this.#server, LEASE_MS);
    } catch (error) {
      trust.abort();
      throw error;
    }
    this.#trust.abort();
    this.#trust = trust;
    if (term === undefined) {
      trust.abort();
      this.#lose();
    } else {
      this.#gain(term);
    }
  }

  /** Leads for good: on a store that this process has for itself. */
  lead(): void {
    this.#gain(0);
  }

  /** Lets go, so that another server leads at once. */
  async resign(): Promise<void> {
    this.#trust.abort();
    const { isLeader } = this;
    this.#lose();
    if (isLeader) await this.#leases.release(LEASE, this.#server);
  }

  #gain(term: number): void {
    if (this.#term === term) return;
    // Another server has led in between.
    this.#lose();
    this.#term = term;
    this.#ports.log.info({ server: this.#server, term }, 'this server leads');
    for (const listener of this.#onGain) listener();
  }

  #lose(): void {
    if (this.#term === undefined) return;
    this.#ports.log.info({ server: this.#server, term: this.#term }, 'this server leads no more');
    this.#term = undefined;
    for (const listener of this.#onLose) listener();
  }
}
