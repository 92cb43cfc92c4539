import type { Kysely } from 'kysely';
import type { Schema } from './schema.ts';

/** A lease as it stands. */
export interface LeaseRecord {
  /** Who has it; absent while it is free. */
  readonly server?: string;
  /** Grows whenever it is taken or made longer: no clock can be set in between. */
  readonly beat: number;
  /** Grows with every change of hands. */
  readonly term: number;
}

/** Leases: what one server does for all, until it lets go or falls silent. */
export class LeaseRecords {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  /** A lease; undefined for one that nobody has taken yet. */
  async get(name: string): Promise<LeaseRecord | undefined> {
    const row = await this.#db
      .selectFrom('leases')
      .select(['server', 'beat', 'term'])
      .where('name', '=', name)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    const { server, beat, term } = row;
    return { beat, term, ...(server === null ? {} : { server }) };
  }

  /**
   * Takes a lease, or makes one's own longer, if it still stands as it was seen.
   * @returns its term; undefined when another was quicker.
   */
  async take(
    name: string,
    server: string,
    seen: LeaseRecord | undefined,
  ): Promise<number | undefined> {
    if (seen === undefined) {
      const first = { name, server, beat: 1, term: 1 };
      const row = await this.#db
        .insertInto('leases')
        .values(first)
        .onConflict((conflict) => conflict.doNothing())
        .returning('term')
        .executeTakeFirst();
      return row?.term;
    }
    const term = seen.server === server ? seen.term : seen.term + 1;
    const { numUpdatedRows } = await this.#db
      .updateTable('leases')
      .set({ server, beat: seen.beat + 1, term })
      .where('name', '=', name)
      .where('beat', '=', seen.beat)
      .executeTakeFirst();
    return numUpdatedRows > 0n ? term : undefined;
  }

  /** Lets go of a lease, so that another server need not wait for its holder to fall silent. */
  async release(name: string, server: string): Promise<void> {
    await this.#db
      .updateTable('leases')
      .set((row) => ({ server: null, beat: row('beat', '+', 1) }))
      .where('name', '=', name)
      .where('server', '=', server)
      .execute();
  }
}
