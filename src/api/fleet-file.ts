import { berthError, isBerthError } from '../base/errors.ts';
import type { HostSnapshot } from '../model/host.ts';
import { FLEET_HOSTS_MAX, hostsOf, noHosts } from './fleet-host.ts';
import { parseJsonFile } from './json-file.ts';
import { within } from './schema-error.ts';
import { parseWorkloadFleet } from './workload-file.ts';
import { parseYamlDocuments, SPEC_FILE_BYTES_MAX } from './yaml-document.ts';

/** Larger files are refused before they are parsed. */
export const FLEET_FILE_BYTES_MAX = 256 * 1024 * 1024;

/**
 * Reads a fleet file: hosts in YAML or JSON, as a list, as `hosts: [...]`, a single one as
 * `berth host show NAME --json` prints it, or those of a workload. `docs/fleet-file.md` says what an
 * entry holds.
 * @param where the file's name, for messages.
 * @throws BERTH_SPEC_INVALID naming the key, with line and column where they are known;
 *   BERTH_TOO_LARGE.
 */
export function readFleet(text: string, where: string): readonly HostSnapshot[] {
  if (text.length > FLEET_FILE_BYTES_MAX) {
    throw berthError('BERTH_TOO_LARGE', {
      what: where,
      size: text.length,
      max: FLEET_FILE_BYTES_MAX,
    });
  }
  const isJson = /^\s*[[{]/.test(text);
  const isLarge = isJson && text.length > QUICK_CHARS_MAX;
  const hosts = isLarge ? readLargeJson(text, where) : readYaml(text, where);
  if (hosts.length === 0) throw noHosts(where);
  return hosts;
}

/**
 * The hosts of a fleet document that is parsed already.
 * @throws BERTH_SPEC_INVALID naming the key, BERTH_TOO_LARGE for too many hosts.
 */
export function fleetOf(value: unknown): readonly HostSnapshot[] {
  if (isWorkload(value)) return parseWorkloadFleet(value);
  const entries = entriesOf(value);
  checkCount(entries);
  const hosts: HostSnapshot[] = [];
  const taken = { names: new Set<string>(), uuids: new Map<string, string>() };
  for (const { path, entry } of entries) {
    within(path, () => {
      for (const host of hostsOf(entry)) {
        checkNew(host, taken);
        hosts.push(host);
      }
    });
  }
  return hosts;
}

/** Before any of them is made; a count that is none is refused with its entry. */
function checkCount(entries: readonly FleetEntry[]): void {
  const size = entries.reduce((sum, { entry }) => {
    const { count = 1 } = (entry ?? {}) as { readonly count?: unknown };
    const isCount = Number.isInteger(count) && Number(count) >= 1;
    return sum + (isCount ? Math.min(Number(count), FLEET_HOSTS_MAX) : 1);
  }, 0);
  const max = FLEET_HOSTS_MAX;
  if (size > max) throw berthError('BERTH_TOO_LARGE', { what: 'the number of hosts', size, max });
}

/** Beyond this the YAML parser, which knows lines, takes long: JSON is first read without it. */
const QUICK_CHARS_MAX = 256 * 1024;

function readYaml(text: string, where: string): readonly HostSnapshot[] {
  const [document, second] = parseYamlDocuments(text, where);
  if (document === undefined) throw noHosts(where);
  if (second !== undefined) {
    throw berthError('BERTH_SPEC_INVALID', {
      where,
      problem: 'there are several documents',
      expected: 'one list of hosts',
    });
  }
  return document.check(fleetOf);
}

function readLargeJson(text: string, where: string): readonly HostSnapshot[] {
  try {
    return parseJsonFile(text, where, fleetOf);
  } catch (error) {
    const isPlaced = !isBerthError(error, 'BERTH_SPEC_INVALID') || error.data.line !== undefined;
    if (isPlaced || text.length > SPEC_FILE_BYTES_MAX) throw error;
    return readYaml(text, where);
  }
}

/** A workload, as `berth simulate` reads it, says its hosts in figures and has ratios beside. */
function isWorkload(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && 'ratios' in value && 'hosts' in value;
}

interface FleetEntry {
  readonly path: readonly PropertyKey[];
  readonly entry: unknown;
}

function entriesOf(value: unknown): readonly FleetEntry[] {
  if (Array.isArray(value)) return listed(value, []);
  if (typeof value === 'object' && value !== null) {
    if ('topology' in value || 'machine' in value || 'snapshot' in value) {
      return [{ path: [], entry: value }];
    }
    const { hosts, ...rest } = value as { readonly hosts?: unknown };
    const [other] = Object.keys(rest);
    if (Array.isArray(hosts) && other === undefined) return listed(hosts, ['hosts']);
    if (Array.isArray(hosts) && other !== undefined) {
      throw berthError('BERTH_SPEC_INVALID', {
        where: other,
        problem: 'unknown key',
        expected: 'only documented keys',
      });
    }
  }
  throw berthError('BERTH_SPEC_INVALID', {
    where: 'document',
    problem: 'it is no list of hosts',
    expected: 'a list of hosts, or hosts: and the list',
  });
}

function listed(entries: readonly unknown[], path: readonly PropertyKey[]): readonly FleetEntry[] {
  return entries.map((entry, index) => ({ path: [...path, index], entry }));
}

/** Names of hosts, and uuids of VMs, are there once. */
function checkNew(
  host: HostSnapshot,
  taken: { readonly names: Set<string>; readonly uuids: Map<string, string> },
): void {
  if (taken.names.has(host.name)) {
    const problem = `a host named ${host.name} is there already`;
    throw berthError('BERTH_SPEC_INVALID', { where: 'name', problem, expected: 'another name' });
  }
  taken.names.add(host.name);
  for (const { uuid, vm } of host.seats) {
    const other = taken.uuids.get(uuid);
    if (other !== undefined) {
      throw berthError('BERTH_SPEC_INVALID', {
        where: 'seats',
        problem: `the uuid ${uuid} of ${vm} is there already, on ${other}`,
        expected: 'a uuid for each VM',
      });
    }
    taken.uuids.set(uuid, host.name);
  }
}
