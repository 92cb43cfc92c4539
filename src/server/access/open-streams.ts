import { berthError, isBerthError } from '../../base/errors.ts';
import type { Ports } from '../ports.ts';
import type { Caller } from './caller.ts';

/** How often it is looked whether those who have something open may still. */
const LOOK_MS = 15_000;
/** What one token may have open at the same time: consoles, event streams, and requests that wait. */
const OPEN_MAX = 256;

/** A request whose answer lasts. */
export interface OpenStream {
  /** Whether the token, as it is now, may still have it. */
  readonly isAllowed: (caller: Caller) => boolean;
  readonly end: () => void;
}

/**
 * Consoles, event streams and requests that wait, which are open by tokens: they end with these, when
 * the token is revoked at this server at once, else within a quarter of a minute; and as soon as what
 * they show is out of the token's scope.
 */
export class OpenStreams {
  readonly #again: (tokenId: string) => Promise<Caller | undefined>;
  readonly #ports: Pick<Ports, 'sleep' | 'log'>;
  readonly #byToken = new Map<string, Set<OpenStream>>();
  #watching: AbortController | undefined;

  /** @param again whose a token is now; undefined for one that is no more. */
  constructor(
    again: (tokenId: string) => Promise<Caller | undefined>,
    ports: Pick<Ports, 'sleep' | 'log'>,
  ) {
    this.#again = again;
    this.#ports = ports;
  }

  /**
   * Ends a stream when its token does.
   * @returns to be called when it has ended
   * @throws BERTH_RATE_LIMITED when the token has too many open
   */
  follow(tokenId: string, stream: OpenStream): () => void {
    const open = this.#byToken.get(tokenId) ?? new Set();
    if (open.size >= OPEN_MAX) {
      const what = `${OPEN_MAX} streams and waiting requests are open with this token`;
      throw berthError('BERTH_RATE_LIMITED', { what, retryAfterS: 1 });
    }
    this.#byToken.set(tokenId, open.add(stream));
    if (this.#watching === undefined) void this.#watch();
    return () => {
      open.delete(stream);
      if (open.size === 0 && this.#byToken.get(tokenId) === open) this.#byToken.delete(tokenId);
      if (this.#byToken.size === 0) this.#watching?.abort();
    };
  }

  /** Ends all that a token opened. */
  end(tokenId: string): void {
    for (const { end } of this.#byToken.get(tokenId) ?? []) end();
  }

  /** For as long as anything is open. */
  async #watch(): Promise<void> {
    const watching = new AbortController();
    this.#watching = watching;
    while (!watching.signal.aborted) {
      await this.#ports.sleep(LOOK_MS, watching.signal).catch(() => undefined);
      if (!watching.signal.aborted) await this.#look();
    }
    if (this.#watching === watching) this.#watching = undefined;
    if (this.#byToken.size > 0 && this.#watching === undefined) void this.#watch();
  }

  async #look(): Promise<void> {
    for (const [tokenId, open] of this.#byToken) {
      try {
        const caller = await this.#again(tokenId);
        for (const { isAllowed, end } of open) {
          if (caller === undefined || !isAllowed(caller)) end();
        }
      } catch (error) {
        if (!isBerthError(error)) throw error;
        this.#ports.log.warn({ err: error }, 'cannot look whether tokens are still good');
      }
    }
  }
}
