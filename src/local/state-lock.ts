import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { berthError, isBerthError } from '../base/errors.ts';
import { lockFolder } from '../lab/system/folder-lock.ts';
import type { StateFolder } from './state-folder.ts';

/**
 * Keeps every other `up` and `down` away from a state folder until it is disposed of. The lock ends
 * with this process, however that ends; the name of its holder is for the message only.
 * @throws BERTH_BUSY naming the process that has it.
 */
export function lockState({ home, run }: StateFolder): Disposable {
  const holder = join(run, 'lock-holder');
  const lock = takeLock(home, run, holder);
  writeFileSync(holder, `${process.pid}\n`, { mode: 0o600 });
  return {
    [Symbol.dispose]: () => {
      rmSync(holder, { force: true });
      lock[Symbol.dispose]();
    },
  };
}

function takeLock(home: string, run: string, holder: string): Disposable {
  try {
    return lockFolder(run);
  } catch (error) {
    if (!isBerthError(error, 'BERTH_BUSY')) throw error;
    throw berthError(
      'BERTH_BUSY',
      { what: home, holder: `another berth up or down${processIn(holder)} is at work` },
      { cause: error },
    );
  }
}

/** The holder writes its number a moment after it took the lock, so it can be missing. */
function processIn(holder: string): string {
  try {
    const pid = readFileSync(holder, 'utf8').trim();
    return /^\d+$/.test(pid) ? ` (process ${pid})` : '';
  } catch {
    return '';
  }
}
