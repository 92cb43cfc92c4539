import { isBerthError } from '../base/errors.ts';
import { lastingConnection } from '../libvirt/index.ts';
import type { LastingConnection, LinkState, Wait } from '../libvirt/index.ts';
import { domainNews, NEWS_KINDS } from './domain-feed.ts';
import type { DomainNews, NewsKind } from './domain-feed.ts';
import { HostLink, unreachable } from './host-link.ts';
import type { HostAddress } from './host-link.ts';

/** Who has a way in kept up, and what is done for them. */
export interface LinkKeeper {
  /**
   * Reads the host whole, on each new connection, before it is open to anybody else. News wait
   * until it is done. Throws when the host is not to be taken in; then it is tried again later.
   */
  takeIn(link: HostLink, wait: Wait): Promise<void>;
  /** The link can be used from now on. */
  open(link: HostLink): void;
  /**
   * It was lost, or could not be had; it is tried again in any case.
   * @param retryInMs when, where that is known.
   */
  lost(error: unknown, retryInMs?: number): void;
  /**
   * Waits for leave to make an attempt at connecting; what comes out is called when that has ended,
   * well or not. It throws only when the signal aborts. Absent: every attempt begins at once.
   */
  leave?(signal: AbortSignal): Promise<() => void>;
  /** Applies news, those of a kind in their order. Failing ends the connection: the next reads all. */
  apply(link: HostLink, news: DomainNews): Promise<void>;
}

/** A way in that is kept up until it is closed. */
export interface KeptWay {
  /** Ends it for good; the host itself is left as it is. */
  close(wait: Wait): Promise<void>;
}

/**
 * Begins to keep up a way to a host.
 * @param random a number from 0 to below 1, for the pauses between attempts.
 * @throws BERTH_URI_INVALID
 */
export type KeepLink = (address: HostAddress, keeper: LinkKeeper, random: () => number) => KeptWay;

/** Milliseconds to read a host with thousands of domains. */
const TAKE_IN_MS = 600_000;

/** A way in to one host that comes back by itself, with the news of its domains. */
export class KeptLink implements KeptWay {
  readonly #address: HostAddress;
  readonly #keeper: LinkKeeper;
  readonly #connection: LastingConnection;
  readonly #following: Promise<unknown>;
  #taken: HostLink | undefined;
  #link: HostLink | undefined;
  /** What the keeper itself failed with: its own words, not a failure to reach the host. */
  #refusal: unknown;

  /**
   * Begins to connect at once.
   * @param random a number from 0 to below 1, for the pauses between attempts.
   * @throws BERTH_URI_INVALID
   */
  constructor(address: HostAddress, keeper: LinkKeeper, random: () => number) {
    this.#address = address;
    this.#keeper = keeper;
    this.#connection = lastingConnection(address.uri, {
      environment: address.environment,
      random,
      resyncMs: TAKE_IN_MS,
      leave: keeper.leave?.bind(keeper),
      resync: async (connection, wait) => {
        const taken = await HostLink.over(address, connection, wait);
        wait.signal?.throwIfAborted(); // one that was let go must not replace the next
        this.#taken = taken;
        await this.#takeIn(taken, wait);
      },
      onState: (state) => this.#hear(state),
    });
    this.#following = Promise.all(NEWS_KINDS.map(async (kind) => this.#follow(kind)));
  }

  /** Ends it for good; the host itself is left as it is. */
  async close(wait: Wait): Promise<void> {
    await this.#connection.close(wait);
    await this.#following;
  }

  async #takeIn(link: HostLink, wait: Wait): Promise<void> {
    try {
      await this.#keeper.takeIn(link, wait);
    } catch (error) {
      this.#refusal = error;
      throw error;
    }
  }

  #hear(state: LinkState): void {
    if (state.phase === 'connecting') return;
    if (state.phase === 'open' && this.#taken !== undefined) {
      this.#link = this.#taken;
      return this.#keeper.open(this.#link);
    }
    if (state.phase === 'open') return;
    this.#link = undefined;
    const { error } = state;
    const retryInMs = state.phase === 'away' ? state.retryInMs : undefined;
    const named = error === this.#refusal ? error : unreachable(this.#address, error);
    this.#keeper.lost(named, retryInMs);
  }

  /** News that cannot be had end the connection, so that nobody trusts what is not told any more. */
  async #follow(kind: NewsKind): Promise<void> {
    while (this.#connection.state.phase !== 'ended') {
      try {
        for await (const news of domainNews(this.#connection, kind)) await this.#apply(news);
      } catch (error) {
        this.#renew(error);
      }
    }
  }

  /** The others that were refused on the same connection must not cut the pause behind it. */
  #renew(error: unknown): void {
    if (this.#connection.state.phase !== 'away') this.#connection.renew(wordsOf(error));
  }

  /** News that come when the link is gone already are part of what the next one reads. */
  async #apply(news: DomainNews): Promise<void> {
    const link = this.#link;
    if (link === undefined) return;
    try {
      await this.#keeper.apply(link, news);
    } catch (error) {
      if (this.#link === link) this.#renew(error);
    }
  }
}

function wordsOf(error: unknown): string {
  if (isBerthError(error, 'BERTH_HOST_UNREACHABLE')) return error.data.reason;
  return error instanceof Error ? error.message : String(error);
}
