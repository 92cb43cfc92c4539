import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { DatabaseClock } from './clock.ts';
import type { OperationRecord, OperationState } from './operations.ts';
import type { Schema } from './schema.ts';

/** How an operation stands, as far as those who follow many of them need it. */
export type OperationStanding = Pick<
  OperationRecord,
  | 'id'
  | 'kind'
  | 'vm'
  | 'vmUuid'
  | 'host'
  | 'state'
  | 'steps'
  | 'done'
  | 'revision'
  | 'token'
  | 'labels'
>;

/** The operations that were changed since a moment, and the moment to ask from the next time. */
interface NewsOfOperations {
  readonly changed: readonly OperationStanding[];
  /** By the clock of the database. */
  readonly at: number;
}

/**
 * A change is dated when it is written, and seen when that is committed: one that took less than this
 * is not missed by whoever asks from the time of its last question.
 */
const COMMIT_MS = 5000;

/** What the servers on one store write into the journal, for those who follow all of it. */
export class OperationNews {
  readonly #db: Kysely<Schema>;
  readonly #clock: DatabaseClock;

  constructor(db: Kysely<Schema>, clock: DatabaseClock) {
    this.#db = db;
    this.#clock = clock;
  }

  /**
   * What servers but that one have changed, in the order in which they did. Some of it was told the
   * last time: whoever asks knows it by its revision.
   * @param since `at` of the last answer; absent, or later than now where the database's clock was
   * put back: from now on.
   */
  async listSince(since: number | undefined, except: string): Promise<NewsOfOperations> {
    const at = await this.#now();
    const rows = await this.#db
      .selectFrom('operations')
      .select(['vm_uuid', 'token', 'labels'])
      .select(['id', 'kind', 'vm', 'host', 'state', 'steps', 'done', 'revision'])
      .where('changed_at', '>=', Math.min(since ?? at, at) - COMMIT_MS)
      .where(sql.ref('server'), 'is distinct from', except)
      .orderBy('changed_at')
      .orderBy('revision')
      .execute();
    const changed = rows.map(({ vm_uuid: vmUuid, host, state, steps, token, labels, ...row }) => ({
      ...row,
      vmUuid,
      ...(token === null ? {} : { token }),
      ...(labels === null ? {} : { labels: JSON.parse(labels) as Record<string, string> }),
      ...(host === null ? {} : { host }),
      // Written by `OperationRecords` from the same types.
      state: state as OperationState,
      steps: JSON.parse(steps) as readonly string[],
    }));
    return { changed, at };
  }

  async #now(): Promise<number> {
    const { at } = await this.#db.selectNoFrom(this.#clock().as('at')).executeTakeFirstOrThrow();
    return at;
  }
}
