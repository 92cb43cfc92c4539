import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { gunzipSync } from 'node:zlib';
import { PCI_FILES, TOPOLOGY_FILES } from '../../src/facts/fact-files.ts';
import { readHostTopology } from '../../src/facts/host-topology.ts';
import { readHwlocXml } from '../../src/facts/hwloc-xml.ts';
import { onlineCpus, type HostTopology } from '../../src/model/topology.ts';
import { differingAspects, HWLOC_DIFFERENCES } from './machine-aspects.ts';
import { RecordedTree } from './recorded-tree.ts';

const DATA = process.env['BERTH_TEST_DATA'];
const FOLDER = path.join(DATA ?? '', 'host-topologies/hwloc-sysfs-snapshots');
const skip =
  DATA === undefined
    ? 'needs: BERTH_TEST_DATA'
    : !existsSync(FOLDER) && 'needs: host-topologies/hwloc-sysfs-snapshots in BERTH_TEST_DATA';

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
    const file = path.join(FOLDER, `${name}.lstopo.xml.gz`);
    const hwloc = readHwlocXml(gunzipSync(readFileSync(file)).toString('utf8'), file).topology;
    const differences = Object.keys(HWLOC_DIFFERENCES[name] ?? {});
    assert.deepEqual(differingAspects(topology, hwloc), differences, 'only the differences named');
    assert.deepEqual(unknown, name === '256ppc-8n8s4t' ? ['sockets'] : []);
    const functions = allFunctions(topology);
    for (const seen of allFunctions(hwloc)) assert.ok(functions.includes(seen), `${seen} is found`);
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

/** Functions in hwloc's spelling: four digits of the class. */
function allFunctions(topology: HostTopology): readonly string[] {
  return [...topology.cells.flatMap((cell) => cell.pci), ...topology.pciAnywhere].map(
    ({ address, class: kind, vendor, device }) =>
      `${address} ${kind.slice(2, 6)} ${vendor.slice(2)}:${device.slice(2)}`,
  );
}
