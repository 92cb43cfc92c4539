import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { TOPOLOGY_FILES } from '../../src/facts/fact-files.ts';
import { assembleTopology } from '../../src/facts/host-topology.ts';
import { onlineCpus } from '../../src/model/topology.ts';
import { RecordedTree } from './recorded-tree.ts';

const DATA = process.env['BERTH_TEST_DATA'];
const ARCHIVE = path.join(DATA ?? '', 'host-topologies/libvirt-11.3.0-vircaps2xmldata-dev.tar.gz');
const skip =
  DATA === undefined
    ? 'needs: BERTH_TEST_DATA'
    : !existsSync(ARCHIVE) && `needs: ${path.basename(ARCHIVE)} in BERTH_TEST_DATA`;

const tree = skip === false ? new RecordedTree(ARCHIVE) : undefined;
const documents = tree?.names('vircaps2xmldata').filter((name) => name.endsWith('.xml')) ?? [];

test('the recorded capabilities are there', { skip }, () => {
  assert.equal(documents.length, 11);
});

for (const name of documents) {
  test(`${name} tells the machine that the tree beside it tells`, () => {
    assert.ok(tree !== undefined);
    const capabilitiesXml = tree.text(`vircaps2xmldata/${name}`) ?? '';
    const root = `vircaps2xmldata/linux-${/^vircaps-[^-]+-(.*)\.xml$/.exec(name)?.[1]}`;
    const patterns = TOPOLOGY_FILES.map((pattern) => pattern.replace('sys/devices/', ''));
    const found = Object.entries(tree.collect(patterns, root));
    const files = Object.fromEntries(found.map(([file, text]) => [`sys/devices/${file}`, text]));
    const fromLibvirt = assembleTopology({ capabilitiesXml }).topology;
    const fromSysfs = assembleTopology({ files, arch: fromLibvirt.arch }).topology;
    const shape = (topology: typeof fromSysfs): unknown => ({
      cpus: onlineCpus(topology),
      cells: topology.cells.map(({ id, cpus }) => [id, cpus.map((cpu) => cpu.id)]),
    });
    // Memory and page pools are left out: libvirt's tests make them up and read neither from the tree.
    assert.deepEqual(shape(fromLibvirt), shape(fromSysfs));
  });
}
