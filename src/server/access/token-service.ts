import { berthError } from '../../base/errors.ts';
import { ROLES } from '../../api/access.ts';
import type { CreatedToken, Role, TokenView, tokenWish } from '../../api/access.ts';
import type { TokenRecord } from '../../store/tokens.ts';
import type { Store } from '../../store/store.ts';
import type { z } from 'zod';
import type { Ports } from '../ports.ts';
import { scopeOf } from './caller.ts';
import type { Caller } from './caller.ts';
import {
  hashOf,
  ID_BYTES,
  isSecretOf,
  parseToken,
  SECRET_BYTES,
  tokenText,
} from './token-secret.ts';

/** The last use of a token is written down at most this often. */
const USED_MS = 60_000;

/** A token that was shown to be right. */
export interface ProvenToken {
  readonly id: string;
  readonly caller: Caller;
  readonly expiresAt?: number;
}

/** Makes, lists and revokes tokens, and says whose a presented one is. */
export class TokenService {
  readonly #store: Store;
  readonly #ports: Ports;
  /** Tokens whose last use is being written. */
  readonly #noting = new Set<string>();

  constructor(store: Store, ports: Ports) {
    this.#store = store;
    this.#ports = ports;
  }

  /** @throws BERTH_EXISTS */
  async create(wish: z.output<typeof tokenWish>): Promise<CreatedToken> {
    const id = Buffer.from(this.#ports.secret(ID_BYTES)).toString('hex');
    const secret = Buffer.from(this.#ports.secret(SECRET_BYTES)).toString('base64url');
    const { name, role, scope, expires } = wish;
    const createdAt = this.#ports.now();
    const record: TokenRecord = {
      id,
      name,
      role,
      createdAt,
      hash: hashOf(secret),
      ...(scope === undefined ? {} : { scope }),
      ...(expires === undefined ? {} : { expiresAt: createdAt + expires }),
    };
    if (await this.#store.tokens.add(record)) {
      return { ...viewOf(record, role), token: tokenText({ id, secret }) };
    }
    throw berthError('BERTH_EXISTS', { kind: 'token', name, where: 'on this server' });
  }

  /** By name; without those whose role only another version of Berth knows, which open nothing. */
  async list(): Promise<readonly TokenView[]> {
    return (await this.#store.tokens.list()).flatMap((record) => {
      const role = roleOf(record);
      return role === undefined ? [] : [viewOf(record, role)];
    });
  }

  /**
   * Revokes a token: the next request with it is refused, whichever process gets it.
   * @throws BERTH_NOT_FOUND
   */
  async remove(name: string): Promise<TokenView> {
    const record = await this.#store.tokens.remove(name);
    if (record !== undefined) return viewOf(record, roleOf(record) ?? 'viewer');
    const known = (await this.#store.tokens.list()).map((token) => token.name);
    throw berthError('BERTH_NOT_FOUND', { kind: 'token', name, known });
  }

  /** Whose a token is; undefined for one that is wrong, unknown or over, which look the same. */
  async prove(text: string): Promise<ProvenToken | undefined> {
    const presented = parseToken(text);
    if (presented === undefined) return undefined;
    const record = await this.#store.tokens.get(presented.id);
    if (!isSecretOf(presented.secret, record?.hash) || record === undefined) return undefined;
    return this.#valid(record);
  }

  /** A token that was proven before, as it is now; undefined when it has been revoked or is over. */
  async again(id: string): Promise<ProvenToken | undefined> {
    const record = await this.#store.tokens.get(id);
    return record === undefined ? undefined : this.#valid(record);
  }

  #valid(record: TokenRecord): ProvenToken | undefined {
    const { id, name, scope, expiresAt } = record;
    const role = roleOf(record);
    if (role === undefined) return undefined;
    if (expiresAt !== undefined && this.#ports.now() >= expiresAt) return undefined;
    this.#noteUse(record);
    const caller = {
      actor: name,
      tokenId: id,
      role,
      ...(scope === undefined ? {} : { scope: scopeOf(scope) }),
    };
    return { id, caller, ...(expiresAt === undefined ? {} : { expiresAt }) };
  }

  /** A use that cannot be written down stops nobody. */
  #noteUse({ id, name, usedAt }: TokenRecord): void {
    const now = this.#ports.now();
    if (this.#noting.has(id) || (usedAt !== undefined && now - usedAt < USED_MS)) return;
    this.#noting.add(id);
    this.#store.tokens
      .used(id, now)
      .catch((error: unknown) => {
        this.#ports.log.warn({ token: name, err: error }, 'the use of a token is not written down');
      })
      .finally(() => this.#noting.delete(id));
  }
}

function roleOf({ role }: TokenRecord): Role | undefined {
  return ROLES.find((known) => known === role);
}

function viewOf(record: TokenRecord, role: Role): TokenView {
  const { id, name, scope, createdAt, expiresAt, usedAt } = record;
  return {
    id,
    name,
    role,
    createdAt,
    ...(scope === undefined ? {} : { scope }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(usedAt === undefined ? {} : { usedAt }),
  };
}
