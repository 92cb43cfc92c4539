import { open, rename, stat } from 'node:fs/promises';
import { hasErrno } from '../system/errno.ts';
import { runCommand } from '../system/run-command.ts';

const MKFS_DEADLINE_MS = 60_000;

/** No journal: the image does not outlive a crash of the machine. Tables are written when used. */
const MKFS_OPTIONS = '-q -t ext4 -m 0 -O ^has_journal -E lazy_itable_init=1,nodiscard'.split(' ');

/**
 * Makes the image of an empty ext4 file system, unless it is there: a sparse file that takes no more
 * than what is written to it.
 * @param bytes size of the file system; whole KiB of it are used.
 * @throws BERTH_PACKAGES_NEEDED, BERTH_COMMAND_FAILED, BERTH_DISK_FULL.
 */
export async function makeHostDisk(path: string, bytes: number): Promise<void> {
  if (await isThere(path)) return;
  const partial = `${path}.partial`;
  await (await open(partial, 'w', 0o600)).close();
  await runCommand(['mke2fs', ...MKFS_OPTIONS, partial, `${Math.floor(bytes / 1024)}k`], {
    deadlineMs: MKFS_DEADLINE_MS,
    writesTo: partial,
    packages: ['e2fsprogs'],
  });
  await rename(partial, path);
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return false;
    throw error;
  }
}
