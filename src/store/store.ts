import { Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';
import { berthError, isBerthError } from '../base/errors.ts';
import { ClaimRecords } from './claims.ts';
import { HostRecords } from './hosts.ts';
import { OperationRecords } from './operations.ts';
import { MIGRATIONS } from './schema.ts';
import type { Schema } from './schema.ts';
import { sqliteDialect } from './sqlite-dialect.ts';

/** The server's memory. Losing it loses no guest: the hosts are the truth. */
export class Store implements AsyncDisposable {
  readonly hosts: HostRecords;
  readonly claims: ClaimRecords;
  readonly operations: OperationRecords;
  readonly #db: Kysely<Schema>;

  private constructor(db: Kysely<Schema>) {
    this.#db = db;
    this.hosts = new HostRecords(db);
    this.claims = new ClaimRecords(db);
    this.operations = new OperationRecords(db);
  }

  /**
   * Opens the embedded store, making or upgrading it as needed.
   * @param path a file, or `:memory:` for tests.
   * @throws BERTH_STORE when the file is damaged, newer than this program, or not writable;
   * BERTH_BUSY when another process has it open; BERTH_DISK_FULL
   */
  static async open(path: string): Promise<Store> {
    const db = new Kysely<Schema>({ dialect: sqliteDialect(path) });
    const migrator = new Migrator({ db, provider: { getMigrations: async () => MIGRATIONS } });
    const error = await migrator.migrateToLatest().then(
      (result) => result.error,
      (failure: unknown) => failure,
    );
    if (error === undefined) return new Store(db);
    await db.destroy().catch(() => undefined);
    if (isBerthError(error)) throw error;
    const problem = error instanceof Error ? error.message : JSON.stringify(error);
    throw berthError('BERTH_STORE', { path, problem }, { cause: error });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#db.destroy();
  }
}
