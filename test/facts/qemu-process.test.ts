import assert from 'node:assert/strict';
import test from 'node:test';
import { parseMeminfo } from '../../src/facts/meminfo.ts';
import { parseNumaMaps } from '../../src/facts/numa-maps.ts';
import { qemuThreadFiles, qemuThreadRole, readQemuThreads } from '../../src/facts/qemu-threads.ts';

const status = (cpus: string, cells: string): string =>
  `Name:\tqemu\nCpus_allowed:\tff\nCpus_allowed_list:\t${cpus}\nMems_allowed:\t1\nMems_allowed_list:\t${cells}\nthreads:\t1\n`;

test('threads of a guest are told apart by the names that QEMU gives them', () => {
  const threads: readonly (readonly [number, string, string, string])[] = [
    [4242, 'qemu-system-x86', '0-7', '0-1'],
    [4243, 'CPU 0/KVM', '2', '0'],
    [4244, 'CPU 11/TCG', '3,5', '0'],
    [4245, 'IO iothread1', '6', '1'],
    [4246, 'IO mon_iothread', '0-7', '0-1'],
    [4247, 'worker', '0-7', '0-1'],
  ];
  const files = Object.fromEntries(
    threads.flatMap(([tid, name, cpus, cells]) => [
      [`proc/4242/task/${tid}/comm`, `${name}\n`],
      [`proc/4242/task/${tid}/status`, status(cpus, cells)],
    ]),
  );
  assert.deepEqual(readQemuThreads(files, 4242), [
    {
      tid: 4242,
      name: 'qemu-system-x86',
      role: { kind: 'emulator' },
      cpus: [0, 1, 2, 3, 4, 5, 6, 7],
      cells: [0, 1],
    },
    { tid: 4243, name: 'CPU 0/KVM', role: { kind: 'vcpu', vcpu: 0 }, cpus: [2], cells: [0] },
    { tid: 4244, name: 'CPU 11/TCG', role: { kind: 'vcpu', vcpu: 11 }, cpus: [3, 5], cells: [0] },
    {
      tid: 4245,
      name: 'IO iothread1',
      role: { kind: 'iothread', iothread: 1 },
      cpus: [6],
      cells: [1],
    },
    {
      tid: 4246,
      name: 'IO mon_iothread',
      role: { kind: 'emulator' },
      cpus: [0, 1, 2, 3, 4, 5, 6, 7],
      cells: [0, 1],
    },
    {
      tid: 4247,
      name: 'worker',
      role: { kind: 'emulator' },
      cpus: [0, 1, 2, 3, 4, 5, 6, 7],
      cells: [0, 1],
    },
  ]);
});

test('every other thread counts as the emulator', () => {
  for (const name of [
    'ALL CPUs/TCG',
    'call_rcu',
    'live_migration',
    'vnc_worker',
    'CPU x/KVM',
    '',
  ]) {
    assert.deepEqual(qemuThreadRole(name), { kind: 'emulator' }, name);
  }
});

test('a thread that ended while it was read is left out, and a garbled one refused', () => {
  const comm = { 'proc/9/task/10/comm': 'CPU 0/KVM\n' };
  assert.deepEqual(readQemuThreads(comm, 9), []);
  assert.deepEqual(readQemuThreads({ ...comm, 'proc/9/task/10/status': '' }, 9), []);
  assert.throws(() => readQemuThreads({ ...comm, 'proc/9/task/10/status': status('0-', '0') }, 9), {
    code: 'BERTH_FACTS_INVALID',
    message: /^Cpus_allowed_list of thread 10: /,
  });
  assert.deepEqual(qemuThreadFiles(9), ['proc/9/task/*/comm', 'proc/9/task/*/status']);
});

test('numa_maps tells how much memory lies on which cell, by page size', () => {
  const use = parseNumaMaps(
    [
      '559779f00000 default file=/usr/bin/qemu\\040N7=9 mapped=2 N0=2 kernelpagesize_kB=4',
      '559779f0a000 default heap anon=7 dirty=7 active=0 N0=3 N1=4 kernelpagesize_kB=4',
      '7f2a00000000 bind:1 file=/dev/hugepages/libvirt/qemu/1-web1/qemu huge dirty=5 N1=5 kernelpagesize_kB=2048',
      '7ffd00000000 default stack',
      '',
    ].join('\n'),
  );
  assert.deepEqual(use, [
    { cell: 0, pageKiB: 4, bytes: 5 * 4096 },
    { cell: 1, pageKiB: 4, bytes: 4 * 4096 },
    { cell: 1, pageKiB: 2048, bytes: 5 * 2 * 1024 ** 2 },
  ]);
});

test('meminfo is read in bytes, of the machine and of a cell', () => {
  const machine = parseMeminfo(
    'MemTotal:       16 kB\nHugePages_Total:       3\nActive(anon):   2 kB\n',
  );
  assert.deepEqual(
    [...machine],
    [
      ['MemTotal', 16 * 1024],
      ['HugePages_Total', 3],
      ['Active(anon)', 2048],
    ],
  );
  const cell = parseMeminfo('Node 12 MemTotal:       16 kB\nNode 12 HugePages_Free:     2\n');
  assert.deepEqual(
    [...cell],
    [
      ['MemTotal', 16 * 1024],
      ['HugePages_Free', 2],
    ],
  );
});
