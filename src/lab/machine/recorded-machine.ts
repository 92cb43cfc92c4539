import { lstat, readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { berthError } from '../../base/errors.ts';
import { MIB } from '../../base/units.ts';
import { completeSysTree } from '../../facts/complete-sys-tree.ts';
import { cpuinfoArch } from '../../facts/cpuinfo-arch.ts';
import { readHostTopology } from '../../facts/host-topology.ts';
import { readHwlocXml } from '../../facts/hwloc-xml.ts';
import { hasErrno } from '../system/errno.ts';
import { readRecordedTree } from './recorded-tree.ts';
import { topologyMachine, type ShownMachine } from './shown-machine.ts';
import { withArchive, type ArchiveOptions } from './tree-archive.ts';

/** An export of a machine with thousands of CPUs is a few MiB. */
const XML_BYTES_MAX = 32 * MIB;

const FORMS =
  'an unpacked tree with sys/devices/system, a .tar.* archive of one, or an lstopo .xml';

/**
 * A machine that somebody recorded, in one of the forms that hwloc's tools write: a folder with
 * /sys and /proc of the machine in it (or in its only folder), an archive of such a folder (`.tar`,
 * `.tar.gz`, `.tar.bz2`, `.tar.xz`; hwloc-gather-topology), or what `lstopo FILE.xml` writes, which
 * may be compressed (`.xml.gz`).
 * @throws BERTH_SPEC_INVALID when there is no such thing at `path`, BERTH_FACTS_INVALID or
 *   BERTH_XML_INVALID when it cannot be read as a machine, BERTH_TOO_LARGE, BERTH_INTERRUPTED,
 *   BERTH_DISK_FULL, and what running tar may throw.
 */
export async function recordedMachine(
  path: string,
  options: ArchiveOptions,
): Promise<ShownMachine> {
  const kind = await kindOf(path);
  const name = basename(path).replace(/(\.lstopo)?\.(xml|tar)(\.\w+)?$/, '');
  switch (kind) {
    case 'xml':
      return exportedMachine(path, name);
    case 'archive':
      return withArchive(path, options, async (folder) =>
        treeMachine(folder, { path, name }, options),
      );
    case 'tree':
      return treeMachine(path, { path, name }, options);
  }
}

async function kindOf(path: string): Promise<'xml' | 'archive' | 'tree'> {
  const found = await statIfThere(path);
  if (found === undefined) throw noMachine(path, 'there is no such file or folder');
  if (found.isDirectory()) return 'tree';
  if (found.isFile() && /\.xml(\.gz)?$/.test(path)) return 'xml';
  if (found.isFile() && /\.(tar(\.\w{1,4})?|tgz|tbz2?|txz)$/.test(path)) return 'archive';
  throw noMachine(path, 'it is in no form that is known');
}

async function exportedMachine(path: string, name: string): Promise<ShownMachine> {
  const { size } = await stat(path);
  if (size > XML_BYTES_MAX) throw tooLarge(path, size);
  const bytes = await readFile(path);
  const plain = path.endsWith('.gz') ? await unzip(bytes, path) : bytes;
  const { topology, unknown } = readHwlocXml(plain.toString('utf8'), path);
  return topologyMachine({ name, title: `${name}, exported by lstopo` }, topology, unknown);
}

async function unzip(bytes: Buffer, path: string): Promise<Buffer> {
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: XML_BYTES_MAX });
  } catch (error) {
    if (hasErrno(error, 'ERR_BUFFER_TOO_LARGE')) throw tooLarge(path, XML_BYTES_MAX + 1);
    throw noMachine(path, 'it is no gzip file', error);
  }
}

async function treeMachine(
  folder: string,
  { path, name }: { readonly path: string; readonly name: string },
  options: ArchiveOptions,
): Promise<ShownMachine> {
  const root = await treeRoot(folder);
  if (root === undefined) throw noMachine(path, 'there is no sys/devices/system/cpu in it');
  const { 'proc/cpuinfo': cpuinfo = '', ...recorded } = await readRecordedTree(root, options);
  const files = completeSysTree(recorded);
  const arch = cpuinfoArch(cpuinfo);
  const reading = readHostTopology({ files, ...(arch === undefined ? {} : { arch }) });
  return { name, title: `${name}, recorded`, files, ...reading };
}

/** The folder itself, or its only one. */
async function treeRoot(folder: string): Promise<string | undefined> {
  for (const candidate of [folder, ...(await onlyFolder(folder))]) {
    const found = await statIfThere(join(candidate, 'sys/devices/system/cpu'));
    if (found?.isDirectory() === true) return candidate;
  }
  return undefined;
}

/** A link is none: it would make a part of this machine pass for what was recorded. */
async function onlyFolder(folder: string): Promise<readonly string[]> {
  const [only, ...others] = await readdir(folder);
  if (only === undefined || others.length > 0) return [];
  const candidate = join(folder, only);
  return (await lstat(candidate)).isDirectory() ? [candidate] : [];
}

async function statIfThere(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

function noMachine(path: string, problem: string, cause?: unknown): Error {
  const data = { where: path, problem, expected: FORMS };
  return berthError('BERTH_SPEC_INVALID', data, { cause });
}

function tooLarge(path: string, size: number): Error {
  return berthError('BERTH_TOO_LARGE', { what: path, size, max: XML_BYTES_MAX });
}
