import { z } from 'zod';
import { berthError, isBerthError } from '../base/errors.ts';
import type { HostPolicy, HostSnapshot } from '../model/host.ts';
import { defaultPolicy } from '../model/host.ts';
import { MACHINE_CATALOGUE } from '../model/machine-catalogue.ts';
import type { MachineDescription } from '../model/machine-description.ts';
import { machineTopology } from '../model/machine.ts';
import { seatAmountProblems } from '../model/seat-amounts.ts';
import { snapshotProblems } from '../model/snapshot-check.ts';
import type { SnapshotProblem } from '../model/snapshot-check.ts';
import type { HostTopology } from '../model/topology.ts';
import { parseDescription, parseMachineShorthand } from './machine-file.ts';
import { topologyView } from './resources.ts';
import { specError, within } from './schema-error.ts';
import { cpuNumbers, seatDocument, seatFrom, sizeBytes } from './seat-document.ts';

/** The most hosts of a fleet file. */
export const FLEET_HOSTS_MAX = 200_000;

const hostName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
    'must be letters, digits, dots, dashes and underscores, at most 63',
  );
const words = z.record(z.string(), z.string());

const pciPool = z.strictObject({
  match: z
    .strictObject({ vendor: z.string(), device: z.string(), class: z.string().optional() })
    .optional(),
  addresses: z.array(z.string()).optional(),
});

const policyDocument = z.strictObject({
  reservedCpus: cpuNumbers.optional(),
  reservedBytes: sizeBytes.optional(),
  cpuRatio: z.number().optional(),
  ramRatio: z.number().optional(),
  sharedCpus: cpuNumbers.optional(),
  ramCounts: z.enum(['ordinary', 'all']).optional(),
  overhead: z.enum(['estimated', 'none']).optional(),
  boundRatio: z.number().optional(),
  guestWidth: z.enum(['cell', 'host']).optional(),
  pciPools: z.record(z.string(), pciPool).optional(),
});

const about = {
  policy: policyDocument.optional(),
  labels: words.optional(),
  networks: z.array(z.string()).optional(),
  seats: z.array(seatDocument).optional(),
};

/** One line of a fleet file: a machine in words, or a host as it was seen. */
const entryDocument = z.strictObject({
  name: hostName,
  count: z.number().int().min(1).max(FLEET_HOSTS_MAX).optional(),
  machine: z.unknown().optional(),
  snapshot: z.unknown().optional(),
  ...about,
});

/** A host as `berth host show NAME --json` prints it. */
const snapshotDocument = z.strictObject({
  name: hostName,
  uri: z.string().optional(),
  observedAt: z.number().optional(),
  libvirtVersion: z.number().optional(),
  domainTypes: z.array(z.string()).optional(),
  unknown: z.array(z.string()).optional(),
  topology: topologyView,
  ...about,
  /** What the command prints beside; the seats say it all. */
  vms: z.unknown().optional(),
});

/**
 * The hosts that one entry of a fleet file stands for: `count` of them with one topology in common.
 * @throws BERTH_SPEC_INVALID naming the key, as from the entry.
 */
export function hostsOf(value: unknown): readonly HostSnapshot[] {
  if (isObject(value) && 'topology' in value) return [checked(snapshotOf(value))];
  const entry = parsed(entryDocument, value);
  if ((entry.machine === undefined) === (entry.snapshot === undefined)) {
    throw berthError('BERTH_SPEC_INVALID', {
      where: 'document',
      problem: entry.machine === undefined ? 'it says no machine' : 'it says its machine twice',
      expected: 'one of machine (a name of the catalogue or a description) and snapshot',
    });
  }
  const one = entry.machine === undefined ? ofSnapshot(entry) : ofMachine(entry);
  return entry.count === undefined ? [one] : copies(one, entry.count);
}

/** For a file that is to name hosts and has none. */
export function noHosts(where: string): Error {
  const problem = 'there is no host in it';
  return berthError('BERTH_SPEC_INVALID', { where, problem, expected: 'one host or more' });
}

type Entry = z.output<typeof entryDocument>;

function ofSnapshot(entry: Entry): HostSnapshot {
  const seen = within(['snapshot'], () => checked(snapshotOf(entry.snapshot)));
  const host: HostSnapshot = {
    ...seen,
    name: entry.name,
    policy: { ...seen.policy, ...policyIn(entry) },
    seats: [...seen.seats, ...(entry.seats ?? []).map(seatFrom)],
    ...definedIn({ labels: entry.labels, networks: entry.networks }),
  };
  // Seats of the snapshot come first in the list, so an index is counted on from them.
  return written(host, seen.seats.length);
}

function ofMachine(entry: Entry): HostSnapshot {
  const topology = within(['machine'], () => topologyOf(entry.machine));
  return written(snapshotFrom(entry, topology), 0);
}

function snapshotOf(value: unknown): HostSnapshot {
  const document = parsed(snapshotDocument, value);
  // The schema's optional keys may be undefined, which JSON cannot hold.
  const host = snapshotFrom(document, document.topology as HostTopology);
  const { uri, observedAt, libvirtVersion, domainTypes, unknown } = document;
  // A claim and the domain that came of it have one uuid: the later one counts.
  const seats = [...new Map(host.seats.map((seat) => [seat.uuid, seat])).values()];
  return {
    ...host,
    seats,
    ...definedIn({ uri, observedAt, libvirtVersion, domainTypes, unknown }),
  };
}

function snapshotFrom(
  document: Pick<Entry, 'name' | keyof typeof about>,
  topology: HostTopology,
): HostSnapshot {
  const { name, policy, labels, networks, seats = [] } = document;
  return {
    name,
    uri: `fleet:///${name}`,
    observedAt: 0,
    libvirtVersion: 0,
    domainTypes: ['kvm'],
    topology,
    policy: { ...defaultPolicy(topology), ...policyIn({ policy }) },
    seats: seats.map(seatFrom),
    ...definedIn({ labels, networks }),
  };
}

function policyIn({ policy = {} }: { readonly policy?: Entry['policy'] }): Partial<HostPolicy> {
  // The schema's optional keys may be undefined, which JSON and YAML cannot hold.
  return policy as Partial<HostPolicy>;
}

/** A name of the catalogue, the shorthand of a command line, or the keys of a machine file. */
function topologyOf(machine: unknown): HostTopology {
  if (typeof machine !== 'string') return machineTopology(parseDescription(machine));
  const known = MACHINE_CATALOGUE.find(({ name }) => name === machine);
  if (known !== undefined) return machineTopology(known.description);
  if (machine.includes('=')) return machineTopology(shorthand(machine));
  throw berthError('BERTH_SPEC_INVALID', {
    where: 'document',
    problem: `the catalogue has no machine "${machine.slice(0, NAME_SHOWN)}"`,
    expected: `one of ${MACHINE_CATALOGUE.map(({ name }) => name).join(', ')}`,
  });
}

const NAME_SHOWN = 40;

/** The caller says where the machine stands. */
function shorthand(text: string): MachineDescription {
  try {
    return parseMachineShorthand(text);
  } catch (error) {
    if (!isBerthError(error, 'BERTH_SPEC_INVALID')) throw error;
    throw berthError('BERTH_SPEC_INVALID', { ...error.data, where: 'document' });
  }
}

function checked(host: HostSnapshot): HostSnapshot {
  return sound(host, 0, snapshotProblems(host));
}

/** A host some of whose seats, from an index on, stand in the file's own words. */
function written(host: HostSnapshot, first: number): HostSnapshot {
  sound(host, first, snapshotProblems(host));
  return sound(host, first, seatAmountProblems(host, first));
}

function sound(
  host: HostSnapshot,
  first: number,
  [problem]: readonly SnapshotProblem[],
): HostSnapshot {
  if (problem === undefined) return host;
  const where = problem.where.replace(/^seats\[(\d+)\]/, (_, index: string) => {
    return `seats[${Math.max(0, Number(index) - first)}]`;
  });
  const expected = 'a host that can be';
  throw berthError('BERTH_SPEC_INVALID', { where, problem: problem.problem, expected });
}

/** `NAME-0000` and so on; the seats of each are numbered alike, so that no VM is there twice. */
function copies(host: HostSnapshot, count: number): readonly HostSnapshot[] {
  const digits = Math.max(DIGITS_MIN, `${count - 1}`.length);
  return Array.from({ length: count }, (_, index) => {
    const number = `${index}`.padStart(digits, '0');
    const name = `${host.name}-${number}`;
    const seats = host.seats.map((seat) => ({
      ...seat,
      vm: `${seat.vm}-${number}`,
      uuid: `${seat.uuid}-${number}`,
    }));
    return { ...host, name, uri: `${host.uri}-${number}`, seats };
  });
}

const DIGITS_MIN = 4;

function parsed<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (!result.success) throw specError(result.error.issues);
  return result.data;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Leaves out the keys whose value is undefined, as exact optional properties ask. */
function definedIn<T extends object>(values: {
  readonly [K in keyof T]?: T[K] | undefined;
}): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
