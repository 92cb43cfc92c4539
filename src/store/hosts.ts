import type { Kysely, Selectable, Transaction } from 'kysely';
import type { HostProfile, HostSettings } from '../model/host-settings.ts';
import type { Schema } from './schema.ts';

/** A registered host. */
export interface HostRecord extends HostProfile {
  readonly name: string;
  readonly uri: string;
  readonly generation: number;
}

const COLUMNS = ['name', 'uri', 'generation', 'labels', 'settings'] as const;

/** The registry: which hosts belong to the fleet. */
export class HostRecords {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  async list(): Promise<readonly HostRecord[]> {
    const rows = await this.#db.selectFrom('hosts').select(COLUMNS).orderBy('name').execute();
    return rows.map(recordOf);
  }

  /** One host; undefined when there is none of that name. */
  async get(name: string): Promise<HostRecord | undefined> {
    const row = await this.#db
      .selectFrom('hosts')
      .select(COLUMNS)
      .where('name', '=', name)
      .executeTakeFirst();
    return row === undefined ? undefined : recordOf(row);
  }

  /** The generation of each host by name. A place is claimed under the one that was read first. */
  async generations(): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#db.selectFrom('hosts').select(['name', 'generation']).execute();
    return new Map(rows.map(({ name, generation }) => [name, generation]));
  }

  /** The generation of one host; undefined when there is none of that name. */
  async generation(name: string): Promise<number | undefined> {
    const row = await this.#db
      .selectFrom('hosts')
      .select('generation')
      .where('name', '=', name)
      .executeTakeFirst();
    return row?.generation;
  }

  /**
   * Changes what is said of a host; two who change different things of it lose nothing.
   * @returns what is said of it now; undefined when there is no such host.
   */
  async change(
    name: string,
    change: (profile: HostProfile) => HostProfile,
  ): Promise<HostProfile | undefined> {
    return this.#db.transaction().execute(async (db) => {
      // Changes nothing, but holds the row until the change is written.
      await db.updateTable('hosts').set({ name }).where('name', '=', name).execute();
      const row = await db
        .selectFrom('hosts')
        .select(['labels', 'settings'])
        .where('name', '=', name)
        .executeTakeFirst();
      if (row === undefined) return undefined;
      const profile = change(profileIn(row.labels, row.settings));
      await db.updateTable('hosts').set(columnsOf(profile)).where('name', '=', name).execute();
      return profile;
    });
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
      const vms = force ? [] : await vmsComingTo(db, name);
      if (vms.length > 0) return vms;
      refuse();
      await db.deleteFrom('claims').where('host', '=', name).execute();
      await db.deleteFrom('hosts').where('name', '=', name).execute();
      return [];
    });
  }

  /** Registers a host, or gives a known one a new URI. */
  async put(
    host: { name: string; uri: string; addedAt: number } & Partial<HostProfile>,
  ): Promise<void> {
    const { labels = {}, settings = {} } = host;
    await this.#db
      .insertInto('hosts')
      .values({
        name: host.name,
        uri: host.uri,
        added_at: host.addedAt,
        generation: 0,
        ...columnsOf({ labels, settings }),
      })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ uri: host.uri }))
      .execute();
  }
}

function recordOf(row: Pick<Selectable<Schema['hosts']>, (typeof COLUMNS)[number]>): HostRecord {
  const { labels, settings, ...host } = row;
  return { ...host, ...profileIn(labels, settings) };
}

function columnsOf({ labels, settings }: HostProfile) {
  return { labels: textOf(labels), settings: textOf(settings) };
}

function textOf(value: object): string | null {
  const text = JSON.stringify(value);
  return text === '{}' ? null : text;
}

/** Written by `columnsOf`. */
function profileIn(labels: string | null, settings: string | null): HostProfile {
  return {
    labels: JSON.parse(labels ?? '{}') as Readonly<Record<string, string>>,
    settings: JSON.parse(settings ?? '{}') as HostSettings,
  };
}

/** VMs that keep a host: places are claimed for them there, or operations of any server work there. */
async function vmsComingTo(db: Transaction<Schema>, host: string): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('claims')
    .select('vm')
    .where('host', '=', host)
    .union(
      db
        .selectFrom('operations')
        .select('vm')
        .where('host', '=', host)
        .where('state', 'in', ['running', 'undoing']),
    )
    .orderBy('vm')
    .execute();
  return rows.map(({ vm }) => vm);
}
