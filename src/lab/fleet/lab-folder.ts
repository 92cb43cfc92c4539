import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { berthError } from '../../base/errors.ts';
import { hasErrno } from '../system/errno.ts';

/** The folder of all labs of a home. */
function labsFolder(home: string): string {
  return join(home, 'lab');
}

/**
 * The folder of a lab. Names of labs become names of hosts, `NAME-N`, and folders.
 * @throws BERTH_SPEC_INVALID for a name that cannot be either.
 */
export function labFolder(home: string, name: string): string {
  if (!/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/.test(name)) {
    throw berthError('BERTH_SPEC_INVALID', {
      where: 'name of the lab',
      problem: `"${name}" cannot be part of a hostname`,
      expected: 'at most 32 small letters, digits and "-", which is neither first nor last',
    });
  }
  return join(labsFolder(home), name);
}

/** The folder for what is built once for all labs of a home. */
export function cacheOf(home: string): string {
  return join(home, 'cache');
}

/** Names of the labs of a home, running or not, in order. @throws BERTH_PERMISSION. */
export async function labNames(home: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(labsFolder(home), { withFileTypes: true });
    const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
    return folders.map((entry) => entry.name).toSorted();
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return [];
    if (!hasErrno(error, 'EACCES')) throw error;
    const remedy = 'run as the user it belongs to, or name a folder of your own in BERTH_HOME';
    throw berthError(
      'BERTH_PERMISSION',
      { what: labsFolder(home), reason: 'this user may not look into it', remedy },
      { cause: error },
    );
  }
}

/** Makes the folder of a lab, which only its owner can look into. */
export async function makeLabFolder(home: string, name: string): Promise<string> {
  const dir = labFolder(home, name);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  return dir;
}

/**
 * Removes the folder of a lab. It is moved aside first, so that at its name it is there whole or not
 * at all.
 */
export async function removeLabFolder(home: string, dir: string): Promise<void> {
  await rename(dir, join(labsFolder(home), `${GONE}${basename(dir)}-${randomUUID()}`));
  await removeLeftovers(home);
}

/** Removes what is left of folders that were being removed; the folder of all labs with the last. */
export async function removeLeftovers(home: string): Promise<void> {
  const labs = labsFolder(home);
  try {
    for (const name of await readdir(labs)) {
      if (name.startsWith(GONE)) await rm(join(labs, name), { recursive: true, force: true });
    }
    await rmdir(labs);
  } catch (error) {
    if (!hasErrno(error, 'ENOTEMPTY', 'ENOENT')) throw error;
  }
}

/** What folders begin with whose labs have ended; no lab's name does. */
const GONE = '.gone-';

/** In a lab's folder: what its hosts see as /etc/hosts. */
export const LAB_HOSTS_FILE = 'hosts';

/** In a lab's folder: what its clients see as /etc/ssh. */
export const LAB_SSH_CONFIG = 'ssh/etc';

/** In a lab's folder, the certificate authorities; in a host's configuration, what they signed. */
export const LAB_PKI = { libvirtd: 'pki', qemu: 'pki-qemu' } as const;

/** The folder of one host of a lab: short, for the socket in it has a path of 107 bytes at most. */
export function labHostFolder(labDir: string, index: number): string {
  return join(labDir, 'h', `${index}`);
}

/** What a lab's host is called. */
export function labHostName(lab: string, index: number): string {
  return `${lab}-${index}`;
}
