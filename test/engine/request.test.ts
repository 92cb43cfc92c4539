import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GIB, MIB } from '../../src/base/units.ts';
import { overheadBytes } from '../../src/engine/overhead.ts';
import { requestOf } from '../../src/engine/request.ts';
import type { VmSpec } from '../../src/model/vm-spec.ts';

const spec: VmSpec = {
  name: 'db1',
  labels: {},
  machine: 'q35',
  cpu: { count: 4, policy: 'dedicated', threads: 'require', cpuset: [0, 1], emulator: 'isolate' },
  memory: { sizeBytes: GIB, pageKiB: 2048 },
  numa: { cells: 2, policy: 'strict', nodeset: [0] },
  boot: { firmware: 'bios', order: ['disk'] },
  disks: [],
  nics: [],
  hosts: ['h1'],
};

test('a request holds what its spec says about CPUs, memory, cells and hosts', () => {
  assert.deepEqual(requestOf(spec, 'u1'), {
    name: 'db1',
    uuid: 'u1',
    vcpus: 4,
    policy: 'dedicated',
    threads: 'require',
    cpuset: [0, 1],
    emulator: 'isolate',
    memoryBytes: GIB,
    pageKiB: 2048,
    cells: 2,
    memoryMode: 'strict',
    nodeset: [0],
    hosts: ['h1'],
  });
});

test('what the spec leaves open stays absent in the request', () => {
  const open: VmSpec = {
    ...spec,
    cpu: { count: 1, policy: 'shared', threads: 'prefer', emulator: 'share' },
    memory: { sizeBytes: GIB },
    numa: { cells: 'auto' },
  };
  const absent = ['uuid', 'cpuset', 'pageKiB', 'memoryMode', 'nodeset'];
  for (const field of absent) assert.ok(!(field in requestOf(open)), `${field} is absent`);
});

test('QEMU needs memory for itself, its vCPUs and the page tables of ordinary memory', () => {
  const guest = { vcpus: 2, memoryBytes: 16 * GIB };
  assert.equal(overheadBytes({ ...guest, huge: false }), (128 + 8 + 64) * MIB);
  assert.equal(overheadBytes({ ...guest, huge: true }), (128 + 8) * MIB);
});
