import type { Kysely, Transaction } from 'kysely';
import type { Seat } from '../model/host.ts';
import { berthError } from '../base/errors.ts';
import type { Placement } from '../model/placement.ts';
import type { Schema } from './schema.ts';
import { isUniqueViolation } from './unique-violation.ts';

/** What must be known of the one that is coming, beside its place. */
type ClaimRelations = Pick<Seat, 'labels' | 'keepsAway' | 'expectedEnd' | 'asks'>;

/** A place taken for a VM that its host does not show yet. */
export interface Claim extends ClaimRelations {
  readonly vm: string;
  readonly uuid: string;
  readonly placement: Placement;
  readonly operation: string;
}

/** Claims make concurrency safe: each is taken under the host's generation. */
export class ClaimRecords {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  async list(): Promise<readonly Claim[]> {
    const rows = await this.#db.selectFrom('claims').selectAll().orderBy('vm').execute();
    return rows.map((row) => ({
      vm: row.vm,
      uuid: row.vm_uuid,
      // Written by `take` from a Placement.
      placement: JSON.parse(row.placement) as Placement,
      operation: row.operation,
      ...relationsIn(row.relations),
    }));
  }

  /**
   * Takes a place, if nobody has taken or left one on that host since `generation` was read.
   * @returns false when the race was lost: look at the host again and place again.
   * @throws BERTH_BUSY when a place is claimed for a VM of that name already
   */
  async take(claim: Claim, generation: number): Promise<boolean> {
    return this.takeAll([claim], new Map([[claim.placement.host, generation]]));
  }

  /**
   * Takes places for several VMs, all or none, if nobody has taken or left one on any of their hosts
   * since its generation was read.
   * @returns false when the race was lost: look at the hosts again and place again.
   * @throws BERTH_BUSY when a place is claimed for a VM of one of those names already
   */
  async takeAll(
    claims: readonly Claim[],
    generations: ReadonlyMap<string, number>,
  ): Promise<boolean> {
    try {
      return await this.#takeAll(claims, generations);
    } catch (error) {
      if (error instanceof LostRace) return false;
      if (!isUniqueViolation(error)) throw error;
      const holder = 'a place is claimed for a VM of that name already';
      const what = claims.map(({ vm }) => vm).join(', ');
      throw berthError('BERTH_BUSY', { what, holder }, { cause: error });
    }
  }

  async #takeAll(
    claims: readonly Claim[],
    generations: ReadonlyMap<string, number>,
  ): Promise<boolean> {
    // In one order for all: two that lock in one order cannot lock each other out.
    const hosts = [...new Set(claims.map(({ placement }) => placement.host))].toSorted();
    return this.#db.transaction().execute(async (db) => {
      for (const host of hosts) {
        const generation = generations.get(host);
        const isOurs = generation !== undefined && (await advance(db, host, generation));
        if (!isOurs) throw new LostRace(); // takes back those before it
      }
      for (const claim of claims) await this.#insert(db, claim);
      return true;
    });
  }

  async #insert(db: Transaction<Schema>, claim: Claim): Promise<void> {
    await db
      .insertInto('claims')
      .values({
        vm_uuid: claim.uuid,
        vm: claim.vm,
        host: claim.placement.host,
        placement: JSON.stringify(claim.placement),
        operation: claim.operation,
        relations: relationsText(claim),
      })
      .execute();
  }

  /**
   * Gives a place back, or hands it over to the host that shows it now.
   * @returns the host it was on; undefined when there was no claim, which is no error.
   */
  async release(uuid: string): Promise<string | undefined> {
    return this.#db.transaction().execute(async (db) => {
      const claim = await db
        .selectFrom('claims')
        .select('host')
        .where('vm_uuid', '=', uuid)
        .executeTakeFirst();
      if (claim === undefined) return undefined;
      // The host's row first, as `take` does: two that lock in one order cannot lock each other out.
      await advance(db, claim.host);
      await db.deleteFrom('claims').where('vm_uuid', '=', uuid).execute();
      return claim.host;
    });
  }
}

/** Ends a transaction in which another was quicker. */
class LostRace extends Error {}

function relationsText({ labels, keepsAway, expectedEnd, asks }: ClaimRelations): string | null {
  const text = JSON.stringify({ labels, keepsAway, expectedEnd, asks });
  return text === '{}' ? null : text;
}

/** Written by `relationsText`. */
function relationsIn(text: string | null): ClaimRelations {
  return text === null ? {} : (JSON.parse(text) as ClaimRelations);
}

async function advance(
  db: Transaction<Schema>,
  host: string,
  generation?: number,
): Promise<boolean> {
  const update = db
    .updateTable('hosts')
    .set((expression) => ({ generation: expression('generation', '+', 1) }))
    .where('name', '=', host);
  const only = generation === undefined ? update : update.where('generation', '=', generation);
  const { numUpdatedRows } = await only.executeTakeFirst();
  return numUpdatedRows === 1n;
}
