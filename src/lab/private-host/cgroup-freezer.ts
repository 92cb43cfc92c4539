import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrno } from '../system/errno.ts';
import { readIfThere } from '../system/read-if-there.ts';

/** The means to freeze a cgroup with all below it. */
export interface Freezer {
  set(frozen: boolean): Promise<void>;
  isSet(): Promise<boolean>;
}

/**
 * In v1 there is a hierarchy for it (cgroup-v1/freezer-subsystem.rst of the kernel); in v2 every
 * cgroup has a switch, and its events tell when all of it has stopped (cgroup-v2.rst). Undefined
 * where none of the cgroups has either.
 */
export async function findFreezer(cgroups: readonly string[]): Promise<Freezer | undefined> {
  for (const path of cgroups) {
    const v1 = join(path, 'freezer.state');
    if ((await readIfThere(v1)) !== undefined) {
      return {
        set: async (frozen) => writeUnlessGone(v1, frozen ? 'FROZEN' : 'THAWED'),
        isSet: async () => ((await readIfThere(v1)) ?? '').trim() === 'FROZEN',
      };
    }
    const events = join(path, 'cgroup.events');
    if ((await readIfThere(events)) !== undefined) {
      return {
        set: async (frozen) => writeUnlessGone(join(path, 'cgroup.freeze'), frozen ? '1' : '0'),
        isSet: async () => /^frozen 1$/m.test((await readIfThere(events)) ?? ''),
      };
    }
  }
  return undefined;
}

/**
 * Lets the processes in these cgroups go on, for those of them that are frozen. To be called when
 * they have been killed: a frozen process of cgroup v1 ends only when it goes on.
 */
export async function thawCgroups(cgroups: readonly string[]): Promise<void> {
  await (await findFreezer(cgroups))?.set(false);
}

/** A cgroup goes with its last process. */
async function writeUnlessGone(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (error) {
    if (!hasErrno(error, 'ENOENT', 'ENODEV')) throw error;
  }
}
