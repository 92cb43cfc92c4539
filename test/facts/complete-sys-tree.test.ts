import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { completeSysTree } from '../../src/facts/complete-sys-tree.ts';
import { cpuinfoArch } from '../../src/facts/cpuinfo-arch.ts';
import { readHostTopology } from '../../src/facts/host-topology.ts';
import { sysTree } from '../../src/facts/sys-tree.ts';
import { machineTopology } from '../../src/model/machine.ts';
import { anyMachine } from '../model/machine-shapes.ts';

const CPU = 'sys/devices/system/cpu';
const NODE = 'sys/devices/system/node';

/** What kernels before 2.6.24 did not have. */
const NEW = /\/(online|present|possible|kernel_max|has_\w+|\w+_list|cpulist|offline)$/;

test('what an old kernel lacks is added, and nothing else changes', () => {
  fc.assert(
    fc.property(anyMachine, (description) => {
      const topology = machineTopology({ ...description, offline: [] });
      const files = sysTree(topology);
      const old = Object.fromEntries(Object.entries(files).filter(([path]) => !NEW.test(path)));
      const completed = completeSysTree(old);
      for (const [path, text] of Object.entries(old)) assert.equal(completed[path], text, path);
      for (const path of [`${CPU}/online`, `${CPU}/present`, `${NODE}/online`]) {
        assert.equal(completed[path], files[path], path);
      }
      const read = readHostTopology({ files: completed, arch: topology.arch });
      assert.deepEqual(read.topology, topology);
    }),
    { numRuns: 30 },
  );
});

test('a tree that has all is left as it is', () => {
  const files = sysTree(machineTopology({ cores: 40, memoryBytes: 2 ** 30, offline: [3] }));
  assert.deepEqual(completeSysTree(files), files);
});

test('the CPU map of a cell becomes as narrow as the CPUs allow', () => {
  const files = sysTree(machineTopology({ cores: 4, memoryBytes: 2 ** 30 }));
  const wide = { ...files, [`${NODE}/node0/cpumap`]: '00000000,00000000,0000000f\n' };
  assert.equal(completeSysTree(wide)[`${NODE}/node0/cpumap`], '0000000f\n');
});

test('a map of online CPUs stays so where the list has offline ones too', () => {
  const files = sysTree(machineTopology({ cores: 4, memoryBytes: 2 ** 30, offline: [2] }));
  const wide = {
    ...files,
    [`${NODE}/node0/cpumap`]: '00000000,0000000b\n',
    [`${NODE}/node0/cpulist`]: '0-63\n',
  };
  assert.equal(completeSysTree(wide)[`${NODE}/node0/cpumap`], '0000000b\n');
});

test('caches without numbers get some that tell them apart', () => {
  const topology = machineTopology({ cores: 4, l3: 2, memoryBytes: 2 ** 30 });
  const files = Object.entries(sysTree(topology)).filter(([path]) => !path.endsWith('/id'));
  const completed = completeSysTree(Object.fromEntries(files));
  const l3 = [0, 1, 2, 3].map((id) => completed[`${CPU}/cpu${id}/cache/index0/id`]);
  assert.deepEqual(l3, ['0\n', '0\n', '2\n', '2\n']);
});

test('a machine without cells becomes one cell', () => {
  const files = sysTree(machineTopology({ cores: 2, memoryBytes: 2 ** 31 }));
  const cpus = Object.entries(files).filter(([path]) => path.startsWith(CPU));
  const meminfo =
    'MemTotal: 2097152 kB\nMemFree: 1048576 kB\nHugePages_Total: 3\nHugePages_Free: 1\nHugepagesize: 2048 kB\n';
  const flat = { ...Object.fromEntries(cpus), 'proc/meminfo': meminfo };
  const completed = completeSysTree(flat);
  assert.equal(completed[`${NODE}/node0/cpulist`], '0-1\n');
  assert.equal(completed[`${NODE}/online`], '0\n');
  const facts = { arch: 'x86_64' };
  assert.deepEqual(
    readHostTopology({ files: completed, ...facts }),
    readHostTopology({ files: flat, ...facts }),
  );
});

test('the architecture is known by what /proc/cpuinfo says of each CPU', () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ['processor\t: 0\nvendor_id\t: AuthenticAMD\n', 'x86_64'],
    ['processor\t: 0\nBogoMIPS\t: 200.00\nCPU implementer\t: 0x48\n', 'aarch64'],
    ['processor\t: 0\ncpu\t\t: POWER9, altivec supported\n', 'ppc64le'],
    ['processor\t: 0\ncpu\t\t: POWER7 (architected), altivec supported\n', 'ppc64'],
    ['vendor_id       : IBM/S390\n', 's390x'],
    ['processor\t: 0\n', undefined],
  ];
  for (const [text, arch] of cases) assert.equal(cpuinfoArch(text), arch);
});
