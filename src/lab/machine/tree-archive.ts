import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { berthError } from '../../base/errors.ts';
import { MIB } from '../../base/units.ts';
import { runCommand } from '../system/run-command.ts';

export const ARCHIVE_BYTES_MAX = 64 * MIB;
/** Recorded trees hold tens of MiB at most; nothing that claims more is unpacked. */
const UNPACKED_BYTES_MAX = 512 * MIB;
/**
 * hwloc records some 60 files of each CPU, which makes this enough for 1,500 CPUs. tar's listing of
 * so many stays below what a command may write.
 */
export const ARCHIVE_ENTRIES_MAX = 100_000;
const TAR_DEADLINE_MS = 120_000;
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
    await runCommand(['tar', '--extract', ...EXTRACTION, '--directory', tree, ...of(archive)], tar);
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

/** A name with a colon is one on another machine to tar, which it would contact. */
function of(archive: string): readonly string[] {
  return ['--force-local', '--file', archive];
}

async function checkArchive(archive: string, options: ArchiveOptions): Promise<void> {
  const { size } = await stat(archive);
  checkLimit(`the archive ${archive}`, size, ARCHIVE_BYTES_MAX);
  const { stdout } = await runCommand(
    ['tar', '--list', '--verbose', '--numeric-owner', ...of(archive)],
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
