import type { Kysely } from 'kysely';
import type { Schema } from './schema.ts';

/** A request that carried an idempotency key, and the operation that answers it. */
export interface KeyedRequest {
  /** Who asked: keys of different people have nothing to do with each other. */
  readonly actor: string;
  readonly key: string;
  /** Of all that was asked, so that one key cannot stand for two requests. */
  readonly fingerprint: string;
  readonly operation: string;
  readonly at: number;
}

/** The requests that may come again: kept for a day. */
export class RequestRecords {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  /** Keeps a request, unless its key is taken. @returns the request that has the key then. */
  async keep(request: KeyedRequest): Promise<KeyedRequest> {
    await this.#db
      .insertInto('requests')
      .values(request)
      .onConflict((conflict) => conflict.columns(['actor', 'key']).doNothing())
      .execute();
    return this.#db
      .selectFrom('requests')
      .selectAll()
      .where('actor', '=', request.actor)
      .where('key', '=', request.key)
      .executeTakeFirstOrThrow();
  }

  /** Forgets a request that began nothing: it may be made anew. */
  async forget({ actor, key, operation }: KeyedRequest): Promise<void> {
    await this.#db
      .deleteFrom('requests')
      .where('actor', '=', actor)
      .where('key', '=', key)
      .where('operation', '=', operation)
      .execute();
  }

  /** Forgets what was asked before a moment. */
  async prune(before: number): Promise<void> {
    await this.#db.deleteFrom('requests').where('at', '<', before).execute();
  }
}
