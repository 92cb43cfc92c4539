import { berthError } from '../base/errors.ts';
import { parseSize } from '../base/units.ts';
import { labFolder } from '../lab/fleet/lab-folder.ts';
import { LAB_HOSTS_MAX } from '../lab/fleet/lab-network.ts';
import type { LabUpOptions, WorkOptions } from './lab-port.ts';

/** The flags of `lab up` that say what lab is wanted, as they were typed. */
export interface LabUpFlags {
  readonly hosts?: string;
  readonly machine?: readonly string[];
  readonly name: string;
  readonly disk?: string;
  readonly pages?: string;
}

/** How many 2 MiB pages may be asked for: 2 TiB, more than a machine with a lab on it has. */
const PAGES_MAX = 1_048_576;

/**
 * The lab of a home that the flags mean. Machines are dealt out to the hosts in turn, beginning again when
 * all have had theirs; without a number of hosts there is one for each machine, or one. Without
 * either it is the lab that is there already.
 * @throws BERTH_SPEC_INVALID naming the flag.
 */
export function labRequest(flags: LabUpFlags, home: string): Omit<LabUpOptions, keyof WorkOptions> {
  const { name, machine: words = [], disk, pages } = flags;
  labFolder(home, name); // refuses a name that no folder can have
  // What says nothing of hosts means those that are there; a disk is one of a host's properties.
  const plain = flags.hosts === undefined && words.length === 0 && disk === undefined;
  const hosts = hostCount(flags.hosts, words.length);
  if (words.length > hosts) {
    const problem = `${words.length} machines for ${hosts} ${hosts === 1 ? 'host' : 'hosts'}`;
    throw invalid('--machine', problem, 'no more machines than hosts');
  }
  if (words.includes('')) throw invalid('--machine', 'it is empty', MACHINE_WORDS);
  return {
    name,
    ...(plain ? {} : { hosts }),
    machines: words.length === 0 ? [] : dealt(words, hosts),
    ...(disk === undefined ? {} : { disk: parseSize(disk, '--disk') }),
    ...(pages === undefined ? {} : { pages: wholeNumber('--pages', pages, PAGES_MAX) }),
  };
}

const MACHINE_WORDS =
  'a name of the catalogue (see: berth lab machines), a description, or the path of a file';

function hostCount(text: string | undefined, machines: number): number {
  if (text !== undefined) return wholeNumber('--hosts', text, LAB_HOSTS_MAX);
  if (machines <= LAB_HOSTS_MAX) return Math.max(1, machines);
  throw invalid('--machine', `${machines} machines`, `at most ${LAB_HOSTS_MAX}, one for each host`);
}

function dealt(words: readonly string[], hosts: number): readonly string[] {
  return Array.from({ length: hosts }, (_, index) => words[index % words.length] ?? '');
}

function wholeNumber(flag: string, text: string, max: number): number {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= max) return number;
  throw invalid(flag, `"${text}" will not do`, `a whole number from 1 to ${max}`);
}

function invalid(where: string, problem: string, expected: string): Error {
  return berthError('BERTH_SPEC_INVALID', { where, problem, expected });
}
