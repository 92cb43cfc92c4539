import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { berthError, isBerthError } from '../../base/errors.ts';
import { MIB } from '../../base/units.ts';
import { runCommand, type CommandOptions, type CommandOutput } from '../system/run-command.ts';

export const ARCHIVE_BYTES_MAX = 64 * MIB;
/** Recorded trees hold tens of MiB at most; nothing that claims more is unpacked. */
const UNPACKED_BYTES_MAX = 512 * MIB;
/**
 * hwloc records some 60 files of each CPU, which makes this enough for 1,500 CPUs. tar's listing of
 * so many stays below what a command may write.
 */
export const ARCHIVE_ENTRIES_MAX = 100_000;
const TAR_DEADLINE_MS = 120_000;
/** How much of what tar says is told. */
const TAR_WORDS_MAX = 200;
const TAR_PACKAGES = ['tar', 'bzip2', 'xz-utils'];

export interface ArchiveOptions {
  /** A folder for a temporary one. */
  readonly scratch: string;
  readonly signal?: AbortSignal;
}

/**
 * Unpacks a tar archive, however it is compressed, into a temporary folder for as long as `use`
 * takes. What it holds is looked at first: names and sizes beyond the limits, and device nodes, are
 * refused before anything is written. Names that lead out of the folder are tar's to refuse. Nobody
 * else can reach what is unpacked, whatever modes the archive gives to itself and its files.
 * @throws BERTH_TOO_LARGE, BERTH_SPEC_INVALID; what runCommand does for tar; and what `use` does.
 */
export async function withArchive<T>(
  archive: string,
  options: ArchiveOptions,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  await checkArchive(archive, options);
  // An archive can set the mode of the folder that it is unpacked in, but not of the one around it.
  const folder = await mkdtemp(join(options.scratch, 'machine-'));
  const tree = join(folder, 'tree');
  const tar = tarOptions(options, folder);
  try {
    await mkdir(tree);
    await runTar(archive, ['--extract', ...EXTRACTION, '--directory', tree], tar);
    return await use(tree);
  } finally {
    // Folders come out of the archive read-only, which keeps an ordinary user from removing them.
    const { signal: _, ...unstoppable } = tar;
    await runCommand(['chmod', '--recursive', 'u+rwX', folder], unstoppable);
    await rm(folder, { recursive: true, force: true });
  }
}

/** As root tar would give files the owners and modes that the archive tells. */
const EXTRACTION = ['--no-same-owner', '--no-same-permissions', '--no-overwrite-dir'];

/**
 * Runs tar on an archive. A name with a colon would be one on another machine, which it would contact.
 * @throws BERTH_SPEC_INVALID when tar cannot read it; what runCommand does for any other failure.
 */
async function runTar(
  archive: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandOutput> {
  try {
    return await runCommand(['tar', ...args, '--force-local', '--file', archive], options);
  } catch (error) {
    if (!isBerthError(error, 'BERTH_COMMAND_FAILED')) throw error;
    // The first words are of the program that unpacks, whose status tar hands on.
    const words = error.data.output.replaceAll(/[^\x20-\x7e]+/g, ' ');
    const problem = `tar cannot read all of it: ${words.slice(0, TAR_WORDS_MAX)}`;
    const expected = 'a whole tar archive, compressed by gzip, bzip2, xz or not at all';
    throw berthError('BERTH_SPEC_INVALID', { where: archive, problem, expected }, { cause: error });
  }
}

async function checkArchive(archive: string, options: ArchiveOptions): Promise<void> {
  const { size } = await stat(archive);
  checkLimit(`the archive ${archive}`, size, ARCHIVE_BYTES_MAX);
  const { stdout } = await runTar(
    archive,
    ['--list', '--verbose', '--numeric-owner'],
    tarOptions(options, options.scratch),
  );
  const lines = stdout.split('\n').filter(Boolean);
  checkLimit(`the entries of ${archive}`, lines.length, ARCHIVE_ENTRIES_MAX);
  let bytes = 0;
  for (const line of lines) {
    const entry = /^([-dlh])\S+\s+\d+\/\d+\s+(\d+)\s/.exec(line);
    if (entry === null) {
      throw berthError('BERTH_SPEC_INVALID', {
        where: archive,
        problem: `it holds something else than files, folders and links: ${line.slice(0, 120)}`,
        expected: 'a recorded tree of /sys and /proc',
      });
    }
    bytes += Number(entry[2]);
  }
  checkLimit(`what ${archive} unpacks to`, bytes, UNPACKED_BYTES_MAX);
}

function checkLimit(what: string, size: number, max: number): void {
  if (size > max) throw berthError('BERTH_TOO_LARGE', { what, size, max });
}

function tarOptions({ signal }: ArchiveOptions, writesTo: string) {
  return {
    deadlineMs: TAR_DEADLINE_MS,
    packages: TAR_PACKAGES,
    writesTo,
    ...(signal === undefined ? {} : { signal }),
  };
}
