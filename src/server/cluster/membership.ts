import type { Store } from '../../store/store.ts';
import type { Ports } from '../ports.ts';
import type { Leadership } from './leadership.ts';

/** How often a server says that it is alive. */
const BEAT_MS = 1000;
/** A server that was not heard of for so long, by the clock of the database, is taken for dead. */
const DEAD_MS = 5000;

/** What a member does for the others, and for itself. */
export interface MemberWork {
  /** Goes on with what servers that are no more have left. */
  readonly takeOver: () => Promise<void>;
  /** Drops what others have taken over, since this server was taken for dead. */
  readonly dropLost: () => Promise<void>;
  /** Heeds what was asked of this server through the store. */
  readonly heed: () => Promise<void>;
}

/**
 * A server process among others on one store. It says every second that it is alive, and heeds what
 * others have left for it in the store. Whoever leads takes the rows of the dead away and goes on with
 * their operations. On a store of its own there is nobody else: it leads at once.
 */
export class Membership {
  readonly #store: Store;
  readonly #server: string;
  readonly #leadership: Leadership;
  readonly #ports: Ports;
  readonly #work: MemberWork;
  readonly #stop = new AbortController();
  #beating: Promise<void> | undefined;
  #isTroubled = false;

  constructor(
    store: Store,
    server: string,
    leadership: Leadership,
    ports: Ports,
    work: MemberWork,
  ) {
    this.#store = store;
    this.#server = server;
    this.#leadership = leadership;
    this.#ports = ports;
    this.#work = work;
  }

  /** Joins, and stays until `leave`; what was left on a store of its own is gone on with first. */
  async join(): Promise<void> {
    const { servers, isShared } = this.#store;
    await servers.beat(this.#server);
    if (isShared) {
      await this.#beat();
      this.#beating = this.#beatOn();
      return;
    }
    // Whoever else was here has ended, however long ago: the file is this process's alone.
    await servers.buryOthers(this.#server);
    this.#leadership.lead();
    await this.#work.takeOver();
  }

  /** Leaves in order: others go on with what is left at once. */
  async leave(): Promise<void> {
    this.#stop.abort();
    await this.#beating;
    try {
      await this.#store.servers.leave(this.#server);
      await this.#leadership.resign();
    } catch (error) {
      // They will take this server for dead: that takes seconds longer.
      this.#ports.log.warn({ err: error }, 'cannot take leave of the other servers');
    }
  }

  async #beatOn(): Promise<void> {
    const { signal } = this.#stop;
    for (;;) {
      await this.#ports.sleep(BEAT_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.#beat();
        this.#isTroubled = false;
      } catch (error) {
        if (!this.#isTroubled) this.#ports.log.error({ err: error }, 'cannot say that it is alive');
        this.#isTroubled = true;
      }
    }
  }

  async #beat(): Promise<void> {
    const isKnown = await this.#store.servers.beat(this.#server);
    if (!isKnown) {
      this.#ports.log.warn({ server: this.#server }, 'this server was taken for dead');
      await this.#work.dropLost();
    }
    await this.#leadership.renew();
    if (this.#leadership.isLeader) await this.#lead();
    await this.#work.heed();
  }

  async #lead(): Promise<void> {
    const dead = await this.#store.servers.bury(this.#server, DEAD_MS);
    if (dead.length > 0) this.#ports.log.warn({ servers: dead }, 'servers are taken for dead');
    await this.#work.takeOver();
  }
}
