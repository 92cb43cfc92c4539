import type { Kysely } from 'kysely';
import type { Schema } from './schema.ts';

/** A stretch of a series, packed by whoever keeps it. */
export interface HistoryBlock {
  readonly series: string;
  readonly stepMs: number;
  /** When its first value was there, in milliseconds since the epoch. */
  readonly start: number;
  readonly block: string;
}

/** Rows of one statement: PostgreSQL takes 65,535 values in one, SQLite 32,766. */
const ROWS_AT_ONCE = 500;

/** Measured values over time, in blocks that are opaque here. */
export class HistoryRecords {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  /** Writes blocks, in place of those of the same series, step and start: one that has grown. */
  async put(blocks: readonly HistoryBlock[]): Promise<void> {
    if (blocks.length === 0) return;
    await this.#db.transaction().execute(async (db) => {
      for (let from = 0; from < blocks.length; from += ROWS_AT_ONCE) {
        const rows = blocks.slice(from, from + ROWS_AT_ONCE).map(rowOf);
        await db
          .insertInto('history')
          .values(rows)
          .onConflict((conflict) =>
            conflict
              .columns(['series', 'step_ms', 'start'])
              .doUpdateSet((values) => ({ block: values.ref('excluded.block') })),
          )
          .execute();
      }
    });
  }

  /** The blocks of a series that begin in that time, the oldest first. */
  async read(
    series: string,
    stepMs: number,
    begun: { readonly from: number; readonly to: number },
  ): Promise<readonly HistoryBlock[]> {
    const rows = await this.#db
      .selectFrom('history')
      .selectAll()
      .where('series', '=', series)
      .where('step_ms', '=', stepMs)
      .where('start', '>=', begun.from)
      .where('start', '<=', begun.to)
      .orderBy('start')
      .execute();
    return rows.map((row) => ({
      series: row.series,
      stepMs: row.step_ms,
      start: row.start,
      block: row.block,
    }));
  }

  /** Forgets the blocks of a step that began before. */
  async forget(stepMs: number, before: number): Promise<void> {
    await this.#db
      .deleteFrom('history')
      .where('step_ms', '=', stepMs)
      .where('start', '<', before)
      .execute();
  }
}

function rowOf({ series, stepMs, start, block }: HistoryBlock) {
  return { series, step_ms: stepMs, start, block };
}
