import { berthError } from '../../src/base/errors.ts';
import { GIB } from '../../src/base/units.ts';
import type { CatalogueEntry, LabPort } from '../../src/cli/lab-port.ts';
import type { LabHostInfo, LabInfo } from '../../src/lab/fleet/lab-info.ts';
import { MACHINE_CATALOGUE } from '../../src/model/machine-catalogue.ts';
import { machineTopology } from '../../src/model/machine.ts';
import type { MachineDescription } from '../../src/model/machine-description.ts';

/** Machines of every shape that pictures have to show. */
const SHAPES: readonly (readonly [name: string, title: string, shape: MachineDescription])[] = [
  ['this', 'the machine it runs on', { cores: 2, memoryBytes: 24 * GIB }],
  [
    'two-sockets',
    '2 x 20 cores with SMT',
    { sockets: 2, cores: 20, threads: 2, memoryBytes: 192 * GIB },
  ],
  [
    'nps4',
    '2 x 64 cores, four cells each, eight cores to an L3',
    { sockets: 2, cells: 4, cores: 64, threads: 2, l3: 8, memoryBytes: 64 * GIB },
  ],
  [
    'eight-sockets',
    '8 x 28 cores with page pools',
    {
      sockets: 8,
      cores: 28,
      threads: 2,
      memoryBytes: 384 * GIB,
      pages: [{ sizeKiB: 2048, count: 4096 }],
    },
  ],
  [
    'cxl',
    '2 x 32 cores and a cell of CXL memory',
    {
      sockets: 2,
      cores: 32,
      threads: 2,
      memoryBytes: 256 * GIB,
      memoryOnly: [{ memoryBytes: 512 * GIB }],
    },
  ],
  [
    'uneven',
    'four cells, one of them poor',
    {
      sockets: 2,
      cells: 2,
      cores: 16,
      memoryBytes: 64 * GIB,
      uneven: [{ cell: 3, cores: 4, memoryBytes: 16 * GIB }],
    },
  ],
  [
    'arm',
    '80 cores of an ARM server in four cells',
    { arch: 'aarch64', cells: 4, cores: 80, l3: 'none', memoryBytes: 64 * GIB },
  ],
];

/** The catalogue of the tests. */
export const CATALOGUE: readonly CatalogueEntry[] = SHAPES.map(([name, title, shape]) => ({
  name,
  title,
  topology: machineTopology(shape),
}));

/** The catalogue that everybody gets. */
function realMachines(): readonly CatalogueEntry[] {
  return MACHINE_CATALOGUE.map(({ name, title, description }) => ({
    name,
    title,
    topology: machineTopology(description),
  }));
}

/** A lab whose hosts show these machines. */
export function labOf(
  name: string,
  machines: readonly string[],
  values: Partial<LabInfo> = {},
): LabInfo {
  const hosts = machines.map((machine, index) => labHost(name, index + 1, machine));
  return { name, network: '198.18.3.0/24', hosts, notes: [], ...values };
}

function labHost(lab: string, number: number, machine: string): LabHostInfo {
  const shown = [...CATALOGUE, ...realMachines()].find((one) => one.name === machine);
  if (shown === undefined) throw unknownMachine(machine);
  const dir = `/var/lib/berth/lab/${lab}/h/${number}`;
  const address = `198.18.3.${10 + number}`;
  return {
    name: `${lab}-${number}`,
    lab,
    kind: 'namespace',
    uri: `qemu:///system?socket=${dir}/run/libvirt-sock`,
    machine,
    topology: shown.topology,
    state: 'running',
    address,
    ways: { ssh: `qemu+ssh://root@${address}/system?keyfile=/var/lib/berth/lab/${lab}/ssh/id` },
    broken: [],
    dir,
  };
}

const FAULTS = [
  { name: 'freeze', does: 'stops every process of the host', lasts: true },
  { name: 'delay', parameter: 'MS', does: 'makes every frame late', lasts: true },
  { name: 'clock', parameter: 'SECONDS', does: 'sets the clock ahead', lasts: true },
];

/** Labs that exist in memory only, and what was asked of them. */
export interface FakeLabs {
  readonly port: LabPort;
  readonly asked: unknown[];
}

/** A port over these labs: what it is asked for happens to them at once. */
export function fakeLabs(...there: readonly LabInfo[]): FakeLabs {
  const labs = new Map(there.map((lab) => [lab.name, lab]));
  const asked: unknown[] = [];
  const all = (): readonly LabInfo[] =>
    [...labs.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const change = (name: string, with_: (host: LabHostInfo) => LabHostInfo): LabHostInfo => {
    const host = found(all(), name);
    const lab = labs.get(host.lab) ?? labOf(host.lab, []);
    const changed = with_(host);
    const hosts = lab.hosts.map((one) => (one.name === name ? changed : one));
    labs.set(lab.name, { ...lab, hosts });
    return changed;
  };
  const port: LabPort = {
    up: ({ name, hosts, machines, disk, pages, progress }) => {
      asked.push({ up: { name, hosts, machines, disk, pages } });
      const count = hosts ?? 1;
      const words = Array.from({ length: count }, (_, index) => machines[index] ?? 'this');
      const lab = labOf(name, words);
      if (labs.has(name)) return Promise.resolve({ ...lab, changed: false });
      progress.begin('hosts', `Hosts of ${name}`);
      for (let done = 1; done <= count; done++) progress.detail('hosts', `${done} of ${count}`);
      progress.done('hosts', `${count} started`);
      labs.set(name, lab);
      return Promise.resolve({ ...lab, changed: true });
    },
    list: () => Promise.resolve(all()),
    exec: ({ target, argv }) => {
      asked.push({ exec: { target, argv } });
      if (!labs.has(target)) found(all(), target);
      return Promise.resolve(argv[0] === 'false' ? 1 : 0);
    },
    break: ({ host, fault: [name = '', ...rest] }) => {
      const known = FAULTS.map((fault) => fault.name);
      if (!known.includes(name)) {
        throw berthError('BERTH_NOT_FOUND', { kind: 'fault', name, known });
      }
      return Promise.resolve(
        change(host, (one) => ({ ...one, broken: [...one.broken, [name, ...rest].join(' ')] })),
      );
    },
    mend: ({ host, fault }) =>
      Promise.resolve(
        change(host, (one) => ({
          ...one,
          broken: one.broken.filter((word) => fault !== undefined && !word.startsWith(fault)),
        })),
      ),
    faults: () => Promise.resolve(FAULTS),
    machines: () => Promise.resolve(CATALOGUE),
    down: ({ name }) => {
      asked.push({ down: name });
      const gone = all().filter((lab) => name === undefined || lab.name === name);
      for (const lab of gone) labs.delete(lab.name);
      return Promise.resolve({
        changed: gone.length > 0,
        removed: gone.flatMap((lab) => lab.hosts),
      });
    },
  };
  return { port, asked };
}

function found(labs: readonly LabInfo[], name: string): LabHostInfo {
  const hosts = labs.flatMap((lab) => lab.hosts);
  const host = hosts.find((one) => one.name === name);
  if (host !== undefined) return host;
  const known = hosts.map((one) => one.name);
  throw berthError('BERTH_NOT_FOUND', { kind: 'host of a lab', name, known });
}

function unknownMachine(name: string): Error {
  const known = CATALOGUE.map((machine) => machine.name);
  return berthError('BERTH_NOT_FOUND', { kind: 'machine', name, known });
}
