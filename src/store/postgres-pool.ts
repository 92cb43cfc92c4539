import { setTimeout as wait } from 'node:timers/promises';
import { Pool, types } from 'pg';
import type { PoolClient } from 'pg';
import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely';
import { berthError, isBerthError } from '../base/errors.ts';
import { isCertainlyNotExecuted, isConnectionLost, postgresError } from './postgres-error.ts';
import type { PostgresAddress, PostgresHost } from './store-address.ts';

/** How long connecting to one server of the database may take. */
const CONNECT_MS = 3000;
/** The longest one statement may run, and the longest its answer may take. */
const STATEMENT_MS = 15_000;
const ANSWER_MS = 20_000;
/** A transaction whose process has stopped lets go of what it holds after so long. */
const IDLE_IN_TRANSACTION_MS = 10_000;
/** How long the writable server is looked for, and the pause after each of them was asked. */
const SEARCH_MS = 10_000;
const ROUND_PAUSE_MS = 250;
/** How often a statement that was certainly not executed, or only reads, is sent again. */
const RESENDS = 3;

/** int8 (pg_type.dat): times and terms, all of them exact as numbers. */
const INT8 = 20;

/**
 * The connections to a database that may stand on several servers: each connection leads to the one
 * that can be written to, also after a failover. A statement that met a lost connection is sent
 * again where that can do no harm; otherwise its caller is told.
 */
export class FailoverPool implements PostgresPool {
  readonly options = {};
  readonly #where: string;
  readonly #pools: readonly { readonly host: PostgresHost; readonly pool: Pool }[];
  /** Connections that were found to lead to a writable server. */
  readonly #writable = new WeakSet<PoolClient>();
  /** Connections that are known to have broken. */
  readonly #broken = new WeakSet<PoolClient>();
  /** The server that was writable last. */
  #current = 0;

  /** @param connections how many it holds at most. */
  constructor(address: PostgresAddress, connections: number) {
    this.#where = address.shown;
    this.#pools = address.hosts.map((host) => ({
      host,
      pool: this.#poolOf(address, host, connections),
    }));
  }

  /** @throws BERTH_STORE_UNREACHABLE when no server is writable within some ten seconds; BERTH_STORE */
  async connect(): Promise<PostgresPoolClient> {
    return new Lease(await this.take(), this);
  }

  async end(): Promise<void> {
    await Promise.all(this.#pools.map(async ({ pool }) => pool.end()));
  }

  /** A connection to the writable server. @throws as `connect` */
  async take(): Promise<PoolClient> {
    const deadline = AbortSignal.timeout(SEARCH_MS);
    let failure: unknown;
    while (!deadline.aborted) {
      for (let turn = 0; turn < this.#pools.length; turn++) {
        const index = (this.#current + turn) % this.#pools.length;
        try {
          const client = await this.#takeFrom(index);
          this.#current = index;
          return client;
        } catch (error) {
          failure = postgresError(error, this.#where);
          if (!isBerthError(failure, 'BERTH_STORE_UNREACHABLE')) throw failure;
        }
      }
      await wait(ROUND_PAUSE_MS);
    }
    throw failure;
  }

  /** True when a connection is known to have ended before anything more is sent by it. */
  isBroken(client: PoolClient): boolean {
    return this.#broken.has(client);
  }

  /** A failure as an error of the registry. */
  coded(error: unknown): unknown {
    return postgresError(error, this.#where);
  }

  async #takeFrom(index: number): Promise<PoolClient> {
    const { host, pool } = this.#at(index);
    const client = await pool.connect();
    if (this.#broken.has(client)) {
      client.release(true);
      throw new Error(`the connection to ${host.host} has ended`);
    }
    if (this.#writable.has(client)) return client;
    try {
      const { rows } = await client.query<{ standby: boolean }>(
        "select pg_is_in_recovery() or current_setting('transaction_read_only')::bool as standby",
      );
      if (rows[0]?.standby === false) {
        this.#writable.add(client);
        return client;
      }
    } catch (error) {
      client.release(true);
      throw error;
    }
    client.release(true);
    const reason = `${host.host} is a standby and cannot be written to`;
    throw berthError('BERTH_STORE_UNREACHABLE', { store: this.#where, reason });
  }

  #at(index: number): { readonly host: PostgresHost; readonly pool: Pool } {
    const found = this.#pools[index];
    if (found === undefined) throw new RangeError('there is no server of that number');
    return found;
  }

  #poolOf(address: PostgresAddress, host: PostgresHost, connections: number): Pool {
    const pool = new Pool({
      host: host.host,
      port: host.port,
      ...(address.database === undefined ? {} : { database: address.database }),
      ...(address.user === undefined ? {} : { user: address.user }),
      ...(address.password === undefined ? {} : { password: address.password }),
      ssl: address.ssl(host),
      application_name: 'berth',
      max: connections,
      connectionTimeoutMillis: CONNECT_MS,
      statement_timeout: STATEMENT_MS,
      query_timeout: ANSWER_MS,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
      keepAlive: true,
      types: { getTypeParser: typeParser },
    });
    // An idle connection that breaks is dropped by the pool; whoever needs one opens another.
    pool.on('error', () => undefined);
    pool.on('connect', (client) => {
      client.on('error', () => this.#broken.add(client));
      client.on('end', () => this.#broken.add(client));
    });
    return pool;
  }
}

/** A connection that is lent out, for one statement or one transaction. */
class Lease implements PostgresPoolClient {
  readonly #pool: FailoverPool;
  /** Undefined once it was lost and no other was to be had. */
  #client: PoolClient | undefined;
  /** Statements that were executed: what stands in a transaction cannot be sent elsewhere. */
  #executed = 0;

  constructor(client: PoolClient, pool: FailoverPool) {
    this.#client = client;
    this.#pool = pool;
  }

  query<R>(sql: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>>;
  query(cursor: never): never;
  async query<R>(
    sql: string,
    parameters: readonly unknown[] = [],
  ): Promise<PostgresQueryResult<R>> {
    for (let resends = 0; ; resends++) {
      this.#client ??= await this.#replaced();
      const isUnsent = this.#pool.isBroken(this.#client);
      try {
        // `pg` types rows by its caller's word, as kysely does.
        const result: unknown = await this.#client.query(sql, [...parameters]);
        this.#executed += 1;
        return result as PostgresQueryResult<R>;
      } catch (error) {
        if (isConnectionLost(error)) this.release(true);
        const isHarmless = isUnsent || isCertainlyNotExecuted(error) || isRead(sql);
        const isAgain = this.#client === undefined && isHarmless && this.#executed === 0;
        if (!isAgain || resends >= RESENDS) throw this.#pool.coded(error);
      }
    }
  }

  release(destroy = false): void {
    this.#client?.release(destroy);
    this.#client = undefined;
  }

  /** Another connection in place of one that was lost, unless a transaction went with that. */
  async #replaced(): Promise<PoolClient> {
    if (this.#executed === 0) return this.#pool.take();
    throw this.#pool.coded(new Error('the connection was lost within a transaction'));
  }
}

/** True for statements that change nothing by themselves. */
function isRead(sql: string): boolean {
  return /^(select (?!pg_advisory)|begin$)/.test(sql);
}

function typeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  return oid === INT8
    ? exactNumber
    : (types.getTypeParser(oid, format) as (value: string) => unknown);
}

function exactNumber(text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number)) return number;
  throw berthError('BERTH_RANGE', { what: 'a number in the store', value: text });
}
