import type { Kysely } from 'kysely';
import type { Schema } from './schema.ts';

/** A registered host. */
export interface HostRecord {
  readonly name: string;
  readonly uri: string;
  readonly generation: number;
}

/** The registry: which hosts belong to the fleet. */
export class HostRecords {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  async list(): Promise<readonly HostRecord[]> {
    return this.#db
      .selectFrom('hosts')
      .select(['name', 'uri', 'generation'])
      .orderBy('name')
      .execute();
  }

  /**
   * Takes a host off the registry, unless places on it are claimed; with `force` these go as well.
   * @param refuse is asked last, when no place can be claimed any more; if it throws, that comes out
   * and everything stays as it was.
   * @returns the VMs whose claims keep it there; empty when it is gone, or never was.
   */
  async remove(
    name: string,
    { force }: { force: boolean },
    refuse: () => void,
  ): Promise<readonly string[]> {
    return this.#db.transaction().execute(async (db) => {
      // Changes nothing, but holds the row: no other server can claim a place there meanwhile.
      await db
        .updateTable('hosts')
        .set((row) => ({ generation: row.ref('generation') }))
        .where('name', '=', name)
        .execute();
      const claims = db.selectFrom('claims').select('vm').where('host', '=', name).orderBy('vm');
      const vms = force ? [] : (await claims.execute()).map(({ vm }) => vm);
      if (vms.length > 0) return vms;
      refuse();
      await db.deleteFrom('claims').where('host', '=', name).execute();
      await db.deleteFrom('hosts').where('name', '=', name).execute();
      return [];
    });
  }

  /** Registers a host, or gives a known one a new URI. */
  async put(host: { name: string; uri: string; addedAt: number }): Promise<void> {
    await this.#db
      .insertInto('hosts')
      .values({
        name: host.name,
        uri: host.uri,
        added_at: host.addedAt,
        generation: 0,
        labels: null,
        settings: null,
      })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ uri: host.uri }))
      .execute();
  }
}
