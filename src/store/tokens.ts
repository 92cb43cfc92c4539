import type { Kysely, Selectable } from 'kysely';
import type { Schema } from './schema.ts';

/** A token as it is kept: everything but its secret. */
export interface TokenRecord {
  /** A part of the token's text, and no secret. */
  readonly id: string;
  readonly name: string;
  /** SHA-256 of the secret, in hexadecimal. */
  readonly hash: string;
  readonly role: string;
  /** A label selector that VMs must match; absent: every VM. */
  readonly scope?: string;
  readonly createdAt: number;
  /** Absent: never. */
  readonly expiresAt?: number;
  readonly usedAt?: number;
}

/** Who may come in from the network. */
export class TokenRecords {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  /** Keeps a new token. @returns false when the name is taken. */
  async add(token: TokenRecord): Promise<boolean> {
    const { numInsertedOrUpdatedRows } = await this.#db
      .insertInto('tokens')
      .values({
        id: token.id,
        name: token.name,
        hash: token.hash,
        role: token.role,
        scope: token.scope ?? null,
        created_at: token.createdAt,
        expires_at: token.expiresAt ?? null,
        used_at: token.usedAt ?? null,
      })
      .onConflict((conflict) => conflict.column('name').doNothing())
      .executeTakeFirstOrThrow();
    return numInsertedOrUpdatedRows === 1n;
  }

  async get(id: string): Promise<TokenRecord | undefined> {
    const row = await this.#db
      .selectFrom('tokens')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    return row === undefined ? undefined : recordOf(row);
  }

  /** By name, ascending. */
  async list(): Promise<readonly TokenRecord[]> {
    const rows = await this.#db.selectFrom('tokens').selectAll().orderBy('name').execute();
    return rows.map(recordOf);
  }

  /** Remembers when a token was used last. */
  async used(id: string, at: number): Promise<void> {
    await this.#db.updateTable('tokens').set({ used_at: at }).where('id', '=', id).execute();
  }

  /** @returns what was removed; undefined when there is no token of that name. */
  async remove(name: string): Promise<TokenRecord | undefined> {
    const row = await this.#db
      .deleteFrom('tokens')
      .where('name', '=', name)
      .returningAll()
      .executeTakeFirst();
    return row === undefined ? undefined : recordOf(row);
  }
}

function recordOf(row: Selectable<Schema['tokens']>): TokenRecord {
  return {
    id: row.id,
    name: row.name,
    hash: row.hash,
    role: row.role,
    createdAt: row.created_at,
    ...(row.scope === null ? {} : { scope: row.scope }),
    ...(row.expires_at === null ? {} : { expiresAt: row.expires_at }),
    ...(row.used_at === null ? {} : { usedAt: row.used_at }),
  };
}
