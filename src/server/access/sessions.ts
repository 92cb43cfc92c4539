import { createHash, timingSafeEqual } from 'node:crypto';
import { SECRET_BYTES } from './token-secret.ts';

/** A session that is not used for so long ends. */
const IDLE_MS_MAX = 3_600_000;
/** A session ends after so long, however much it is used. */
const SESSION_MS_MAX = 12 * 3_600_000;
/** Sessions that are kept; beyond them the one that was used longest ago ends. */
const SESSIONS_MAX = 10_000;

/** A login from a browser. It is worth what its token is worth, at every moment anew. */
export interface WebSession {
  readonly tokenId: string;
  /** What a page of ours knows and a page of somebody else's cannot. */
  readonly csrfToken: string;
  readonly expiresAt: number;
}

interface KeptSession extends WebSession {
  readonly usedAt: number;
}

/** Logins from browsers, by the hash of what their cookie says; in this process alone. */
export class Sessions {
  readonly #now: () => number;
  readonly #secret: (bytes: number) => Uint8Array;
  /** Those used longest ago come first. */
  readonly #kept = new Map<string, KeptSession>();

  constructor(ports: {
    readonly now: () => number;
    readonly secret: (bytes: number) => Uint8Array;
  }) {
    this.#now = ports.now;
    this.#secret = ports.secret;
  }

  /** Begins a session. @returns what the cookie is to say, which is not kept. */
  begin(tokenId: string): { readonly cookie: string; readonly session: WebSession } {
    const cookie = this.#word();
    const now = this.#now();
    const csrfToken = this.#word();
    const session = { tokenId, csrfToken, expiresAt: now + SESSION_MS_MAX };
    this.#kept.set(keyOf(cookie), { ...session, usedAt: now });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > SESSIONS_MAX && oldest !== undefined) this.#kept.delete(oldest);
    return { cookie, session };
  }

  /** The session of a cookie, which counts as used by that; undefined when it has ended. */
  find(cookie: string): WebSession | undefined {
    const key = keyOf(cookie);
    const session = this.#kept.get(key);
    this.#kept.delete(key);
    const now = this.#now();
    if (session === undefined) return undefined;
    if (now >= session.expiresAt || now - session.usedAt >= IDLE_MS_MAX) return undefined;
    this.#kept.set(key, { ...session, usedAt: now });
    return session;
  }

  end(cookie: string): void {
    this.#kept.delete(keyOf(cookie));
  }

  #word(): string {
    return Buffer.from(this.#secret(SECRET_BYTES)).toString('base64url');
  }
}

/** Whether two words are the same, in a time that tells nothing of either. */
export function isSameWord(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other));
}

function keyOf(cookie: string): string {
  return digest(cookie).toString('hex');
}

function digest(word: string): Buffer {
  return createHash('sha256').update(word, 'utf8').digest();
}
