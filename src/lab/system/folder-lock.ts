import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { berthError } from '../../base/errors.ts';

/** SQLITE_BUSY: another connection holds the lock (sqlite3.h). */
const BUSY = 5;
/** SQLITE_FULL: there is no room for the database's first page. */
const FULL = 13;

/**
 * Takes a folder for one piece of work: nobody else, in this process or another, can take it until
 * it is disposed of. The lock is SQLite's exclusive lock on an empty database in the folder, for
 * that is the way to a kernel lock that Node offers: it ends with the process, however that ends,
 * so there is never a dead holder's lock to judge. A folder that was locked before can be on a full
 * disk too: what makes room there again may have to lock it first.
 * @throws BERTH_BUSY while somebody else holds it, or when somebody else has removed it;
 *   BERTH_DISK_FULL the first time.
 */
export function lockFolder(dir: string): Disposable {
  try {
    const database = openLocked(join(dir, 'lock'));
    return { [Symbol.dispose]: () => database.close() };
  } catch (error) {
    if (hasErrcode(error, FULL)) {
      throw berthError('BERTH_DISK_FULL', { what: 'a lock', path: dir }, { cause: error });
    }
    const holder = holderBy(error, dir);
    throw holder === undefined ? error : berthError('BERTH_BUSY', { what: dir, holder });
  }
}

function openLocked(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec('PRAGMA journal_mode = OFF');
    // A database without a page gets one with each lock, which a full disk has no room for.
    if (statSync(path).size === 0) database.exec('PRAGMA user_version = 1');
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Who is in the way; undefined for another failure. */
function holderBy(error: unknown, dir: string): string | undefined {
  if (hasErrcode(error, BUSY)) return 'something else is at work there';
  // SQLite says this in several ways, by how far it had come.
  return existsSync(dir) ? undefined : 'something else has removed it';
}

function hasErrcode(error: unknown, code: number): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === code;
}
