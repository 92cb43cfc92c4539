import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';

/**
 * The time now by the clock of the database, in milliseconds since the epoch: all server processes
 * share it, so that what is dated by one is as old for another. Nobody's life depends on it.
 */
export type DatabaseClock = () => RawBuilder<number>;

/** SQLite: its process's clock, which is the only one there is. */
export const SQLITE_CLOCK: DatabaseClock = () =>
  sql<number>`cast(unixepoch('subsec') * 1000 as integer)`;

/** PostgreSQL: the clock of the server, also within a transaction. */
export const POSTGRES_CLOCK: DatabaseClock = () =>
  sql<number>`(extract(epoch from clock_timestamp()) * 1000)::bigint`;

/** A clock that somebody else reads: simulations have one of their own. @param now milliseconds */
export function clockBy(now: () => number): DatabaseClock {
  return () => sql<number>`${sql.lit(now())}`;
}
