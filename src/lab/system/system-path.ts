import { constants, access } from 'node:fs/promises';
import { join } from 'node:path';
import { berthError } from '../../base/errors.ts';

/** Where system programs are; an ordinary user's own PATH often lacks the sbin folders. */
export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Those of the programs that are nowhere in SYSTEM_PATH. */
export async function missingPrograms(programs: readonly string[]): Promise<readonly string[]> {
  const places = await Promise.all(programs.map(async (program) => findProgram(program)));
  return programs.filter((_, index) => places[index] === undefined);
}

/**
 * Refuses a machine that lacks one of the programs.
 * @param programs each with the Debian package that brings it.
 * @throws BERTH_PACKAGES_NEEDED
 */
export async function requirePrograms(programs: Readonly<Record<string, string>>): Promise<void> {
  const missing = await missingPrograms(Object.keys(programs));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((program) => programs[program] ?? program))];
  throw berthError('BERTH_PACKAGES_NEEDED', {
    packages,
    remedy: `install them; on Debian: apt-get install ${packages.join(' ')}`,
  });
}

/** Where a program is, by SYSTEM_PATH; undefined when it is nowhere. */
export async function findProgram(program: string): Promise<string | undefined> {
  for (const folder of SYSTEM_PATH.split(':')) {
    const path = join(folder, program);
    const there = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (there) return path;
  }
  return undefined;
}
