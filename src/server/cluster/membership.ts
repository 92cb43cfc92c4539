import { berthError } from '../../base/errors.ts';
import type { ServerRecord } from '../../store/servers.ts';
import type { Store } from '../../store/store.ts';
import { isPassing } from '../operations/operation-state.ts';
import type { Ports } from '../ports.ts';
import { Repeating } from '../repeating.ts';
import type { Leadership } from './leadership.ts';
import { Silence } from './silence.ts';
import { Trust } from './trust.ts';

/** How often a server says that it is alive, and looks after the others. */
const BEAT_MS = 1000;

/** What a member does for the others, and for itself. */
export interface MemberWork {
  /** Goes on with what servers that are no more have left. */
  readonly takeOver: () => Promise<void>;
  /** Lets go of all that it is at, at once, and begins nothing: others may take it over. */
  readonly letGo: (why: Error) => void;
  /**
   * Goes on with what it has let go of, where nobody else has taken that over.
   * @returns false when it must be tried again.
   */
  readonly takeUp: () => Promise<boolean>;
  /** Heeds what was asked of this server through the store. */
  readonly heed: () => Promise<void>;
}

/**
 * A server process among others on one store. It says every second that it is alive; when it cannot,
 * it lets go of everything before the others take it for dead. Whoever leads takes the rows of the dead
 * away and goes on with their operations. On a store of its own there is nobody else: it leads at once.
 */
export class Membership {
  readonly #store: Store;
  readonly #server: string;
  readonly #leadership: Leadership;
  readonly #ports: Ports;
  readonly #work: MemberWork;
  readonly #stop = new AbortController();
  readonly #silence = new Silence();
  readonly #trust: Trust;
  /** Nothing that takes long is done between two of them. */
  readonly #beats: Repeating;
  readonly #rounds: Repeating;
  #settling: Promise<void> | undefined;
  #hasLetGo = false;

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
    this.#trust = new Trust(ports, () => this.#letGo('the other servers may take it for dead'));
    const beats = { work: async () => this.#beat(), failing: 'cannot say that it is alive' };
    this.#beats = new Repeating({ everyMs: BEAT_MS, ...beats }, ports);
    const rounds = { work: async () => this.#goRound(), failing: 'cannot look after operations' };
    this.#rounds = new Repeating({ everyMs: BEAT_MS, ...rounds }, ports);
  }

  /**
   * Joins, and stays until `leave`; what was left on a store of its own is gone on with first. Where the
   * store cannot be written now, joining goes on by itself: until then nothing can be begun anyway.
   */
  async join(): Promise<void> {
    if (!this.#store.isShared) {
      // The file is this process's alone.
      this.#leadership.lead();
      if (!(await this.#hasSettled())) this.#settling = this.#settleLater();
      return;
    }
    this.#letGo('the other servers do not know of it yet');
    this.#beats.start();
    await this.#beats.doneOnce;
    this.#rounds.start();
    await this.#rounds.doneOnce;
  }

  /** Leaves in order: others go on with what is left at once. */
  async leave(): Promise<void> {
    this.#stop.abort();
    await Promise.all([this.#beats.stop(), this.#rounds.stop(), this.#settling]);
    this.#trust.giveUp();
    try {
      await this.#store.servers.leave(this.#server);
      await this.#leadership.resign();
    } catch (error) {
      // They will take this server for dead: that takes seconds longer.
      this.#ports.log.warn({ err: error }, 'cannot take leave of the other servers');
    }
  }

  /** Whoever else was on a store of its own has ended, however long ago. */
  async #hasSettled(): Promise<boolean> {
    const { servers } = this.#store;
    try {
      await servers.beat(this.#server);
      await servers.buryOthers(this.#server);
      await this.#work.takeOver();
      return true;
    } catch (error) {
      if (!isPassing(error)) throw error;
      this.#ports.log.error({ err: error }, 'cannot take over what was left');
      return false;
    }
  }

  async #settleLater(): Promise<void> {
    const { signal } = this.#stop;
    for (let isSettled = false; !isSettled;) {
      await this.#ports.sleep(BEAT_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      isSettled = await this.#hasSettled();
    }
  }

  async #beat(): Promise<void> {
    const { servers } = this.#store;
    const isKnown = await this.#trust.renewBy(async () => servers.beat(this.#server));
    if (!isKnown && !this.#hasLetGo) this.#letGo('it was taken for dead');
    await this.#leadership.renew();
  }

  async #goRound(): Promise<void> {
    if (!this.#trust.holds) return this.#silence.forget();
    if (this.#hasLetGo) await this.#takeUp();
    // Whoever begins to lead knows already who has fallen silent.
    const silent = await this.#lookForSilent();
    if (this.#leadership.isLeader) await this.#lead(silent);
    await this.#work.heed();
  }

  async #lookForSilent(): Promise<readonly ServerRecord[]> {
    try {
      const servers = await this.#store.servers.list();
      const others = servers.filter(({ id }) => id !== this.#server);
      const silent = this.#silence.look(new Map(others.map(({ id, beat }) => [id, beat])));
      return others.filter(({ id }) => silent.has(id));
    } catch (error) {
      this.#silence.forget();
      throw error;
    }
  }

  async #lead(silent: readonly ServerRecord[]): Promise<void> {
    for (const server of silent) {
      const isBuried = await this.#store.servers.bury(server);
      if (isBuried) this.#ports.log.warn({ server: server.id }, 'a server is taken for dead');
    }
    await this.#work.takeOver();
  }

  #letGo(reason: string): void {
    this.#ports.log.warn({ server: this.#server, reason }, 'this server lets go of its operations');
    this.#hasLetGo = true;
    const data = { store: this.#store.shown, reason: `this server lets go of its work: ${reason}` };
    this.#work.letGo(berthError('BERTH_STORE_UNREACHABLE', data));
  }

  async #takeUp(): Promise<void> {
    // First: it may have to let go again meanwhile.
    this.#hasLetGo = false;
    let isDone = false;
    try {
      isDone = await this.#work.takeUp();
    } finally {
      this.#hasLetGo ||= !isDone;
    }
  }
}
