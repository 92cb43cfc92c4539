import type { Expression, ExpressionBuilder, Kysely, SqlBool, Transaction } from 'kysely';
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
  /** The place on the same host that the VM may still go back to, and keeps for that. */
  readonly before?: Placement;
  readonly operation: string;
}

/** Where a claim was that was given back. */
export interface ReleasedClaim {
  readonly host: string;
  /** Of the host, as giving it back has made it; undefined for a host that is gone. */
  readonly generation: number | undefined;
}

/** A claim that nobody works for any more. */
type LeftClaim = Pick<Claim, 'vm' | 'uuid'> & { readonly host: string };

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
      ...(row.before === null ? {} : { before: JSON.parse(row.before) as Placement }),
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
        if (generation === undefined) throw new LostRace();
        const advanced = await advance(db, host, generation);
        if (advanced === undefined) throw new LostRace(); // takes back those before it
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
        before: claim.before === undefined ? null : JSON.stringify(claim.before),
        operation: claim.operation,
        relations: relationsText(claim),
      })
      .execute();
  }

  /**
   * Gives a place back, or hands it over to the host that shows it now.
   * @returns the host it was on, and the generation that this made of it; undefined when there was no
   * claim, which is no error.
   */
  async release(uuid: string): Promise<ReleasedClaim | undefined> {
    return this.#db.transaction().execute(async (db) => {
      const claim = await db
        .selectFrom('claims')
        .select('host')
        .where('vm_uuid', '=', uuid)
        .executeTakeFirst();
      if (claim === undefined) return undefined;
      // The host's row first, as `take` does: two that lock in one order cannot lock each other out.
      const generation = await advance(db, claim.host);
      await db.deleteFrom('claims').where('vm_uuid', '=', uuid).execute();
      return { host: claim.host, generation };
    });
  }

  /**
   * Gives the places back that operations have left behind: claims on whose VM none works. An operation
   * is written down before it claims anything, so no claim is missed that is still needed.
   * @returns whose they were
   */
  async releaseLeft(): Promise<readonly LeftClaim[]> {
    const left = await this.#db
      .selectFrom('claims')
      .select(['vm', 'vm_uuid as uuid', 'host'])
      .where(isLeft)
      .execute();
    const released: LeftClaim[] = [];
    for (const claim of left) if (await this.#releaseIfLeft(claim)) released.push(claim);
    return released;
  }

  /** @returns false when an operation has come to it meanwhile. */
  async #releaseIfLeft({ uuid, host }: LeftClaim): Promise<boolean> {
    try {
      return await this.#db.transaction().execute(async (db) => {
        await advance(db, host);
        const { numDeletedRows } = await db
          .deleteFrom('claims')
          .where('vm_uuid', '=', uuid)
          .where('host', '=', host)
          .where(isLeft)
          .executeTakeFirst();
        if (numDeletedRows === 0n) throw new LostRace();
        return true;
      });
    } catch (error) {
      if (error instanceof LostRace) return false;
      throw error;
    }
  }
}

/** True for a claim on whose VM no operation works. */
function isLeft(row: ExpressionBuilder<Schema, 'claims'>): Expression<SqlBool> {
  const atWork = row
    .selectFrom('operations')
    .select('operations.id')
    .whereRef('operations.vm_uuid', '=', 'claims.vm_uuid')
    .where('operations.state', 'in', ['running', 'undoing']);
  return row.not(row.exists(atWork));
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

/** @returns the new generation of the host; undefined where it has not the one that is asked for. */
async function advance(
  db: Transaction<Schema>,
  host: string,
  generation?: number,
): Promise<number | undefined> {
  const update = db
    .updateTable('hosts')
    .set((expression) => ({ generation: expression('generation', '+', 1) }))
    .where('name', '=', host);
  const only = generation === undefined ? update : update.where('generation', '=', generation);
  const row = await only.returning('generation').executeTakeFirst();
  return row?.generation;
}
