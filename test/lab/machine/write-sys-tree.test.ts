import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { describedMachine, topologyMachine } from '../../../src/lab/machine/shown-machine.ts';
import { writeSysTree } from '../../../src/lab/machine/write-sys-tree.ts';
import { missingPrograms } from '../../../src/lab/system/system-path.ts';
import { GIB } from '../../../src/base/units.ts';
import { readHwlocXml } from '../../../src/facts/hwloc-xml.ts';
import { MACHINE_CATALOGUE } from '../../../src/model/machine-catalogue.ts';
import { differingAspects } from '../../facts/machine-aspects.ts';

const run = promisify(execFile);

/** Thousands of files are written many times faster in memory. */
const PLACE = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(PLACE, 'berth-sys-tree-'));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const NIC = { address: '0000:3b:00.0', class: '0x020000', vendor: '0x8086', device: '0x1592' };

test('a machine’s files are written as they are bound over those of a host', async () => {
  await inFolder(async (folder) => {
    const description = { cores: 2, memoryBytes: GIB, pci: [{ ...NIC, cell: 0 }] };
    await writeSysTree(folder, describedMachine({ name: 'm' }, description));
    assert.deepEqual((await readdir(folder)).toSorted(), ['cpu', 'node', 'pci']);
    assert.equal(await readFile(join(folder, 'cpu/online'), 'utf8'), '0-1\n');
    assert.equal(await readFile(join(folder, 'node/node0/cpulist'), 'utf8'), '0-1\n');
    assert.equal(await readFile(join(folder, 'pci/0000:3b:00.0/numa_node'), 'utf8'), '0\n');
  });
});

test('a file that would stand outside of its folder is refused before any is written', async () => {
  for (const path of [
    'sys/bus/pci/devices/../../../escaped',
    'sys/bus/pci/devices/../cpu/online',
    'sys/devices/system/cpu/..',
    'sys/devices/system/node/',
  ]) {
    await inFolder(async (folder) => {
      const dir = join(folder, 'a/b');
      const files = { 'sys/devices/system/cpu/online': '0\n', [path]: 'x' };
      await assert.rejects(writeSysTree(dir, { files }), { code: 'BERTH_FACTS_INVALID' });
      assert.deepEqual(await readdir(folder), []);
    });
  }
});

test('a topology with a PCI function that is none cannot be shown', () => {
  const { topology } = describedMachine({ name: 'm' }, { cores: 2, memoryBytes: GIB });
  const pciAnywhere = [{ ...NIC, address: '../../../../escaped' }];
  assert.throws(() => topologyMachine({ name: 'm' }, { ...topology, pciAnywhere }), {
    code: 'BERTH_SPEC_INVALID',
    message: /escaped/,
  });
});

test('an interrupted writing ends at once', async () => {
  await inFolder(async (folder) => {
    const machine = describedMachine({ name: 'm' }, { cores: 2, memoryBytes: GIB });
    const signal = AbortSignal.abort();
    await assert.rejects(writeSysTree(folder, machine, { signal }), { code: 'BERTH_INTERRUPTED' });
  });
});

test('a busy machine is shown with what is free of it', () => {
  const { topology } = describedMachine({ name: 'm' }, { cores: 2, memoryBytes: GIB });
  const cells = topology.cells.map((cell) => ({ ...cell, freeBytes: GIB / 2 + 1, pages: [] }));
  const [cell] = topologyMachine({ name: 'm' }, { ...topology, cells }).topology.cells;
  assert.equal(cell?.freeBytes, GIB / 2);
  assert.deepEqual(cell?.pages, [{ sizeKiB: 4, total: 262_144, free: 131_072 }]);
});

test('a topology that contradicts itself cannot be shown', () => {
  const { topology } = describedMachine({ name: 'm' }, { cores: 2, memoryBytes: GIB });
  const twice = { ...topology, cells: [...topology.cells, ...topology.cells] };
  assert.throws(() => topologyMachine({ name: 'm' }, twice), { code: 'BERTH_SPEC_INVALID' });
});

const missing = await missingPrograms(['lstopo']);
const skip = missing.length > 0 && 'needs: lstopo';

for (const { name, description } of MACHINE_CATALOGUE) {
  test(`lstopo reads the files of ${name} as that machine`, { skip }, async () => {
    await inFolder(async (folder) => {
      const machine = describedMachine({ name }, description);
      await writeSysTree(folder, machine);
      const root = join(folder, 'root');
      await mkdir(join(root, 'sys/devices'), { recursive: true });
      await mkdir(join(root, 'sys/bus/pci'), { recursive: true });
      await run('ln', ['-s', folder, join(root, 'sys/devices/system')]);
      const flags = ['--input', root, '--if', 'fsroot', '--whole-io', '--of', 'xml', '-'];
      const { stdout } = await run('lstopo', flags, { maxBuffer: 64 * 1024 ** 2 });
      assert.deepEqual(differingAspects(machine.topology, readHwlocXml(stdout, name).topology), []);
    });
  });
}
