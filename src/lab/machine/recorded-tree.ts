import { lstat, readdir, readFile, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { berthError } from '../../base/errors.ts';
import { MIB } from '../../base/units.ts';
import { PCI_FILES, type FactFiles } from '../../facts/fact-files.ts';
import { hasErrno } from '../system/errno.ts';

/** The most files read of a recorded tree; one of 8,192 CPUs has about this many. */
const RECORDED_FILES_MAX = 400_000;
/** No file of sysfs that is read is larger, but for a CPU list as long as can be. */
const FILE_BYTES_MAX = MIB;
export const RECORDED_BYTES_MAX = 256 * MIB;

/** What is read of a tree: one `*` in a segment stands for any run of characters. */
const RECORDED_FILES: readonly string[] = [
  'proc/cpuinfo',
  'proc/meminfo',
  'sys/devices/system/cpu/*',
  'sys/devices/system/cpu/cpu*/online',
  'sys/devices/system/cpu/cpu*/topology/*',
  'sys/devices/system/cpu/cpu*/cache/index*/*',
  'sys/devices/system/node/*',
  'sys/devices/system/node/node*/*',
  'sys/devices/system/node/node*/hugepages/hugepages-*/*',
  'sys/devices/system/node/node*/memory_side_cache/index*/*',
  'sys/bus/pci/devices/*/local_cpulist',
  'sys/bus/pci/devices/*/local_cpus',
  ...PCI_FILES,
];

/**
 * Reads the files that show a machine from an unpacked tree of /sys and /proc. Links are followed as
 * long as they stay inside; one that leads out, and whatever is no ordinary file, is passed over. So
 * is what goes while it is read, as in the /sys of a machine that runs.
 * @throws BERTH_TOO_LARGE, BERTH_INTERRUPTED.
 */
export async function readRecordedTree(
  root: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<FactFiles> {
  const reader = new TreeReader(await realpath(root), options.signal);
  const files: Record<string, string> = {};
  for (const pattern of RECORDED_FILES) {
    for (const path of await reader.expand(pattern)) {
      const text = await reader.text(path);
      if (text !== undefined) files[path] = text;
    }
  }
  return files;
}

class TreeReader {
  readonly #root: string;
  readonly #signal: AbortSignal | undefined;
  #files = 0;
  #bytes = 0;

  constructor(root: string, signal: AbortSignal | undefined) {
    this.#root = root;
    this.#signal = signal;
  }

  /** The paths that fit a pattern, which need not be files. */
  async expand(pattern: string): Promise<readonly string[]> {
    let found: readonly string[] = [''];
    for (const segment of pattern.split('/')) {
      const [head = '', tail] = segment.split('*');
      const next: string[] = [];
      for (const folder of found) {
        if (tail === undefined) next.push(join(folder, segment));
        else {
          const names = await this.#names(folder);
          const fitting = names.filter((name) => name.startsWith(head) && name.endsWith(tail));
          next.push(...fitting.map((name) => join(folder, name)));
        }
      }
      found = next;
    }
    return found;
  }

  /** Undefined for what is no ordinary file inside the tree. */
  async text(path: string): Promise<string | undefined> {
    if (this.#signal?.aborted === true) {
      throw berthError('BERTH_INTERRUPTED', { what: 'reading a recorded machine' });
    }
    const real = await this.#inside(path);
    if (real === undefined) return undefined;
    const found = await ifReadable(lstat(real));
    if (found?.isFile() !== true || found.size > FILE_BYTES_MAX) return undefined;
    this.#count(found.size);
    return ifReadable(readFile(real, 'utf8'));
  }

  async #names(folder: string): Promise<readonly string[]> {
    const real = await this.#inside(folder);
    if (real === undefined) return [];
    const found = await ifReadable(lstat(real));
    return (found?.isDirectory() === true && (await ifReadable(readdir(real)))) || [];
  }

  /** Where a path really leads, all links followed; undefined outside the tree, or nowhere. */
  async #inside(path: string): Promise<string | undefined> {
    const real = await ifReadable(realpath(join(this.#root, path)));
    const inside = this.#root === sep ? sep : this.#root + sep;
    return real === this.#root || real?.startsWith(inside) === true ? real : undefined;
  }

  #count(bytes: number): void {
    this.#files++;
    this.#bytes += bytes;
    const what = 'a recorded machine';
    if (this.#files > RECORDED_FILES_MAX) {
      const max = RECORDED_FILES_MAX;
      throw berthError('BERTH_TOO_LARGE', { what: `${what} in files`, size: this.#files, max });
    }
    if (this.#bytes > RECORDED_BYTES_MAX) {
      const max = RECORDED_BYTES_MAX;
      throw berthError('BERTH_TOO_LARGE', { what: `${what} in bytes`, size: this.#bytes, max });
    }
  }
}

/** What is not there, or no longer; and what the kernel does not let this user read. */
const ABSENT = ['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'EPERM'];
/** Some files of a live /sys can only be written, or say nothing where they do not apply. */
const SILENT = ['EIO', 'EINVAL', 'ENXIO', 'ENODEV'];

async function ifReadable<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (hasErrno(error, ...ABSENT, ...SILENT)) return undefined;
    throw error;
  }
}
