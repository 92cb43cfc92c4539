import type { Kysely, Selectable } from 'kysely';
import type { Schema } from './schema.ts';

/** Who did what, to what, and what became of it. */
export interface AuditRecord {
  readonly id: string;
  readonly at: number;
  /** The name of a token; `owner` for the owner of the server's socket. */
  readonly actor: string;
  readonly action: string;
  /** What it was done to, such as `vm db1`; empty where it is about nothing by name. */
  readonly target: string;
  /** Where the request came from; absent for the server's own socket. */
  readonly address?: string;
  /** The id of the request, which the log has as well. */
  readonly request: string;
  /** The HTTP status of the answer. */
  readonly status: number;
  /** The code of the error, where there is one. */
  readonly code?: string;
  /** What was changed, before and after, without secrets; absent where nothing of it was told. */
  readonly before?: unknown;
  readonly after?: unknown;
}

/** Which records are wanted; every condition must hold. */
export interface AuditFilter {
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  readonly target?: string | undefined;
  /** Not older than this, in milliseconds since the epoch. */
  readonly since?: number | undefined;
}

/** The place of a record in the log. */
export type AuditPlace = Pick<AuditRecord, 'at' | 'id'>;

/** Who did what; only ever added to, and cut off at its old end. */
export class AuditRecords {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  async append(record: AuditRecord): Promise<void> {
    const { id, at, actor, action, target, request, status, code } = record;
    await this.#db
      .insertInto('audit')
      .values({
        id,
        at,
        actor,
        action,
        target,
        request,
        address: record.address ?? null,
        outcome: code === undefined ? `${status}` : `${status} ${code}`,
        before: jsonOf(record.before),
        after: jsonOf(record.after),
      })
      .execute();
  }

  /**
   * Newest first.
   * @param older the last record of the page before; absent: from the newest.
   */
  async list(
    filter: AuditFilter,
    page: { readonly limit: number; readonly older?: AuditPlace | undefined },
  ): Promise<readonly AuditRecord[]> {
    const { actor, action, target, since } = filter;
    const { limit, older } = page;
    let query = this.#db.selectFrom('audit').selectAll();
    if (actor !== undefined) query = query.where('actor', '=', actor);
    if (action !== undefined) query = query.where('action', '=', action);
    if (target !== undefined) query = query.where('target', '=', target);
    if (since !== undefined) query = query.where('at', '>=', since);
    if (older !== undefined) {
      const { at, id } = older;
      query = query.where((eb) =>
        eb.or([eb('at', '<', at), eb.and([eb('at', '=', at), eb('id', '<', id)])]),
      );
    }
    const rows = await query.orderBy('at', 'desc').orderBy('id', 'desc').limit(limit).execute();
    return rows.map(recordOf);
  }

  /** Forgets what is older than a moment. @returns how many records that were. */
  async prune(before: number): Promise<number> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('audit')
      .where('at', '<', before)
      .executeTakeFirstOrThrow();
    return Number(numDeletedRows);
  }
}

function jsonOf(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

function recordOf(row: Selectable<Schema['audit']>): AuditRecord {
  const [status, code] = row.outcome.split(' ');
  return {
    id: row.id,
    at: row.at,
    actor: row.actor,
    action: row.action,
    target: row.target,
    request: row.request,
    status: Number(status),
    ...(row.address === null ? {} : { address: row.address }),
    ...(code === undefined ? {} : { code }),
    ...(row.before === null ? {} : { before: JSON.parse(row.before) as unknown }),
    ...(row.after === null ? {} : { after: JSON.parse(row.after) as unknown }),
  };
}
