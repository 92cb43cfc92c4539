import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { berthError } from '../../base/errors.ts';
import { KIB } from '../../base/units.ts';
import { buildFolder } from './built-folder.ts';
import { runCommand, type Argv } from './run-command.ts';
import { findProgram, SYSTEM_PATH } from './system-path.ts';

/** Our programs are one small file each; a loaded machine takes a second. */
const COMPILE_DEADLINE_MS = 60_000;
const WORK_BYTES = 512 * KIB;

/** C compilers that do, the best first. The last is 130 KB and makes slower code that does as well. */
export const C_COMPILERS = ['gcc', 'cc', 'clang', 'tcc'] as const;

/** What is said of our C: no warning is tolerated, and no header or start file of the C library used. */
const FLAGS = ['-O2', '-Wall', '-Wextra', '-Werror', '-fPIC'];
/** Words that tcc does not know, or knows without needing them. */
const NOT_FOR_TCC = new Set(['-O2', '-Wextra']);

/** A C source of ours and what is to become of it. */
export interface CSource {
  /** Path of the source file. */
  readonly source: string;
  readonly kind: 'library' | 'program';
}

export interface CompileOptions {
  /** Folder that results are kept in, over runs. */
  readonly dir: string;
  readonly signal?: AbortSignal;
  /** The compiler to take; without it the best that there is. */
  readonly compiler?: string;
}

/**
 * Compiles a C file, or finds what was made of the same text by the same compiler before.
 * @returns the path of the library or program.
 * @throws BERTH_PACKAGES_NEEDED when the machine has no compiler; BERTH_COMMAND_FAILED when it
 *   rejects the source, which it does for warnings too; BERTH_DISK_FULL, BERTH_INTERRUPTED.
 */
export async function compileC(input: CSource, options: CompileOptions): Promise<string> {
  const name = basename(input.source, '.c') + (input.kind === 'library' ? '.so' : '');
  const { program, version } = await findCompiler(options);
  const text = await readFile(input.source);
  const recipe = [program, version, ...flagsFor(program, input.kind)];
  const digest = createHash('sha256').update(text).update(recipe.join('\0')).digest('hex');
  const folder = await buildFolder({
    dir: options.dir,
    name: `${name}-${digest.slice(0, 16)}`,
    what: `the compiled ${basename(input.source)}`,
    workBytes: WORK_BYTES,
    make: async (partial) => {
      const flags = flagsFor(program, input.kind);
      const argv: Argv = [program, ...flags, '-o', join(partial, name), input.source];
      await runCommand(argv, waiting(options, partial));
      return version;
    },
  });
  return join(folder.path, name);
}

function flagsFor(program: string, kind: CSource['kind']): readonly string[] {
  const known =
    basename(program) === 'tcc' ? FLAGS.filter((flag) => !NOT_FOR_TCC.has(flag)) : FLAGS;
  return kind === 'library' ? [...known, '-shared', '-nostdlib'] : known;
}

async function findCompiler(
  options: CompileOptions,
): Promise<{ readonly program: string; readonly version: string }> {
  for (const name of options.compiler === undefined ? C_COMPILERS : [options.compiler]) {
    const program = await findProgram(name);
    if (program === undefined) continue;
    const ask = name === 'tcc' ? '-v' : '--version';
    const { stdout } = await runCommand([program, ask], waiting(options));
    return { program, version: stdout.split('\n')[0]?.trim() ?? '' };
  }
  throw berthError('BERTH_PACKAGES_NEEDED', {
    packages: [options.compiler ?? 'tcc'],
    remedy: 'install a C compiler, the small one tcc will do; on Debian: apt-get install tcc',
  });
}

function waiting({ signal }: CompileOptions, writesTo?: string) {
  return {
    deadlineMs: COMPILE_DEADLINE_MS,
    env: { PATH: SYSTEM_PATH, LC_ALL: 'C' },
    ...(signal === undefined ? {} : { signal }),
    ...(writesTo === undefined ? {} : { writesTo }),
  };
}
