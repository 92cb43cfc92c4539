import { sql } from 'kysely';
import type { Expression, ExpressionBuilder, Kysely, Selectable, SqlBool } from 'kysely';
import { berthError } from '../base/errors.ts';
import type { DatabaseClock } from './clock.ts';
import type { Schema } from './schema.ts';

/** `undone`: failed and taken back whole; `failed`: something is left. */
export type OperationState = 'running' | 'undoing' | 'done' | 'undone' | 'failed';

/** One operation in the journal. `memory` and `error` are JSON values of the operation's own. */
export interface OperationRecord {
  readonly id: string;
  readonly kind: string;
  readonly vm: string;
  readonly vmUuid: string;
  readonly host?: string;
  readonly state: OperationState;
  readonly steps: readonly string[];
  /** Steps that are known to be done; the next one may be half done. */
  readonly done: number;
  readonly memory: unknown;
  /** Grows with every change. */
  readonly revision: number;
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly error?: unknown;
  /** The server process that carries it out. */
  readonly server?: string;
  /** How often it was taken over; absent for one that never was. */
  readonly epoch?: number;
  /** Who asked for it; absent for the owner of the server's socket. */
  readonly actor?: string;
  /** The id of that token. */
  readonly token?: string;
  /** The labels of its VM when it began; absent for one that nobody had labelled. */
  readonly labels?: Readonly<Record<string, string>>;
  /** When somebody asked to cancel it. */
  readonly cancelAt?: number;
  /** What it waits for, in a sentence. */
  readonly waitsFor?: string;
  /** How far its step is. */
  readonly progress?: StepProgress;
}

/** How far a step of an operation is: a part of the whole from 0 to 1, and words. */
export interface StepProgress {
  readonly fraction?: number;
  readonly say?: string;
}

/** Which operations a listing shows: all that are absent are not asked about. */
export interface OperationFilter {
  readonly states?: readonly OperationState[] | undefined;
  readonly vm?: string | undefined;
  readonly host?: string | undefined;
  readonly kinds?: readonly string[] | undefined;
}

const UNFINISHED: readonly OperationState[] = ['running', 'undoing'];
/** How many operations are taken over in one go at most. */
const TAKEN_AT_ONCE = 200;
/** How often beginning is tried anew when the operation in its way has just ended. */
const BEGIN_TRIES = 5;

/** The place of an operation among all: the newest first. */
export interface OperationPlace {
  readonly startedAt: number;
  readonly id: string;
}

/**
 * The journal. Written when an operation begins and after every step, so that a crash can be made
 * good. Only the server that an operation belongs to writes it, and only for as long as it does: one
 * that was taken for dead, and comes back, finds that it does not any more, and what it wrote before
 * comes too late even where the operation has come back to it.
 */
export class OperationRecords {
  readonly #db: Kysely<Schema>;
  readonly #clock: DatabaseClock;

  constructor(db: Kysely<Schema>, clock: DatabaseClock) {
    this.#db = db;
    this.#clock = clock;
  }

  /**
   * Writes a new operation, unless another one works on a VM of that name: that is returned then. One
   * of the same id is there already when the answer to the first attempt was lost.
   */
  async begin(record: OperationRecord): Promise<OperationRecord | undefined> {
    for (let tries = 0; tries < BEGIN_TRIES; tries++) {
      const { numInsertedOrUpdatedRows } = await this.#db
        .insertInto('operations')
        .values({ ...rowOf(record), changed_at: this.#clock() })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst();
      if ((numInsertedOrUpdatedRows ?? 0n) > 0n) return undefined;
      const other = (await this.get(record.id)) ?? (await this.atWorkOn(record.vm));
      if (other !== undefined) return other;
    }
    const holder = 'operations on it follow each other too fast';
    throw berthError('BERTH_BUSY', { what: record.vm, holder });
  }

  /**
   * Writes how an operation stands. The same again changes nothing, so that an attempt of which the
   * answer was lost can be repeated; a store that has lost the newest writes takes them up again.
   * @throws BERTH_FENCED when it belongs to another server by now
   */
  async write(record: OperationRecord): Promise<void> {
    const { id, server, epoch, cancel_at: _, ...changes } = rowOf(record);
    const { numUpdatedRows } = await this.#db
      .updateTable('operations')
      .set({ ...changes, changed_at: this.#clock() })
      .where('id', '=', id)
      .where('server', 'is not distinct from', server)
      .where('epoch', '=', epoch)
      .where('revision', '<', record.revision)
      .executeTakeFirst();
    if (numUpdatedRows > 0n) return;
    const there = (await this.get(id)) ?? (await this.begin(record));
    if (there === undefined) return;
    const isOurs = there.server === record.server && there.epoch === record.epoch;
    const isWritten = there.id === id && isOurs;
    if (!isWritten || there.revision < record.revision) {
      throw berthError('BERTH_FENCED', { operation: id });
    }
  }

  /** Tells what an operation waits for and how far its step is, for those who ask other servers. */
  async tell(record: OperationRecord): Promise<void> {
    const { id, server, epoch, revision, waits_for, progress } = rowOf(record);
    await this.#db
      .updateTable('operations')
      .set({ revision, waits_for, progress, changed_at: this.#clock() })
      .where('id', '=', id)
      .where('server', 'is not distinct from', server)
      .where('epoch', '=', epoch)
      .where('revision', '<', revision)
      .execute();
  }

  /** Asks whoever carries an operation out to cancel it. @returns false when it goes on no more. */
  async askCancel(id: string, at: number): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('operations')
      .set((row) => ({ cancel_at: row.fn.coalesce('cancel_at', row.val(at)) }))
      .where('id', '=', id)
      .where('state', '=', 'running')
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  /** The running operations of a server that somebody asked to cancel. */
  async cancelled(server: string): Promise<readonly string[]> {
    const rows = await this.#db
      .selectFrom('operations')
      .select('id')
      .where('server', '=', server)
      .where('state', '=', 'running')
      .where('cancel_at', 'is not', null)
      .execute();
    return rows.map(({ id }) => id);
  }

  /** Unfinished operations of servers that are no more, oldest first: some, where there are many. */
  async orphaned(): Promise<readonly OperationRecord[]> {
    const rows = await this.#db
      .selectFrom('operations')
      .selectAll()
      .where('state', 'in', UNFINISHED)
      .where(isOrphaned)
      .orderBy('started_at')
      .limit(TAKEN_AT_ONCE)
      .execute();
    return rows.map(recordOf);
  }

  /** Unfinished operations of one server, oldest first. */
  async ofServer(server: string): Promise<readonly OperationRecord[]> {
    const rows = await this.#db
      .selectFrom('operations')
      .selectAll()
      .where('server', '=', server)
      .where('state', 'in', UNFINISHED)
      .orderBy('started_at')
      .execute();
    return rows.map(recordOf);
  }

  /**
   * Makes an operation a server's own: one that is orphaned, or that it has let go of itself.
   * @returns it, as it stands now; undefined when another was faster or its server has come back.
   */
  async takeOver(id: string, server: string): Promise<OperationRecord | undefined> {
    const row = await this.#db
      .updateTable('operations')
      .set((row) => ({
        server,
        epoch: row('epoch', '+', 1),
        revision: row('revision', '+', 1),
        changed_at: this.#clock(),
      }))
      .where('id', '=', id)
      .where('state', 'in', UNFINISHED)
      .where((row) => row.or([row('server', '=', server), isOrphaned(row)]))
      .returningAll()
      .executeTakeFirst();
    return row === undefined ? undefined : recordOf(row);
  }

  /** Takes an operation out that was written down, but was told not to have begun. */
  async retract({ id, server, epoch }: OperationRecord): Promise<void> {
    await this.#db
      .deleteFrom('operations')
      .where('id', '=', id)
      .where('server', 'is not distinct from', server ?? null)
      .where('epoch', '=', epoch ?? 0)
      .where('done', '=', 0)
      .execute();
  }

  /**
   * Forgets operations that ended longer ago, by the clock of the database, but for the newest so many.
   */
  async prune(ageMs: number, keep: number): Promise<number> {
    const newest = this.#db
      .selectFrom('operations')
      .select('id')
      .orderBy('started_at', 'desc')
      .limit(keep);
    const { numDeletedRows } = await this.#db
      .deleteFrom('operations')
      .where('ended_at', '<', sql<number>`${this.#clock()} - ${sql.lit(ageMs)}`)
      .where('id', 'not in', newest)
      .executeTakeFirst();
    return Number(numDeletedRows);
  }

  async get(id: string): Promise<OperationRecord | undefined> {
    const row = await this.#db
      .selectFrom('operations')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    return row === undefined ? undefined : recordOf(row);
  }

  /** Some of them, newest first, from behind a place when one is given. */
  async list(
    limit: number,
    after?: OperationPlace,
    filter: OperationFilter = {},
  ): Promise<readonly OperationRecord[]> {
    let query = this.#db.selectFrom('operations').selectAll();
    if (filter.states !== undefined) query = query.where('state', 'in', filter.states);
    if (filter.kinds !== undefined) query = query.where('kind', 'in', filter.kinds);
    if (filter.vm !== undefined) query = query.where('vm', '=', filter.vm);
    if (filter.host !== undefined) query = query.where('host', '=', filter.host);
    if (after !== undefined) {
      const { startedAt, id } = after;
      query = query.where((row) =>
        row.or([
          row('started_at', '<', startedAt),
          row.and([row('started_at', '=', startedAt), row('id', '<', id)]),
        ]),
      );
    }
    const rows = await query
      .orderBy('started_at', 'desc')
      .orderBy('id', 'desc')
      .limit(limit)
      .execute();
    return rows.map(recordOf);
  }

  /** Operations that have not ended, oldest first. */
  async unfinished(): Promise<readonly OperationRecord[]> {
    const rows = await this.#db
      .selectFrom('operations')
      .selectAll()
      .where('state', 'in', UNFINISHED)
      .orderBy('started_at')
      .execute();
    return rows.map(recordOf);
  }

  /** The newest operation of a kind on a VM name. */
  async last(vm: string, kind: string): Promise<OperationRecord | undefined> {
    const row = await this.#db
      .selectFrom('operations')
      .selectAll()
      .where('vm', '=', vm)
      .where('kind', '=', kind)
      .orderBy('started_at', 'desc')
      .limit(1)
      .executeTakeFirst();
    return row === undefined ? undefined : recordOf(row);
  }

  /** The one that works on a VM of that name. */
  async atWorkOn(vm: string): Promise<OperationRecord | undefined> {
    const row = await this.#db
      .selectFrom('operations')
      .selectAll()
      .where('vm', '=', vm)
      .where('state', 'in', UNFINISHED)
      .executeTakeFirst();
    return row === undefined ? undefined : recordOf(row);
  }
}

/** True for an operation whose server has no row. */
function isOrphaned(row: ExpressionBuilder<Schema, 'operations'>): Expression<SqlBool> {
  const its = row
    .selectFrom('servers')
    .select('id')
    .whereRef('servers.id', '=', 'operations.server');
  return row.not(row.exists(its));
}

type Row = Omit<Selectable<Schema['operations']>, 'changed_at'>;

function rowOf(record: OperationRecord): Row {
  return {
    id: record.id,
    kind: record.kind,
    vm: record.vm,
    vm_uuid: record.vmUuid,
    host: record.host ?? null,
    state: record.state,
    steps: JSON.stringify(record.steps),
    done: record.done,
    memory: JSON.stringify(record.memory),
    revision: record.revision,
    started_at: record.startedAt,
    ended_at: record.endedAt ?? null,
    error: record.error === undefined ? null : JSON.stringify(record.error),
    server: record.server ?? null,
    epoch: record.epoch ?? 0,
    actor: record.actor ?? null,
    token: record.token ?? null,
    labels: record.labels === undefined ? null : JSON.stringify(record.labels),
    cancel_at: record.cancelAt ?? null,
    waits_for: record.waitsFor ?? null,
    progress: record.progress === undefined ? null : JSON.stringify(record.progress),
  };
}

function recordOf(row: Row): OperationRecord {
  return {
    id: row.id,
    kind: row.kind,
    vm: row.vm,
    vmUuid: row.vm_uuid,
    // Written by `rowOf` from the same types.
    state: row.state as OperationState,
    steps: JSON.parse(row.steps) as readonly string[],
    done: row.done,
    memory: JSON.parse(row.memory),
    revision: row.revision,
    startedAt: row.started_at,
    ...(row.host === null ? {} : { host: row.host }),
    ...(row.ended_at === null ? {} : { endedAt: row.ended_at }),
    ...(row.error === null ? {} : { error: JSON.parse(row.error) as unknown }),
    ...(row.server === null ? {} : { server: row.server }),
    ...(row.epoch === 0 ? {} : { epoch: row.epoch }),
    ...(row.actor === null ? {} : { actor: row.actor }),
    ...(row.token === null ? {} : { token: row.token }),
    ...(row.labels === null ? {} : { labels: JSON.parse(row.labels) as Record<string, string> }),
    ...(row.cancel_at === null ? {} : { cancelAt: row.cancel_at }),
    ...(row.waits_for === null ? {} : { waitsFor: row.waits_for }),
    ...(row.progress === null ? {} : { progress: JSON.parse(row.progress) as StepProgress }),
  };
}
