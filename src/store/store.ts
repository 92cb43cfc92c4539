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
import { OperationNews } from './operation-news.ts';
import { OperationRecords } from './operations.ts';
import { FailoverPool } from './postgres-pool.ts';
import { RequestRecords } from './requests.ts';
import { MIGRATIONS } from './schema.ts';
import type { Schema } from './schema.ts';
import { ServerRecords } from './servers.ts';
import { sqliteDialect } from './sqlite-dialect.ts';
import { isPostgresUrl, parsePostgresUrl } from './store-address.ts';
import { TokenRecords } from './tokens.ts';

/** Connections that one server process holds: statements are short, and the database has few. */
const CONNECTIONS = 4;

/** Hears how long the database took to answer, in seconds, and whether it refused. */
type StoreWatch = (seconds: number, hasFailed: boolean) => void;

/**
 * The memory of the servers, in a file of one or in a database that several share. Losing it loses no
 * guest: the hosts are the truth.
 */
export class Store implements AsyncDisposable {
  /** True when other server processes may work on it at the same time. */
  readonly isShared: boolean;
  /** Where it is, as errors and logs name it: without a password. */
  readonly shown: string;
  readonly hosts: HostRecords;
  readonly claims: ClaimRecords;
  readonly operations: OperationRecords;
  readonly operationNews: OperationNews;
  readonly servers: ServerRecords;
  readonly leases: LeaseRecords;
  readonly requests: RequestRecords;
  readonly tokens: TokenRecords;
  readonly audit: AuditRecords;
  readonly history: HistoryRecords;
  readonly #db: Kysely<Schema>;
  /** For saying that a server is alive: it must not wait behind other work. */
  readonly #beats: Kysely<Schema>;

  private constructor(
    db: Kysely<Schema>,
    beats: Kysely<Schema>,
    { isShared, clock, shown }: Pick<Opening, 'isShared' | 'clock' | 'shown'>,
  ) {
    this.#db = db;
    this.#beats = beats;
    this.isShared = isShared;
    this.shown = shown;
    this.hosts = new HostRecords(db);
    this.claims = new ClaimRecords(db);
    this.operations = new OperationRecords(db, clock);
    this.operationNews = new OperationNews(db, clock);
    this.servers = new ServerRecords(beats, clock);
    this.leases = new LeaseRecords(beats);
    this.requests = new RequestRecords(db, clock);
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
    const { dialect, beatDialect, shown } = address;
    const log = ({ level, queryDurationMillis }: LogEvent): void =>
      watch(queryDurationMillis / 1000, level === 'error');
    const db = new Kysely<Schema>({ dialect, log });
    const migrator = new Migrator({ db, provider: { getMigrations: async () => MIGRATIONS } });
    const error = await migrator.migrateToLatest().then(
      (result) => result.error,
      (failure: unknown) => failure,
    );
    if (error === undefined) {
      const beats = beatDialect && new Kysely<Schema>({ dialect: beatDialect, log });
      return new Store(db, beats ?? db, address);
    }
    await db.destroy().catch(() => undefined);
    if (isBerthError(error)) throw error;
    const problem = error instanceof Error ? error.message : JSON.stringify(error);
    throw berthError('BERTH_STORE', { path: shown, problem }, { cause: error });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#db.destroy();
    if (this.#beats !== this.#db) await this.#beats.destroy();
  }
}

/** What a store is opened with. */
interface Opening {
  readonly dialect: Dialect;
  /** A connection of its own for saying that a server is alive. */
  readonly beatDialect?: Dialect;
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
  const over = (connections: number): Dialect =>
    new PostgresDialect({ pool: new FailoverPool(parsed, connections) });
  return {
    dialect: over(CONNECTIONS),
    beatDialect: over(1),
    isShared: true,
    clock: POSTGRES_CLOCK,
    shown: parsed.shown,
  };
}
