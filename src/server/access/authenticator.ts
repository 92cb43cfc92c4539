import { berthError, isBerthError } from '../../base/errors.ts';
import type { TokenView } from '../../api/access.ts';
import type { Store } from '../../store/store.ts';
import type { Ports } from '../ports.ts';
import { Turns } from '../turns.ts';
import { FailureLimit } from './failure-limit.ts';
import { OpenStreams } from './open-streams.ts';
import { Sessions } from './sessions.ts';
import type { WebSession } from './sessions.ts';
import { parseToken } from './token-secret.ts';
import { TokenService } from './token-service.ts';
import type { ProvenToken } from './token-service.ts';

/** A browser's session, and the token it stands for. */
export interface ProvenSession extends ProvenToken {
  readonly session: WebSession;
}

/**
 * Finds out who asks. Failures are counted by address; while one has failed too often, what is wrong
 * is told to wait, and looked at one after the other. Whoever guesses locks out nobody.
 */
export class Authenticator {
  readonly tokens: TokenService;
  readonly streams: OpenStreams;
  readonly #sessions: Sessions;
  readonly #failures: FailureLimit;
  /** Tokens that have been right; never more than there are tokens. */
  readonly #known = new Set<string>();
  readonly #turns = new Turns();
  readonly #ports: Ports;

  constructor(store: Store, ports: Ports) {
    this.tokens = new TokenService(store, ports);
    this.#sessions = new Sessions(ports);
    this.#failures = new FailureLimit(ports.now);
    this.#ports = ports;
    const again = async (id: string) => (await this.tokens.again(id))?.caller;
    this.streams = new OpenStreams(again, ports);
  }

  /**
   * Whose a token is.
   * @param address where the request comes from.
   * @throws BERTH_UNAUTHENTICATED; BERTH_RATE_LIMITED for wrong ones alone; BERTH_STORE_UNREACHABLE
   */
  async byToken(text: string, address: string): Promise<ProvenToken> {
    const proven = await this.#attempt(text, address).catch((error: unknown) => {
      throw this.#withoutPlace(error);
    });
    if (proven === undefined) {
      this.#ports.log.warn({ address }, 'a login failed');
      throw berthError('BERTH_UNAUTHENTICATED', {
        reason: 'the token is not one of this server, or it has expired or was revoked',
      });
    }
    this.#known.add(proven.id);
    return proven;
  }

  /**
   * A failure is counted before it is known to be one, so that of many attempts at the same time no
   * more than the allowance are looked at together. The others from there follow each other: a right
   * token opens whoever else has guessed there.
   */
  async #attempt(text: string, address: string): Promise<ProvenToken | undefined> {
    const presented = parseToken(text);
    const waitMs = this.#failures.waitMs(address);
    const isKnown = presented !== undefined && this.#known.has(presented.id);
    if (waitMs > 0 && !isKnown) {
      const prove = async () => (presented === undefined ? undefined : this.tokens.prove(text));
      const late = await this.#turns.take(address, prove);
      if (late === undefined) throw limited(waitMs);
      return late;
    }
    if (waitMs === 0) this.#failures.failed(address);
    let isWrong = false;
    try {
      const proven = await this.tokens.prove(text);
      isWrong = proven === undefined;
      if (isWrong && waitMs > 0) throw limited(waitMs);
      return proven;
    } finally {
      if (waitMs === 0 && !isWrong) this.#failures.forgive(address);
    }
  }

  /**
   * Revokes a token, and ends the streams of this process that it opened.
   * @throws BERTH_NOT_FOUND
   */
  async revoke(name: string): Promise<TokenView> {
    const removed = await this.tokens.remove(name);
    this.streams.end(removed.id);
    return removed;
  }

  /** Begins a browser's session. @throws as `byToken` */
  async login(text: string, address: string): Promise<ProvenSession & { readonly cookie: string }> {
    const proven = await this.byToken(text, address);
    const { cookie, session } = this.#sessions.begin(proven.id);
    return { ...proven, session, cookie };
  }

  /** Who a cookie stands for. @throws BERTH_UNAUTHENTICATED */
  async bySession(cookie: string): Promise<ProvenSession> {
    const session = this.#sessions.find(cookie);
    const proven = session === undefined ? undefined : await this.tokens.again(session.tokenId);
    if (session !== undefined && proven !== undefined) return { ...proven, session };
    this.#sessions.end(cookie);
    throw berthError('BERTH_UNAUTHENTICATED', { reason: 'the session has ended; log in again' });
  }

  logout(cookie: string): void {
    this.#sessions.end(cookie);
  }

  /** Who has not shown a right token is not told where the database is. */
  #withoutPlace(error: unknown): unknown {
    if (!isBerthError(error, 'BERTH_STORE_UNREACHABLE')) return error;
    this.#ports.log.error({ err: error }, 'a token cannot be looked at');
    const told = { store: 'of the server', reason: 'its log says why' };
    return berthError('BERTH_STORE_UNREACHABLE', told, { cause: error });
  }
}

function limited(waitMs: number): Error {
  const retryAfterS = Math.ceil(waitMs / 1000);
  const what = 'too many logins have failed';
  return berthError('BERTH_RATE_LIMITED', { what, retryAfterS });
}
