import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { DatabaseClock } from './clock.ts';
import type { Schema } from './schema.ts';

/** A request that carried an idempotency key, and the operation that answers it. */
export interface KeyedRequest {
  /** Who asked: keys of different people have nothing to do with each other. */
  readonly actor: string;
  readonly key: string;
  /** Of all that was asked, so that one key cannot stand for two requests. */
  readonly fingerprint: string;
  readonly operation: string;
}

/**
 * The requests that may come again. A key is held by each request under it that is being answered, by
 * whichever server: it is freed with the last of them only, and never where an operation has begun.
 */
export class RequestRecords {
  readonly #db: Kysely<Schema>;
  readonly #clock: DatabaseClock;

  constructor(db: Kysely<Schema>, clock: DatabaseClock) {
    this.#db = db;
    this.#clock = clock;
  }

  /**
   * Holds the key of a request, unless it stands for another one.
   * @returns the request that has the key: it is held where that is of the same fingerprint.
   */
  async hold(request: KeyedRequest): Promise<KeyedRequest> {
    const { actor, key, fingerprint } = request;
    for (;;) {
      const held = await this.#db
        .insertInto('requests')
        .values({ ...request, at: this.#clock(), holders: 1 })
        .onConflict((conflict) =>
          conflict
            .columns(['actor', 'key'])
            .doUpdateSet((row) => ({ holders: row('requests.holders', '+', 1) }))
            .where('requests.fingerprint', '=', fingerprint),
        )
        .returning(['actor', 'key', 'fingerprint', 'operation'])
        .executeTakeFirst();
      const found = held ?? (await this.#find(actor, key));
      // Else the other one was freed in between.
      if (found !== undefined) return { ...found };
    }
  }

  /** Lets go of a key; that of a request that has begun nothing is free for any other then. */
  async letGo({ actor, key, operation }: KeyedRequest): Promise<void> {
    await this.#db
      .updateTable('requests')
      .set((row) => ({ holders: row('holders', '-', 1) }))
      .where('actor', '=', actor)
      .where('key', '=', key)
      .where('operation', '=', operation)
      .execute();
    await this.#db
      .deleteFrom('requests')
      .where('actor', '=', actor)
      .where('key', '=', key)
      .where('operation', '=', operation)
      .where('holders', '<=', 0)
      .where((row) =>
        row.not(
          row.exists(
            row
              .selectFrom('operations')
              .select('operations.id')
              .whereRef('operations.id', '=', 'requests.operation'),
          ),
        ),
      )
      .execute();
  }

  /** Forgets what was asked longer ago, by the clock of the database. */
  async prune(ageMs: number): Promise<void> {
    await this.#db
      .deleteFrom('requests')
      .where('at', '<', sql<number>`${this.#clock()} - ${sql.lit(ageMs)}`)
      .execute();
  }

  async #find(actor: string, key: string): Promise<KeyedRequest | undefined> {
    return this.#db
      .selectFrom('requests')
      .select(['actor', 'key', 'fingerprint', 'operation'])
      .where('actor', '=', actor)
      .where('key', '=', key)
      .executeTakeFirst();
  }
}
