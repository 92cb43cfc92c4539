import { open, stat } from 'node:fs/promises';
import path from 'node:path';
import { berthError } from '../../base/errors.ts';
import type { SimulateFlags } from './flags.ts';

/** Opens a file to be written anew. @throws BERTH_USAGE where it cannot be. */
export async function openOutput(file: string): ReturnType<typeof open> {
  try {
    return await open(file, 'w');
  } catch (cause) {
    throw cannotWrite(file, cause);
  }
}

/** For a name on the command line that nothing can be written to. */
export function cannotWrite(file: string, cause: unknown): Error {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const said = cause instanceof Error ? cause.message : 'it cannot be opened';
  const reason = REASONS[code];
  return berthError(
    'BERTH_USAGE',
    {
      problem: `cannot write ${file === '' ? "''" : file}: ${reason ?? said}`,
      usage: 'name a file in a folder that you may write to',
    },
    reason === undefined ? { cause } : {},
  );
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such folder',
  ENOTDIR: 'what it lies in is a file, no folder',
  EEXIST: 'there is a file where a folder is to be',
  EISDIR: 'it is a folder',
  EACCES: 'you may not write it',
  EPERM: 'you may not write it',
  EROFS: 'the file system is read-only',
  ELOOP: 'its links lead in a circle',
  ENAMETOOLONG: 'the name is too long',
  ENOSPC: 'no space is left there',
};

/**
 * Nothing that is written is what is read, nor written twice, under whatever name.
 * @throws BERTH_USAGE
 */
export async function checkOutputs(flags: SimulateFlags): Promise<void> {
  const { workload, trace, fleet, servers, forecast = [], placements, report } = flags;
  const taken = new Map<string, string>();
  const inputs = { workload, trace, fleet, servers };
  for (const [flag, file] of Object.entries(inputs)) {
    if (file !== undefined && file !== '-') taken.set(await identity(file), `--${flag}`);
  }
  for (const file of forecast) taken.set(await identity(file), '--forecast');
  for (const [flag, file] of Object.entries({ placements, report })) {
    if (file === undefined) continue;
    const page = flag === 'report' ? [path.join(file, 'index.html')] : [];
    for (const written of [file, ...page]) {
      const name = await identity(written);
      const other = taken.get(name);
      if (other !== undefined) {
        throw berthError('BERTH_USAGE', {
          problem: `--${flag} would write over the file of ${other}: ${file}`,
          usage: 'name another file',
        });
      }
      taken.set(name, `--${flag}`);
    }
  }
}

/** One text for all names of a file; what is no file, or not there yet, is told by its path. */
async function identity(file: string): Promise<string> {
  const whole = path.resolve(file);
  try {
    const facts = await stat(file, { bigint: true });
    return facts.isFile() ? `${facts.dev}:${facts.ino}` : whole;
  } catch {
    return whole;
  }
}
