import { existsSync, mkdirSync, renameSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { berthError } from '../../base/errors.ts';
import { parseCpuList, type FactFiles } from '../../facts/fact-files.ts';
import { isDiskFull } from '../system/errno.ts';
import type { ShownMachine } from './shown-machine.ts';

/** Where each part of a shown tree stands in sysfs, and its name in the folder that is bound. */
const PARTS: Readonly<Record<string, string>> = {
  'sys/devices/system/cpu/': 'cpu',
  'sys/devices/system/node/': 'node',
  'sys/bus/pci/devices/': 'pci',
};

/** Files written before anything else may happen; a few milliseconds. */
const FILES_A_TURN = 256;

/**
 * Writes a machine's files as a private host binds them over its own (`sysTree` of
 * `startNamespaceHost`): `cpu` and `node` for /sys/devices/system's, `pci` for /sys/bus/pci/devices.
 * All three folders are made, `pci` empty for a machine without functions.
 *
 * Every file is made in one folder and then moved to its own: ext4 scatters folders over the disk
 * and puts new files beside their folder, which makes thousands of folders with a few files each
 * ten times slower. For the same reason the calls are the synchronous ones, a batch a turn.
 * @param dir an empty folder, or one to be made; after an error the caller removes it.
 * @throws BERTH_FACTS_INVALID for a path that leads out of its folder; then nothing is written.
 * @throws BERTH_DISK_FULL, BERTH_INTERRUPTED.
 */
export async function writeSysTree(
  dir: string,
  { files }: Pick<ShownMachine, 'files'>,
  options: { readonly signal?: AbortSignal } = {},
): Promise<void> {
  const entries = Object.entries(files).flatMap(([path, text]) => {
    const target = targetOf(path, dir);
    return target === undefined ? [] : [{ path: target, text }];
  });
  try {
    await writeAll(entries, dir, options.signal);
    linkCpusOfCells(files, dir);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    const what = 'the files of a machine';
    throw berthError('BERTH_DISK_FULL', { what, path: dir }, { cause: error });
  }
}

/** A file's place in the bound folder; undefined for one of another part of /sys or of /proc. */
function targetOf(path: string, dir: string): string | undefined {
  const part = Object.entries(PARTS).find(([prefix]) => path.startsWith(prefix));
  if (part === undefined) return undefined;
  const folder = join(dir, part[1]);
  const target = join(folder, path.slice(part[0].length));
  if (target.startsWith(folder + sep)) return target;
  const problem = 'its path leads out of the folder that it is written in';
  throw berthError('BERTH_FACTS_INVALID', { fact: path, problem });
}

/**
 * Each cell's folder has its CPUs' too, by links. libvirt counts the sockets and cells of nodeinfo by
 * them (libvirt 9.0, util/virhostcpu.c).
 */
function linkCpusOfCells(files: FactFiles, dir: string): void {
  for (const [path, text] of Object.entries(files)) {
    const cell = /^sys\/devices\/system\/node\/(node\d+)\/cpulist$/.exec(path)?.[1];
    if (cell === undefined) continue;
    for (const cpu of parseCpuList(text.replace(/[\s\0]+$/, ''), path)) {
      const link = join(dir, 'node', cell, `cpu${cpu}`);
      if (!existsSync(link)) symlinkSync(`../../cpu/cpu${cpu}`, link);
    }
  }
}

async function writeAll(
  entries: readonly { readonly path: string; readonly text: string }[],
  dir: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const staging = join(dir, 'staging');
  for (const part of [...Object.values(PARTS), 'staging']) {
    await mkdir(join(dir, part), { recursive: true });
  }
  const folders = new Set<string>();
  for (let start = 0; start < entries.length; start += FILES_A_TURN) {
    if (signal?.aborted === true) {
      throw berthError('BERTH_INTERRUPTED', { what: 'writing the files of a machine' });
    }
    for (const [index, { path, text }] of entries.slice(start, start + FILES_A_TURN).entries()) {
      const folder = dirname(path);
      if (!folders.has(folder)) mkdirSync(folder, { recursive: true });
      folders.add(folder);
      const file = join(staging, `${index}`);
      writeFileSync(file, text);
      renameSync(file, path);
    }
    await nextTurn();
  }
  rmdirSync(staging);
}
