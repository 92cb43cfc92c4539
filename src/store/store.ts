import { Kysely, PostgresDialect } from 'kysely';
import type { Dialect, LogEvent } from 'kysely';
import { Migrator } from 'kysely/migration';
import { berthError, isBerthError } from '../base/errors.ts';
import { AuditRecords } from './audit.ts';
import { ClaimRecords } from './claims.ts';
import { clockBy, POSTGRES_CLOCK, SQLITE_CLOCK } from './clock.ts';
import type { DatabaseClock } from './clock.ts';
import { HistoryRecords } from './history.ts';
import { HostRecords } from './hosts.ts';
import { LeaseRecords } from './leases.ts';
import { OperationRecords } from './operations.ts';
import { FailoverPool } from './postgres-pool.ts';
import { RequestRecords } from './requests.ts';
import { MIGRATIONS } from './schema.ts';
import type { Schema } from './schema.ts';
import { ServerRecords } from './servers.ts';
import { sqliteDialect } from './sqlite-dialect.ts';
import { isPostgresUrl, parsePostgresUrl } from './store-address.ts';
import { TokenRecords } from './tokens.ts';

/** Hears how long the database took to answer, in seconds, and whether it refused. */
type StoreWatch = (seconds: number, hasFailed: boolean) => void;

/**
 * The memory of the servers, in a file of one or in a database that several share. Losing it loses no
 * guest: the hosts are the truth.
 */
export class Store implements AsyncDisposable {
  /** True when other server processes may work on it at the same time. */
  readonly isShared: boolean;
  readonly hosts: HostRecords;
  readonly claims: ClaimRecords;
  readonly operations: OperationRecords;
  readonly servers: ServerRecords;
  readonly leases: LeaseRecords;
  readonly requests: RequestRecords;
  readonly tokens: TokenRecords;
  readonly audit: AuditRecords;
  readonly history: HistoryRecords;
  readonly #db: Kysely<Schema>;

  private constructor(db: Kysely<Schema>, isShared: boolean, clock: DatabaseClock) {
    this.#db = db;
    this.isShared = isShared;
    this.hosts = new HostRecords(db);
    this.claims = new ClaimRecords(db);
    this.operations = new OperationRecords(db);
    this.servers = new ServerRecords(db, clock);
    this.leases = new LeaseRecords(db, clock);
    this.requests = new RequestRecords(db);
    this.tokens = new TokenRecords(db);
    this.audit = new AuditRecords(db);
    this.history = new HistoryRecords(db);
  }

  /**
   * Opens the store, making or upgrading its tables as needed; of several processes that do so at
   * once one does it, and the others wait.
   * @param address a file, `:memory:` for tests, or the URL of a PostgreSQL database.
   * @param watch is told of each answer of the database: how long it took, and whether it failed.
   * @throws BERTH_STORE when it is damaged, newer than this program, or not writable; BERTH_BUSY when
   * another process has the file open; BERTH_DISK_FULL; BERTH_STORE_UNREACHABLE when no server of the
   * database answers within some ten seconds; BERTH_SPEC_INVALID for a URL that is none
   */
  static async open(address: string, watch: StoreWatch = () => {}): Promise<Store> {
    return Store.#open(dialectOf(address), watch);
  }

  /**
   * A store in memory that several servers of one process share as if it were a database of their own.
   * @param now its clock, in milliseconds since the epoch.
   */
  static async inMemory(now: () => number): Promise<Store> {
    const memory = dialectOf(':memory:');
    return Store.#open({ ...memory, isShared: true, clock: clockBy(now) }, () => {});
  }

  static async #open(address: Opening, watch: StoreWatch): Promise<Store> {
    const { dialect, isShared, clock, shown } = address;
    const log = ({ level, queryDurationMillis }: LogEvent): void =>
      watch(queryDurationMillis / 1000, level === 'error');
    const db = new Kysely<Schema>({ dialect, log });
    const migrator = new Migrator({ db, provider: { getMigrations: async () => MIGRATIONS } });
    const error = await migrator.migrateToLatest().then(
      (result) => result.error,
      (failure: unknown) => failure,
    );
    if (error === undefined) return new Store(db, isShared, clock);
    await db.destroy().catch(() => undefined);
    if (isBerthError(error)) throw error;
    const problem = error instanceof Error ? error.message : JSON.stringify(error);
    throw berthError('BERTH_STORE', { path: shown, problem }, { cause: error });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#db.destroy();
  }
}

/** What a store is opened with. */
interface Opening {
  readonly dialect: Dialect;
  readonly isShared: boolean;
  readonly clock: DatabaseClock;
  /** Without a password. */
  readonly shown: string;
}

function dialectOf(address: string): Opening {
  if (!isPostgresUrl(address)) {
    const clock = SQLITE_CLOCK;
    return { dialect: sqliteDialect(address), isShared: false, clock, shown: address };
  }
  const parsed = parsePostgresUrl(address);
  const dialect = new PostgresDialect({ pool: new FailoverPool(parsed) });
  return { dialect, isShared: true, clock: POSTGRES_CLOCK, shown: parsed.shown };
}
