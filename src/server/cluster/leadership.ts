import type { LeaseRecords } from '../../store/leases.ts';
import type { Ports } from '../ports.ts';
import { Silence } from './silence.ts';
import { Trust } from './trust.ts';

/** What the leader does for all: take over from the dead, and tidy up. */
const LEASE = 'background';

/**
 * Whether this server leads: it holds the lease on the background work of all. It does so by asking
 * again and again; one that cannot ask for a while leads no more, before another one that has heard
 * nothing of it begins.
 */
export class Leadership {
  readonly #leases: LeaseRecords;
  readonly #server: string;
  readonly #ports: Ports;
  readonly #onGain: (() => void)[] = [];
  readonly #onLose: (() => void)[] = [];
  readonly #silence = new Silence();
  readonly #trust: Trust;
  #term: number | undefined;

  constructor(leases: LeaseRecords, server: string, ports: Ports) {
    this.#leases = leases;
    this.#server = server;
    this.#ports = ports;
    this.#trust = new Trust(ports, () => this.#lose());
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
    try {
      const term = await this.#trust.renewBy(async () => this.#take());
      // When the answer has taken too long, another may lead by now.
      if (term !== undefined && this.#trust.holds) return this.#gain(term);
      this.#trust.giveUp();
      this.#lose();
    } catch (error) {
      this.#silence.forget();
      throw error;
    }
  }

  /** Leads for good: on a store that this process has for itself. */
  lead(): void {
    this.#gain(0);
  }

  /** Lets go, so that another server leads at once. */
  async resign(): Promise<void> {
    this.#trust.giveUp();
    const { isLeader } = this;
    this.#lose();
    if (isLeader) await this.#leases.release(LEASE, this.#server);
  }

  /** @returns the term; undefined while another has the lease. */
  async #take(): Promise<number | undefined> {
    const lease = await this.#leases.get(LEASE);
    const holder = lease?.server;
    const beats =
      lease === undefined || holder === undefined ? [] : [[holder, lease.beat] as const];
    const silent = this.#silence.look(new Map(beats));
    const isOpen = holder === undefined || holder === this.#server || silent.has(holder);
    return isOpen ? this.#leases.take(LEASE, this.#server, lease) : undefined;
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
