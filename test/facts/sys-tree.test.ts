import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { readHostTopology } from '../../src/facts/host-topology.ts';
import { sysTree } from '../../src/facts/sys-tree.ts';
import { MACHINE_CATALOGUE } from '../../src/model/machine-catalogue.ts';
import { machineTopology } from '../../src/model/machine.ts';
import type { HostTopology } from '../../src/model/topology.ts';
import { anyMachine } from '../model/machine-shapes.ts';

const CPU = 'sys/devices/system/cpu';

function readBack(topology: HostTopology): HostTopology {
  return readHostTopology({ files: sysTree(topology), arch: topology.arch }).topology;
}

test('the files of any machine are read back as that machine', () => {
  fc.assert(
    fc.property(anyMachine, (description) => {
      const topology = machineTopology(description);
      assert.deepEqual(readBack(topology), topology);
    }),
  );
});

for (const { name, description } of MACHINE_CATALOGUE) {
  test(`the files of ${name} are read back as that machine, nothing unknown`, () => {
    const topology = machineTopology(description);
    const files = sysTree(topology);
    const reading = readHostTopology({ files, arch: topology.arch });
    assert.deepEqual(reading, { topology, unknown: [] });
  });
}

test('cells keep numbers that have gaps', () => {
  const topology = machineTopology({ sockets: 2, cores: 2, memoryBytes: 2 ** 31 });
  const cells = topology.cells.map((cell) => ({ ...cell, id: cell.id * 8 }));
  assert.deepEqual(readBack({ ...topology, cells }), { ...topology, cells });
});

test('an offline CPU that is listed with its cell is shown as any other', () => {
  const topology = machineTopology({ cores: 2, memoryBytes: 2 ** 30, offline: [1] });
  const listed = machineTopology({ cores: 2, memoryBytes: 2 ** 30 }).cells.map((cell) => ({
    ...cell,
    cpus: cell.cpus.map((cpu) => ({ ...cpu, siblings: [cpu.id], online: cpu.id !== 1 })),
  }));
  assert.deepEqual(readBack({ ...topology, cells: listed, offlineCpus: [] }), topology);
});

test('an offline CPU has nothing but that it is offline', () => {
  const files = sysTree(machineTopology({ cores: 4, memoryBytes: 2 ** 30, offline: [2] }));
  const own = Object.entries(files).filter(([path]) => path.startsWith(`${CPU}/cpu2/`));
  assert.deepEqual(own, [[`${CPU}/cpu2/online`, '0\n']]);
  assert.equal(files[`${CPU}/present`], '0-3\n');
  assert.equal(files[`${CPU}/online`], '0-1,3\n');
  assert.equal(files[`${CPU}/cpu0/topology/core_siblings`], '0000000b\n');
});

test('CPU maps have words of 32 bits, the highest first', () => {
  const topology = machineTopology({ sockets: 2, cores: 20, threads: 2, memoryBytes: 2 ** 30 });
  const files = sysTree(topology);
  assert.equal(files['sys/devices/system/node/node0/cpumap'], '00000000,0fffff00,000fffff\n');
});

test('an L3 cache has the size that was asked for, in whole sets', () => {
  const topology = machineTopology({ cores: 2, memoryBytes: 2 ** 30 });
  const files = sysTree(topology, { l3Bytes: 105 * 1024 ** 2 });
  const cache = `${CPU}/cpu0/cache/index0`;
  assert.equal(files[`${cache}/size`], '107520K\n');
  assert.equal(files[`${cache}/number_of_sets`], '107520\n');
  assert.equal(files[`${cache}/shared_cpu_list`], '0-1\n');
});
