import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { DatabaseClock } from './clock.ts';
import type { Schema } from './schema.ts';

/** Leases: what one server does for all, until it lets go or falls silent. */
export class LeaseRecords {
  readonly #db: Kysely<Schema>;
  readonly #clock: DatabaseClock;

  constructor(db: Kysely<Schema>, clock: DatabaseClock) {
    this.#db = db;
    this.#clock = clock;
  }

  /**
   * Takes a lease that is free or has run out, or makes one's own longer.
   * @param forMs how long it lasts from now on, by the clock of the database.
   * @returns its term, which grows with every change of hands; undefined while another has it.
   */
  async take(name: string, server: string, forMs: number): Promise<number | undefined> {
    const until = sql<number>`${this.#clock()} + ${sql.lit(forMs)}`;
    const row = await this.#db
      .insertInto('leases')
      .values({ name, server, until, term: 1 })
      .onConflict((conflict) =>
        conflict
          .column('name')
          .doUpdateSet({
            server,
            until,
            term: sql<number>`case when leases.server = ${server} and leases.until > ${this.#clock()} then leases.term else leases.term + 1 end`,
          })
          .where((lease) =>
            lease.or([
              lease('leases.server', '=', server),
              lease('leases.until', '<=', this.#clock()),
            ]),
          ),
      )
      .returning('term')
      .executeTakeFirst();
    return row?.term;
  }

  /** Lets go of a lease, so that another server need not wait for it to run out. */
  async release(name: string, server: string): Promise<void> {
    await this.#db
      .updateTable('leases')
      .set({ until: 0 })
      .where('name', '=', name)
      .where('server', '=', server)
      .execute();
  }
}
