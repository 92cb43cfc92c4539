import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { berthError } from '../../base/errors.ts';
import { namedDependencies, packageClosure, unpackPackages } from '../system/debian-packages.ts';
import { ARCH_WORDS, machineArch, type MachineArch } from '../system/machine-arch.ts';
import { readElfNeeds } from './elf-file.ts';

const PACKAGE = 'qemu-guest-agent';

/** Debian's agent finds all of its libraries two steps away from it. */
const DEPENDENCY_STEPS_MAX = 6;

export interface GuestAgentOptions {
  readonly arch: MachineArch;
  /** An empty folder to work in; the caller removes it. */
  readonly work: string;
  readonly signal?: AbortSignal;
  readonly progress?: (step: string) => void;
}

/** A program or library, and where it belongs in the guest. */
export interface GuestFile {
  readonly path: string;
  readonly data: Uint8Array;
}

/**
 * Gets QEMU's guest agent with every library that it needs, from the distribution's packages, which
 * are downloaded and unpacked but not installed. What is needed is read from the files themselves:
 * packages are unpacked step by step along their dependencies until every library is there, so that
 * it neither matters what this machine has installed nor what its architecture is.
 * @throws BERTH_COMMAND_FAILED when apt cannot download it, BERTH_UNSUPPORTED when it is incomplete,
 *   BERTH_PACKAGES_NEEDED without apt.
 */
export async function guestAgentFiles(options: GuestAgentOptions): Promise<readonly GuestFile[]> {
  options.progress?.('guest agent package');
  const foreign = options.arch !== machineArch(process.arch);
  const name = foreign ? `${PACKAGE}:${ARCH_WORDS[options.arch].debian}` : PACKAGE;
  const closure = await packageClosure(name, options);
  const root = join(options.work, 'root');
  let step: readonly string[] = [name];
  const seen = new Set<string>();
  for (let steps = 0; steps < DEPENDENCY_STEPS_MAX && step.length > 0; steps++) {
    await unpackPackages(step, { folder: options.work, root }, options);
    const { files, missing } = await gather(root, options.arch);
    if (missing.length === 0) return files;
    for (const done of step) seen.add(done);
    step = (await namedDependencies(step, options)).filter(
      (other) => !seen.has(other) && (closure.get(other) ?? 'all') !== 'all',
    );
  }
  const { missing } = await gather(root, options.arch);
  throw berthError('BERTH_UNSUPPORTED', {
    what: 'a guest with an agent',
    why: `the packages that ${name} depends on do not bring ${missing.join(', ')}`,
  });
}

interface Gathered {
  readonly files: readonly GuestFile[];
  /** Names of libraries that are needed and not there. */
  readonly missing: readonly string[];
}

/** Follows what the program needs through the files that are there so far. */
async function gather(root: string, arch: MachineArch): Promise<Gathered> {
  const there = await codeFiles(root);
  const files: GuestFile[] = [];
  const missing: string[] = [];
  const wanted = new Map([['qemu-ga', 'bin/qemu-ga']]);
  for (const [name, path] of wanted) {
    const source = there.get(name);
    const data = source === undefined ? undefined : await readFile(source);
    const needs = data === undefined ? undefined : readElfNeeds(data, arch);
    if (data === undefined || needs === undefined) {
      missing.push(name);
      continue;
    }
    files.push({ path, data });
    // Debian's loader looks into /lib after the folders of the architecture.
    for (const library of needs.libraries) {
      if (!wanted.has(library)) wanted.set(library, `lib/${library}`);
    }
    if (needs.loader !== undefined) wanted.set(basename(needs.loader), needs.loader.slice(1));
  }
  return { files, missing };
}

/**
 * Programs and libraries below a folder, by name. Links are followed by the name of what they point
 * to: the path of one may be absolute, and would lead to this machine's own files.
 */
async function codeFiles(root: string): Promise<ReadonlyMap<string, string>> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const code = entries.filter((entry) =>
    /^(usr\/)?(s?bin|lib|lib64)(\/|$)/.test(relative(root, entry.parentPath)),
  );
  const files = new Map<string, string>();
  for (const entry of code) {
    if (entry.isFile()) files.set(entry.name, join(entry.parentPath, entry.name));
  }
  for (const entry of code) {
    if (!entry.isSymbolicLink() || files.has(entry.name)) continue;
    const target = files.get(basename(await readlink(join(entry.parentPath, entry.name))));
    if (target !== undefined) files.set(entry.name, target);
  }
  return files;
}
