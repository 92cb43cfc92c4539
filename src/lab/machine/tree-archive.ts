import { mkdtemp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { berthError } from '../../base/errors.ts';
import { MIB } from '../../base/units.ts';
import { runCommand } from '../system/run-command.ts';
import { RECORDED_FILES_MAX } from './recorded-tree.ts';

export const ARCHIVE_BYTES_MAX = 64 * MIB;
/** Recorded trees hold tens of MiB at most; nothing that claims more is unpacked. */
const UNPACKED_BYTES_MAX = 512 * MIB;
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
 * refused before anything is written. Names that lead out of the folder are tar's to refuse.
 * @throws BERTH_TOO_LARGE, BERTH_SPEC_INVALID; what runCommand does for tar; and what `use` does.
 */
export async function withArchive<T>(
  archive: string,
  options: ArchiveOptions,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  await checkArchive(archive, options);
  const folder = await mkdtemp(join(options.scratch, 'machine-'));
  const tar = tarOptions(options, folder);
  try {
    await runCommand(
      ['tar', '--extract', '--no-same-owner', '--directory', folder, '--file', archive],
      tar,
    );
    return await use(folder);
  } finally {
    // Folders come out of the archive read-only, which keeps an ordinary user from removing them.
    const { signal: _, ...unstoppable } = tar;
    await runCommand(['chmod', '--recursive', 'u+rwX', folder], unstoppable);
    await rm(folder, { recursive: true, force: true });
  }
}

async function checkArchive(archive: string, options: ArchiveOptions): Promise<void> {
  const { size } = await stat(archive);
  checkLimit(`the archive ${archive}`, size, ARCHIVE_BYTES_MAX);
  const { stdout } = await runCommand(
    ['tar', '--list', '--verbose', '--numeric-owner', '--file', archive],
    tarOptions(options, options.scratch),
  );
  const lines = stdout.split('\n').filter(Boolean);
  checkLimit(`the entries of ${archive}`, lines.length, RECORDED_FILES_MAX);
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
