import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { DatabaseClock } from './clock.ts';
import type { Schema } from './schema.ts';

/** A server process that works on the store. Times are of the database's clock. */
export interface ServerRecord {
  readonly id: string;
  readonly startedAt: number;
  readonly beatAt: number;
}

/** The server processes. One that has a row is alive; the leader takes the rows of the dead away. */
export class ServerRecords {
  readonly #db: Kysely<Schema>;
  readonly #clock: DatabaseClock;

  constructor(db: Kysely<Schema>, clock: DatabaseClock) {
    this.#db = db;
    this.#clock = clock;
  }

  /** Oldest first. */
  async list(): Promise<readonly ServerRecord[]> {
    const rows = await this.#db.selectFrom('servers').selectAll().orderBy('started_at').execute();
    return rows.map((row) => ({ id: row.id, startedAt: row.started_at, beatAt: row.beat_at }));
  }

  /**
   * Says that a server is alive.
   * @returns false when it had no row: it is new here, or was taken for dead meanwhile.
   */
  async beat(id: string): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('servers')
      .set({ beat_at: this.#clock() })
      .where('id', '=', id)
      .executeTakeFirst();
    if (numUpdatedRows > 0n) return true;
    await this.#db
      .insertInto('servers')
      .values({ id, started_at: this.#clock(), beat_at: this.#clock() })
      .onConflict((conflict) => conflict.column('id').doUpdateSet({ beat_at: this.#clock() }))
      .execute();
    return false;
  }

  /** Takes a server off: it has ended, and what it left is for others. */
  async leave(id: string): Promise<void> {
    await this.#db.deleteFrom('servers').where('id', '=', id).execute();
  }

  /** Takes every other server off that has not been heard of for so long. @returns their ids. */
  async bury(except: string, silentMs: number): Promise<readonly string[]> {
    const dead = await this.#db
      .deleteFrom('servers')
      .where('id', '!=', except)
      .where('beat_at', '<=', sql<number>`${this.#clock()} - ${sql.lit(silentMs)}`)
      .returning('id')
      .execute();
    return dead.map(({ id }) => id);
  }

  /** Takes every other server off: for a store that one process alone can have open. */
  async buryOthers(except: string): Promise<void> {
    await this.#db.deleteFrom('servers').where('id', '!=', except).execute();
  }
}
