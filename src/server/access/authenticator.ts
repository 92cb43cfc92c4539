import { berthError } from '../../base/errors.ts';
import type { TokenView } from '../../api/access.ts';
import type { Store } from '../../store/store.ts';
import type { Ports } from '../ports.ts';
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
 * Finds out who asks. Failures are counted by address; while one has failed too often, only tokens
 * that have been right before are looked at from there, so that whoever guesses locks out nobody who
 * is at work already.
 */
export class Authenticator {
  readonly tokens: TokenService;
  readonly streams: OpenStreams;
  readonly #sessions: Sessions;
  readonly #failures: FailureLimit;
  /** Tokens that have been right; never more than there are tokens. */
  readonly #known = new Set<string>();
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
   * @throws BERTH_UNAUTHENTICATED; BERTH_RATE_LIMITED, right or wrong
   */
  async byToken(text: string, address: string): Promise<ProvenToken> {
    const id = parseToken(text)?.id;
    const waitMs = this.#failures.waitMs(address);
    const isKnown = id !== undefined && this.#known.has(id);
    if (waitMs > 0 && !isKnown) throw limited(waitMs);
    const proven = await this.tokens.prove(text);
    if (proven !== undefined) {
      this.#known.add(proven.id);
      return proven;
    }
    if (waitMs > 0) throw limited(waitMs);
    this.#failures.failed(address);
    this.#ports.log.warn({ address }, 'a login failed');
    throw berthError('BERTH_UNAUTHENTICATED', {
      reason: 'the token is not one of this server, or it has expired or was revoked',
    });
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
}

function limited(waitMs: number): Error {
  const retryAfterS = Math.ceil(waitMs / 1000);
  const what = 'too many logins have failed';
  return berthError('BERTH_RATE_LIMITED', { what, retryAfterS });
}
