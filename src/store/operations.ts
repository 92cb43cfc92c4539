import type { Kysely, Selectable } from 'kysely';
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
  /** Grows by one with every write. */
  readonly revision: number;
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly error?: unknown;
}

/** The place of an operation among all: the newest first. */
export interface OperationPlace {
  readonly startedAt: number;
  readonly id: string;
}

/** The journal. Written when an operation begins and after every step, so that a crash can be made good. */
export class OperationRecords {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  /** Writes an operation whole; the journal's only write. */
  async put(record: OperationRecord): Promise<void> {
    const row = rowOf(record);
    const { id: _, ...changes } = row;
    await this.#db
      .insertInto('operations')
      .values(row)
      .onConflict((conflict) => conflict.column('id').doUpdateSet(changes))
      .execute();
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
  async list(limit: number, after?: OperationPlace): Promise<readonly OperationRecord[]> {
    let query = this.#db.selectFrom('operations').selectAll();
    if (after !== undefined) {
      const { startedAt, id } = after;
      query = query.where(({ and, eb, or }) =>
        or([
          eb('started_at', '<', startedAt),
          and([eb('started_at', '=', startedAt), eb('id', '<', id)]),
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

  /** Operations that a crash interrupted, oldest first. */
  async unfinished(): Promise<readonly OperationRecord[]> {
    const rows = await this.#db
      .selectFrom('operations')
      .selectAll()
      .where('state', 'in', ['running', 'undoing'])
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
}

type Row = Selectable<Schema['operations']>;

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
    server: null,
    actor: null,
    cancel_at: null,
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
  };
}
