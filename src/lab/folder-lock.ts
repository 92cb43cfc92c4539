import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { berthError } from '../base/errors.ts';
import { hasErrno } from './errno.ts';
import { identifyProcess, isRunning, type ProcessIdentity } from './process-identity.ts';

/** How often a lock that changes hands under our eyes is tried again. */
const ATTEMPTS_MAX = 10;

/**
 * Takes a folder for this process alone: the file `lock` in it names the holder. A holder that has
 * died, however suddenly, holds no longer. Dispose to give it back.
 * @throws BERTH_BUSY while another process, or another part of this one, holds it.
 */
export async function lockFolder(dir: string): Promise<AsyncDisposable> {
  const path = join(dir, 'lock');
  const own = await identifyProcess(process.pid);
  const draft = `${path}.${process.pid}-${(drafts += 1)}`;
  await writeFile(draft, JSON.stringify(own), { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      if (await linkIfFree(draft, path)) {
        return { [Symbol.asyncDispose]: async () => unlink(path) };
      }
      const text = await readIfThere(path);
      const holder = parseIdentity(text);
      if (holder !== undefined && (await isRunning(holder))) throw busy(dir, holder);
      if (text !== undefined) await removeStale(path, draft, text);
    }
    throw berthError('BERTH_BUSY', { what: dir, holder: 'others keep taking it' });
  } finally {
    await unlink(draft);
  }
}

/** True while a living process holds the folder. */
export async function isFolderLocked(dir: string): Promise<boolean> {
  const holder = parseIdentity(await readIfThere(join(dir, 'lock')));
  return holder !== undefined && (await isRunning(holder));
}

let drafts = 0;

function busy(dir: string, holder: ProcessIdentity): Error {
  return berthError('BERTH_BUSY', { what: dir, holder: `process ${holder.pid} is at work there` });
}

/** A link appears whole, with its content: nobody ever reads half a lock. */
async function linkIfFree(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (hasErrno(error, 'EEXIST')) return false;
    throw error;
  }
}

/**
 * Moves a dead holder's lock away, so that of two who found it dead only one removes it; the lock
 * that a third took meanwhile is put back.
 */
async function removeStale(path: string, draft: string, seen: string): Promise<void> {
  const aside = `${draft}.stale`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return;
    throw error;
  }
  if ((await readIfThere(aside)) !== seen) await linkIfFree(aside, path);
  await unlink(aside);
}

function parseIdentity(text: string | undefined): ProcessIdentity | undefined {
  try {
    return JSON.parse(text ?? '') as ProcessIdentity; // written by this very file, whole
  } catch {
    return undefined;
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}
