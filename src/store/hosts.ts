import { sql } from 'kysely';
import type { Kysely, Selectable, Transaction } from 'kysely';
import { berthError } from '../base/errors.ts';
import type { HostProfile, HostSettings } from '../model/host-settings.ts';
import type { Schema } from './schema.ts';
import { isUniqueViolation } from './unique-violation.ts';

/** A registered host. */
export interface HostRecord extends HostProfile {
  readonly name: string;
  readonly uri: string;
  readonly generation: number;
}

/** A host that is to be registered. */
export interface NewHost extends Partial<HostProfile> {
  readonly name: string;
  readonly uri: string;
  /** Milliseconds since the epoch. */
  readonly addedAt: number;
  /** What tells its libvirt from every other, however it is reached; absent where nothing does. */
  readonly identity?: string;
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
      await keepGeneration(db, name);
      await db.deleteFrom('hosts').where('name', '=', name).execute();
      return [];
    });
  }

  /**
   * Advances a host's generation: a claim on what was read of it before is lost.
   * @returns the new one; undefined when there is no such host.
   */
  async advance(name: string): Promise<number | undefined> {
    const row = await this.#db
      .updateTable('hosts')
      .set((expression) => ({ generation: expression('generation', '+', 1) }))
      .where('name', '=', name)
      .returning('generation')
      .executeTakeFirst();
    return row?.generation;
  }

  /**
   * Registers a host. One of that name and URI is left as it is: several may register it at once.
   * @returns the host as it is registered now.
   * @throws BERTH_EXISTS when the name, the URI or the libvirt behind it is another host's; BERTH_BUSY
   * when that one has just been removed
   */
  async add(host: NewHost): Promise<HostRecord> {
    try {
      const row = await this.#db
        .insertInto('hosts')
        .values({
          name: host.name,
          uri: host.uri,
          added_at: host.addedAt,
          identity: host.identity ?? null,
          generation: this.#firstGeneration(host.name),
          ...columnsOf({ labels: host.labels ?? {}, settings: host.settings ?? {} }),
        })
        .returning(COLUMNS)
        .executeTakeFirstOrThrow();
      return recordOf(row);
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      const other = await this.#alike(host);
      if (other?.name !== host.name || other.uri !== host.uri) throw isTaken(host, other, error);
      return other;
    }
  }

  /** Higher than any that a host of that name ever had: what was read under those is out of date. */
  #firstGeneration(name: string) {
    const before = this.#db
      .selectFrom('past_hosts')
      .select((row) => row('generation', '+', 1).as('next'))
      .where('name', '=', name);
    return sql<number>`coalesce((${before}), 0)`;
  }

  /** The host that stands in the way of a new one: of its name, before one of its URI or libvirt. */
  async #alike({ name, uri, identity }: NewHost): Promise<HostRecord | undefined> {
    const rows = await this.#db
      .selectFrom('hosts')
      .select(COLUMNS)
      .where((row) =>
        row.or([
          row('name', '=', name),
          row('uri', '=', uri),
          ...(identity === undefined ? [] : [row('identity', '=', identity)]),
        ]),
      )
      .orderBy('name')
      .execute();
    const found = rows.find((row) => row.name === name) ?? rows[0];
    return found === undefined ? undefined : recordOf(found);
  }
}

function isTaken({ name, uri }: NewHost, other: HostRecord | undefined, cause: unknown): Error {
  if (other === undefined) {
    const holder = 'one like it has just been removed';
    return berthError('BERTH_BUSY', { what: `host ${name}`, holder }, { cause });
  }
  const where =
    other.name === name
      ? `with the URI ${other.uri}`
      : other.uri === uri
        ? `under the name "${other.name}"`
        : `as "${other.name}", which is reached by ${other.uri}`;
  const remedy =
    other.name === name
      ? 'choose another name, or remove that host first'
      : `it is the libvirt of host ${other.name}: see it with: berth host show ${other.name}`;
  return berthError('BERTH_EXISTS', { kind: 'host', name, where, remedy }, { cause });
}

/** Of a host that is about to be removed, for one that may be registered under its name. */
async function keepGeneration(db: Transaction<Schema>, name: string): Promise<void> {
  const host = db.selectFrom('hosts').select(['name', 'generation']).where('name', '=', name);
  await db
    .insertInto('past_hosts')
    .columns(['name', 'generation'])
    .expression(host)
    .onConflict((conflict) =>
      conflict
        .column('name')
        .doUpdateSet((row) => ({ generation: row.ref('excluded.generation') })),
    )
    .execute();
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
