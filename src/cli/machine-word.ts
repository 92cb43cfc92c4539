import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { parseMachineShorthand, parseMachineText } from '../api/machine-file.ts';
import { berthError } from '../base/errors.ts';
import { KVM_MACHINES } from '../lab/fleet/lab-host.ts';
import { OWN_MACHINE } from '../lab/fleet/lab.ts';
import type { LabHostWish } from '../lab/fleet/lab.ts';
import { recordedMachine } from '../lab/machine/recorded-machine.ts';
import {
  describedMachine,
  topologyMachine,
  type ShownMachine,
} from '../lab/machine/shown-machine.ts';
import { hasErrno } from '../lab/system/errno.ts';
import { MACHINE_CATALOGUE } from '../model/machine-catalogue.ts';

/** A machine file of the largest machine there is has some 2 MiB. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;

export interface MachineWordOptions {
  /** An existing folder for what has to be unpacked for a moment. */
  readonly scratch: string;
  readonly signal: AbortSignal;
}

/**
 * What a host of a lab is to be, by the word that a person typed: a name of the catalogue, a
 * description (`cores=8,memory=32GiB`), or the path of a machine file, a host as JSON, or a
 * recording; `this` is the machine that it runs on. A name wins over a file of that name; `./NAME`
 * means the file.
 * @throws BERTH_NOT_FOUND for a word that is nothing of it, with the names that there are;
 *   BERTH_SPEC_INVALID for a path where nothing is; and what reading a description, a file or a
 *   recording throws.
 */
export async function machineWish(word: string, options: MachineWordOptions): Promise<LabHostWish> {
  if (word === OWN_MACHINE) return { kind: 'namespace' };
  if (Object.hasOwn(KVM_MACHINES, word)) return { kind: 'kvm', machine: word };
  return { kind: 'namespace', machine: await machineOf(word, options) };
}

async function machineOf(word: string, options: MachineWordOptions): Promise<ShownMachine> {
  const known = MACHINE_CATALOGUE.find(({ name }) => name === word);
  if (known !== undefined) return describedMachine(known, known.description);
  const kind = await kindOfPath(word);
  if (kind === 'machine file') return machineFile(word);
  if (kind === 'recording') return recordedMachine(word, options);
  if (word.includes('=') && !word.includes('/')) {
    return describedMachine({ name: word }, parseMachineShorthand(word));
  }
  throw word.includes('/') ? nothingThere(word) : unknownName(word);
}

function nothingThere(path: string): Error {
  return berthError('BERTH_SPEC_INVALID', {
    where: '--machine',
    problem: `there is no file or folder ${path}`,
    expected: 'a machine file (YAML or JSON), a recording of a machine, or a name without a slash',
  });
}

function unknownName(name: string): Error {
  const known = MACHINE_CATALOGUE.map((machine) => machine.name);
  const all = [OWN_MACHINE, ...known, ...Object.keys(KVM_MACHINES)];
  return berthError('BERTH_NOT_FOUND', { kind: 'machine', name, known: all });
}

async function kindOfPath(path: string): Promise<'machine file' | 'recording' | undefined> {
  try {
    const found = await stat(path);
    return found.isFile() && /\.(ya?ml|json)$/.test(path) ? 'machine file' : 'recording';
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'ENAMETOOLONG')) return undefined;
    throw error;
  }
}

async function machineFile(path: string): Promise<ShownMachine> {
  const { size } = await stat(path);
  if (size > FILE_BYTES_MAX) {
    throw berthError('BERTH_TOO_LARGE', { what: path, size, max: FILE_BYTES_MAX });
  }
  const source = parseMachineText(await readFile(path, 'utf8'), path);
  const name = basename(path).replace(/\.\w+$/, '');
  return source.kind === 'description'
    ? describedMachine({ name }, source.description)
    : topologyMachine({ name }, source.topology);
}
