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
 * @throws BERTH_BUSY while somebody else holds it.
 */
export function lockFolder(dir: string): Disposable {
  const database = new DatabaseSync(join(dir, 'lock'), { timeout: 0 });
  try {
    database.exec('PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (!isBusy(error)) throw error;
    throw berthError('BERTH_BUSY', { what: dir, holder: 'something else is at work there' });
  }
  return { [Symbol.dispose]: () => database.close() };
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === BUSY;
}
