import { berthError, isBerthError } from '../base/errors.ts';
import { parseIntSet } from '../base/int-set.ts';

/** Texts of sysfs and procfs, by their path below the root: `sys/devices/system/cpu/online`. */
export type FactFiles = Readonly<Record<string, string>>;

/**
 * What to read on a host for its topology: one `*` in a segment stands for any run of characters.
 * Links are followed, what cannot be read is left out. CPU masks stand beside the lists because
 * POWER before Linux 5.9 and every kernel before 2.6.26 has only those.
 */
export const TOPOLOGY_FILES: readonly string[] = [
  'proc/meminfo',
  'sys/devices/system/cpu/online',
  'sys/devices/system/cpu/present',
  'sys/devices/system/cpu/cpu*/online',
  'sys/devices/system/cpu/cpu*/topology/core_id',
  'sys/devices/system/cpu/cpu*/topology/die_id',
  'sys/devices/system/cpu/cpu*/topology/physical_package_id',
  'sys/devices/system/cpu/cpu*/topology/thread_siblings',
  'sys/devices/system/cpu/cpu*/topology/thread_siblings_list',
  'sys/devices/system/cpu/cpu*/cache/index*/id',
  'sys/devices/system/cpu/cpu*/cache/index*/level',
  'sys/devices/system/cpu/cpu*/cache/index*/shared_cpu_list',
  'sys/devices/system/cpu/cpu*/cache/index*/shared_cpu_map',
  'sys/devices/system/node/node*/cpulist',
  'sys/devices/system/node/node*/cpumap',
  'sys/devices/system/node/node*/distance',
  'sys/devices/system/node/node*/meminfo',
  'sys/devices/system/node/node*/hugepages/hugepages-*/free_hugepages',
  'sys/devices/system/node/node*/hugepages/hugepages-*/nr_hugepages',
];

/** What to read on a host for its PCI functions, beside TOPOLOGY_FILES. */
export const PCI_FILES: readonly string[] = [
  'sys/bus/pci/devices/*/class',
  'sys/bus/pci/devices/*/device',
  'sys/bus/pci/devices/*/numa_node',
  'sys/bus/pci/devices/*/vendor',
];

/** What files say of how much is free: true for a moment only. */
const FREE_FILE = /\/free_hugepages$/;
const FREE_LINE = /^.*\b(?:MemFree|HugePages_Free):.*\n?/gm;

/** The same files, without what they say of how much is free: for those that are kept for a while. */
export function withoutFree(files: FactFiles): FactFiles {
  const kept = Object.entries(files).filter(([path]) => !FREE_FILE.test(path));
  return Object.fromEntries(
    kept.map(([path, text]) => [
      path,
      path.endsWith('/meminfo') ? text.replaceAll(FREE_LINE, '') : text,
    ]),
  );
}

/** Looks things up among fact files; what is not there is undefined, what is garbled is an error. */
export class FactTree {
  readonly #files: FactFiles;
  readonly #children = new Map<string, Set<string>>();

  constructor(files: FactFiles) {
    this.#files = files;
    for (const path of Object.keys(files)) {
      for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
        const folder = path.slice(0, end);
        const name = path.slice(end + 1).split('/', 1)[0] ?? '';
        this.#children.set(folder, (this.#children.get(folder) ?? new Set()).add(name));
      }
    }
  }

  /** A file's text without the white space around it. Linux 5.16 ends CPU lists with a NUL byte. */
  text(path: string): string | undefined {
    const text = Object.hasOwn(this.#files, path) ? this.#files[path] : undefined;
    return text?.replace(/[\s\0]+$/, '').trimStart();
  }

  /**
   * A file that holds one whole number, which may be below zero.
   * @throws BERTH_FACTS_INVALID
   */
  integer(path: string): number | undefined {
    const text = this.text(path);
    if (text === undefined || text === '') return undefined;
    if (/^-?\d{1,15}$/.test(text)) return Number(text);
    throw berthError('BERTH_FACTS_INVALID', { fact: path, problem: `"${text}" is no number` });
  }

  /**
   * CPUs from a file with a list, else from one with a mask, ascending.
   * @throws BERTH_FACTS_INVALID
   */
  cpus(listPath: string, maskPath?: string): readonly number[] | undefined {
    const list = this.text(listPath);
    if (list !== undefined) return parseCpuList(list, listPath);
    return maskPath === undefined ? undefined : this.mask(maskPath);
  }

  /**
   * CPUs from a file with a mask, ascending.
   * @throws BERTH_FACTS_INVALID
   */
  mask(path: string): readonly number[] | undefined {
    const text = this.text(path);
    return text === undefined ? undefined : parseCpuMask(text, path);
  }

  /** The names in a folder. */
  names(folder: string): readonly string[] {
    return [...(this.#children.get(folder) ?? [])];
  }

  /** The numbers N of the entries `<prefix>N` in a folder, ascending. */
  numbered(folder: string, prefix: string): readonly number[] {
    return this.names(folder)
      .filter((name) => name.startsWith(prefix) && /^\d{1,7}$/.test(name.slice(prefix.length)))
      .map((name) => Number(name.slice(prefix.length)))
      .toSorted((a, b) => a - b);
  }
}

/**
 * A CPU or cell list from the kernel.
 * @throws BERTH_FACTS_INVALID naming `fact`.
 */
export function parseCpuList(text: string, fact: string): readonly number[] {
  try {
    return parseIntSet(text, fact);
  } catch (error) {
    if (!isBerthError(error, 'BERTH_SPEC_INVALID')) throw error;
    throw berthError(
      'BERTH_FACTS_INVALID',
      { fact, problem: error.data.problem },
      { cause: error },
    );
  }
}

/** The kernel's bitmap form: words of 32 bits in hexadecimal, the highest first. */
function parseCpuMask(text: string, fact: string): readonly number[] {
  const words = text.split(',').toReversed();
  if (!words.every((word) => /^[\da-fA-F]{1,8}$/.test(word))) {
    throw berthError('BERTH_FACTS_INVALID', { fact, problem: `"${text}" is no CPU mask` });
  }
  return words.flatMap((word, index) => {
    const bits = Number.parseInt(word, 16);
    return Array.from({ length: 32 }, (_, bit) => bit)
      .filter((bit) => Math.floor(bits / 2 ** bit) % 2 === 1)
      .map((bit) => index * 32 + bit);
  });
}
