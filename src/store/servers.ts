import type { Kysely } from 'kysely';
import type { DatabaseClock } from './clock.ts';
import type { Schema } from './schema.ts';

/** A server process that works on the store. */
export interface ServerRecord {
  readonly id: string;
  /** By the clock of the database. */
  readonly startedAt: number;
  /** How often it has said that it is alive: no clock can be set in between. */
  readonly beat: number;
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
    return rows.map(({ id, started_at: startedAt, beat }) => ({ id, startedAt, beat }));
  }

  /**
   * Says that a server is alive.
   * @returns false when it had no row: it is new here, or was taken for dead meanwhile.
   */
  async beat(id: string): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('servers')
      .set((row) => ({ beat: row('beat', '+', 1) }))
      .where('id', '=', id)
      .executeTakeFirst();
    if (numUpdatedRows > 0n) return true;
    await this.#db
      .insertInto('servers')
      .values({ id, started_at: this.#clock(), beat: 1 })
      .onConflict((conflict) =>
        conflict.column('id').doUpdateSet((row) => ({ beat: row('servers.beat', '+', 1) })),
      )
      .execute();
    return false;
  }

  /** Takes a server off: it has ended, and what it left is for others. */
  async leave(id: string): Promise<void> {
    await this.#db.deleteFrom('servers').where('id', '=', id).execute();
  }

  /** Takes a server off that was taken for dead, unless it has said since that it is alive. */
  async bury({ id, beat }: ServerRecord): Promise<boolean> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('servers')
      .where('id', '=', id)
      .where('beat', '=', beat)
      .executeTakeFirst();
    return numDeletedRows > 0n;
  }

  /** Takes every other server off: for a store that one process alone can have open. */
  async buryOthers(except: string): Promise<void> {
    await this.#db.deleteFrom('servers').where('id', '!=', except).execute();
  }
}
