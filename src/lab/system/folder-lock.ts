import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { berthError } from '../../base/errors.ts';

/** SQLITE_BUSY: another connection holds the lock (sqlite3.h). */
const BUSY = 5;

/**
 * Takes a folder for one piece of work: nobody else, in this process or another, can take it until
 * it is disposed of. The lock is SQLite's exclusive lock on an empty database in the folder, for
 * that is the way to a kernel lock that Node offers: it ends with the process, however that ends,
 * so there is never a dead holder's lock to judge.
 * @throws BERTH_BUSY while somebody else holds it, or when somebody else has removed it.
 */
export function lockFolder(dir: string): Disposable {
  try {
    const database = openLocked(join(dir, 'lock'));
    return { [Symbol.dispose]: () => database.close() };
  } catch (error) {
    const holder = holderBy(error, dir);
    throw holder === undefined ? error : berthError('BERTH_BUSY', { what: dir, holder });
  }
}

function openLocked(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec('PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Who is in the way; undefined for another failure. */
function holderBy(error: unknown, dir: string): string | undefined {
  if (isBusy(error)) return 'something else is at work there';
  // SQLite says this in several ways, by how far it had come.
  return existsSync(dir) ? undefined : 'something else has removed it';
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === BUSY;
}
