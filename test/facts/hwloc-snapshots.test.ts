import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { gunzipSync } from 'node:zlib';
import { PCI_FILES, TOPOLOGY_FILES } from '../../src/facts/fact-files.ts';
import { readHostTopology } from '../../src/facts/host-topology.ts';
import { coreKey, onlineCpus, type Cpu, type HostTopology } from '../../src/model/topology.ts';
import { parseXml, type XmlElement } from '../../src/xml/index.ts';
import { RecordedTree } from './recorded-tree.ts';

const DATA = process.env['BERTH_TEST_DATA'];
const FOLDER = path.join(DATA ?? '', 'host-topologies/hwloc-sysfs-snapshots');
const skip =
  DATA === undefined
    ? 'needs: BERTH_TEST_DATA'
    : !existsSync(FOLDER) && 'needs: host-topologies/hwloc-sysfs-snapshots in BERTH_TEST_DATA';

type Aspect = 'sockets' | 'dies' | 'cores' | 'l3' | 'cells' | 'cell memory' | 'page pools';

/** Where hwloc reads a machine otherwise, and why that is right for hwloc and not for Berth. */
const DIFFERENCES: Readonly<Record<string, Partial<Record<Aspect, string>>>> = {
  '256ppc-8n8s4t': {
    sockets: 'the kernel tells no package (-1); hwloc makes one of each core, Berth says unknown',
  },
  '64amd64-4s2n4ca2co': {
    cores:
      'the kernel and libvirt call both halves of a Bulldozer module siblings; hwloc splits them',
  },
  fakeheteromemtiers: {
    cells:
      'hwloc gives memory-only cells the CPUs that they are near to; they have none of their own',
  },
  nvidiagpunumanodes: {
    cells: 'hwloc leaves out the cells of GPU memory unless told to keep them',
    'cell memory': 'as above',
    'page pools': 'as above',
  },
};

const snapshots =
  skip === false ? readdirSync(FOLDER).filter((name) => name.endsWith('.tar.bz2')) : [];

test('the recorded machines are there', { skip }, () => {
  assert.equal(snapshots.length, 14);
});

for (const archive of snapshots) {
  const name = archive.replace('.tar.bz2', '');
  test(`${name} is read from sysfs as hwloc reads it`, () => {
    const tree = new RecordedTree(path.join(FOLDER, archive));
    const [root = ''] = tree.names('');
    const files = tree.collect([...TOPOLOGY_FILES, ...PCI_FILES], root);
    const { topology, unknown } = readHostTopology({ files, arch: 'any' });
    const hwloc = readLstopo(path.join(FOLDER, `${name}.lstopo.xml.gz`));
    const ours = aspectsOf(topology);
    assert.deepEqual(listed(onlineCpus(topology).map((cpu) => cpu.id)), hwloc.cpus);
    const differing = Object.keys(ours).filter((aspect) => {
      const theirs = hwloc.aspects[aspect as Aspect];
      return theirs.length > 0 && JSON.stringify(ours[aspect as Aspect]) !== JSON.stringify(theirs);
    });
    assert.deepEqual(differing, Object.keys(DIFFERENCES[name] ?? {}), 'only the differences named');
    assert.deepEqual(unknown, name === '256ppc-8n8s4t' ? ['sockets'] : []);
    const functions = allFunctions(topology);
    for (const seen of hwloc.pci) assert.ok(functions.includes(seen), `${seen} is found`);
  });
}

test('CPUs that are there but offline are told', { skip }, () => {
  const tree = new RecordedTree(path.join(FOLDER, '16em64t-4s2c2t-offlines.tar.bz2'));
  const files = tree.collect(TOPOLOGY_FILES, '16em64t-4s2c2t-offlines');
  const { topology } = readHostTopology({ files, arch: 'x86_64' });
  assert.deepEqual(topology.offlineCpus, [2, 5, 13, 14]);
  const halved = onlineCpus(topology).filter((cpu) => cpu.siblings.length === 1);
  assert.deepEqual(
    halved.map((cpu) => cpu.id),
    [6, 10],
  );
});

test('cells of memory alone keep their memory and distances', { skip }, () => {
  const tree = new RecordedTree(path.join(FOLDER, 'nvidiagpunumanodes.tar.bz2'));
  const files = tree.collect(TOPOLOGY_FILES, 'nvidiagpunumanodes');
  const { topology } = readHostTopology({ files, arch: 'ppc64le' });
  assert.deepEqual(
    topology.cells.map((cell) => [cell.id, cell.cpus.length]),
    [
      [0, 16],
      [8, 16],
      [250, 0],
      [251, 0],
      [252, 0],
      [253, 0],
      [254, 0],
      [255, 0],
    ],
  );
  assert.ok(topology.cells.every((cell) => cell.memoryBytes > 0));
  assert.deepEqual(topology.cells[0]?.distances, [10, 40, 80, 80, 80, 80, 80, 80]);
});

function aspectsOf(topology: HostTopology): Readonly<Record<Aspect, readonly string[]>> {
  const cpus = onlineCpus(topology);
  return {
    sockets: partition(cpus, (cpu) => `${cpu.socket}`),
    dies: partition(cpus, (cpu) => `${cpu.socket} ${cpu.die}`),
    cores: partition(cpus, coreKey),
    l3: partition(
      cpus.filter((cpu) => cpu.l3 !== undefined),
      (cpu) => `${cpu.l3}`,
    ),
    cells: topology.cells.map(({ id, cpus }) => `${id}: ${listed(cpus.map((cpu) => cpu.id))}`),
    'cell memory': topology.cells.map((cell) => `${cell.id}: ${cell.memoryBytes}`),
    'page pools': topology.cells.flatMap(({ id, pages }) =>
      pages
        .filter(({ sizeKiB }) => sizeKiB > 64)
        .map(({ sizeKiB, total }) => `${id}: ${total} of ${sizeKiB} KiB`),
    ),
  };
}

interface Lstopo {
  readonly cpus: string;
  readonly aspects: Readonly<Record<Aspect, readonly string[]>>;
  readonly pci: readonly string[];
}

function readLstopo(file: string): Lstopo {
  const { root } = parseXml(gunzipSync(readFileSync(file)).toString('utf8'), file);
  const objects = (type: string): readonly XmlElement[] =>
    descendants(root).filter(
      (element) => element.name === 'object' && element.attribute('type') === type,
    );
  const groups = (type: string): readonly string[] =>
    objects(type).map(cpusBelow).filter(Boolean).toSorted();
  const nodes = objects('NUMANode').toSorted((a, b) => osIndex(a) - osIndex(b));
  return {
    cpus: cpusBelow(root),
    aspects: {
      sockets: groups('Package'),
      dies: groups('Die'),
      cores: groups('Core'),
      l3: groups('L3Cache'),
      cells: nodes.map((node) => `${osIndex(node)}: ${listed(maskOf(node.attribute('cpuset')))}`),
      'cell memory': nodes.map((node) => `${osIndex(node)}: ${node.attribute('local_memory')}`),
      'page pools': nodes.flatMap((node) =>
        node
          .childrenNamed('page_type')
          .map((page) => [Number(page.attribute('size')) / 1024, page.attribute('count')] as const)
          .filter(([sizeKiB]) => sizeKiB > 64)
          .map(([sizeKiB, count]) => `${osIndex(node)}: ${count} of ${sizeKiB} KiB`),
      ),
    },
    pci: objects('PCIDev').map((device) => {
      const [, kind, vendor, product] =
        /^(\w+) \[(\w+):(\w+)\]/.exec(device.attribute('pci_type') ?? '') ?? [];
      return `${device.attribute('pci_busid')} ${kind} ${vendor}:${product}`;
    }),
  };
}

/** Functions in hwloc's spelling: four digits of the class. */
function allFunctions(topology: HostTopology): readonly string[] {
  return [...topology.cells.flatMap((cell) => cell.pci), ...topology.pciAnywhere].map(
    ({ address, class: kind, vendor, device }) =>
      `${address} ${kind.slice(2, 6)} ${vendor.slice(2)}:${device.slice(2)}`,
  );
}

function partition(cpus: readonly Cpu[], key: (cpu: Cpu) => string): readonly string[] {
  const groups = Map.groupBy(cpus, key).values();
  return Array.from(groups, (group) => listed(group.map((cpu) => cpu.id))).toSorted();
}

function descendants(element: XmlElement): readonly XmlElement[] {
  return [element, ...element.elements.flatMap(descendants)];
}

function cpusBelow(element: XmlElement): string {
  return listed(
    descendants(element)
      .filter((object) => object.attribute('type') === 'PU')
      .map(osIndex),
  );
}

function osIndex(object: XmlElement): number {
  return Number(object.attribute('os_index'));
}

function listed(ids: readonly number[]): string {
  return ids.toSorted((a, b) => a - b).join();
}

/** hwloc's masks: words of 32 bits, the highest first; a word left out is zero. */
function maskOf(mask = ''): readonly number[] {
  return mask
    .split(',')
    .toReversed()
    .flatMap((word, index) =>
      Array.from({ length: 32 }, (_, bit) => bit)
        .filter((bit) => (BigInt(word === '' ? 0 : word) >> BigInt(bit)) % 2n === 1n)
        .map((bit) => index * 32 + bit),
    );
}
