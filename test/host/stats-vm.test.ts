import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeFiguresOf } from '../../src/host/stats-node.ts';
import { vmStatsOf } from '../../src/host/stats-vm.ts';
import type { TypedParam } from '../../src/libvirt/index.ts';

const DOMAIN = { name: 'cap', uuid: '2f2f0b35-6a43-4a5e-9d67-4a8f1e6b1f11' };

/** What libvirt 9.0 answered for a running guest with one vCPU, one disk and one NIC. */
const RUNNING: readonly TypedParam[] = [
  { field: 'state.state', type: 'int', value: 1 },
  { field: 'state.reason', type: 'int', value: 1 },
  { field: 'cpu.time', type: 'ullong', value: 4_273_787_531n },
  { field: 'cpu.user', type: 'ullong', value: 3_700_000_000n },
  { field: 'cpu.system', type: 'ullong', value: 560_000_000n },
  { field: 'cpu.cache.monitor.count', type: 'uint', value: 0 },
  { field: 'balloon.current', type: 'ullong', value: 131_072n },
  { field: 'balloon.maximum', type: 'ullong', value: 131_072n },
  { field: 'balloon.swap_in', type: 'ullong', value: 0n },
  { field: 'balloon.swap_out', type: 'ullong', value: 0n },
  { field: 'balloon.major_fault', type: 'ullong', value: 0n },
  { field: 'balloon.usable', type: 'ullong', value: 71_856n },
  { field: 'balloon.rss', type: 'ullong', value: 218_556n },
  { field: 'vcpu.current', type: 'uint', value: 1 },
  { field: 'vcpu.maximum', type: 'uint', value: 1 },
  { field: 'vcpu.0.state', type: 'int', value: 1 },
  { field: 'vcpu.0.time', type: 'ullong', value: 4_410_000_000n },
  { field: 'vcpu.0.wait', type: 'ullong', value: 0n },
  { field: 'vcpu.0.delay', type: 'ullong', value: 67_834_624n },
  { field: 'net.count', type: 'uint', value: 1 },
  { field: 'net.0.name', type: 'string', value: 'vnet0' },
  { field: 'net.0.rx.bytes', type: 'ullong', value: 516n },
  { field: 'net.0.rx.pkts', type: 'ullong', value: 6n },
  { field: 'net.0.rx.errs', type: 'ullong', value: 0n },
  { field: 'net.0.rx.drop', type: 'ullong', value: 0n },
  { field: 'net.0.tx.bytes', type: 'ullong', value: 426n },
  { field: 'net.0.tx.pkts', type: 'ullong', value: 5n },
  { field: 'net.0.tx.errs', type: 'ullong', value: 0n },
  { field: 'net.0.tx.drop', type: 'ullong', value: 0n },
  { field: 'block.count', type: 'uint', value: 1 },
  { field: 'block.0.name', type: 'string', value: 'vda' },
  { field: 'block.0.path', type: 'string', value: '/var/lib/libvirt/images/d.raw' },
  { field: 'block.0.backingIndex', type: 'uint', value: 1 },
  { field: 'block.0.rd.reqs', type: 'ullong', value: 2n },
  { field: 'block.0.rd.bytes', type: 'ullong', value: 4608n },
  { field: 'block.0.rd.times', type: 'ullong', value: 303_214n },
  { field: 'block.0.wr.reqs', type: 'ullong', value: 0n },
  { field: 'block.0.wr.bytes', type: 'ullong', value: 0n },
  { field: 'block.0.wr.times', type: 'ullong', value: 0n },
  { field: 'block.0.fl.reqs', type: 'ullong', value: 0n },
  { field: 'block.0.fl.times', type: 'ullong', value: 0n },
  { field: 'block.0.allocation', type: 'ullong', value: 0n },
  { field: 'block.0.capacity', type: 'ullong', value: 1_048_576n },
  { field: 'block.0.physical', type: 'ullong', value: 1_048_576n },
];

test('what libvirt answers for a running guest is read in seconds and bytes', () => {
  assert.deepEqual(vmStatsOf(DOMAIN, RUNNING), {
    ...DOMAIN,
    state: 'running',
    cpuSeconds: 4.273787531,
    cpuUserSeconds: 3.7,
    cpuSystemSeconds: 0.56,
    memory: {
      actualBytes: 128 * 1024 ** 2,
      maximumBytes: 128 * 1024 ** 2,
      residentBytes: 218_556 * 1024,
      usableBytes: 71_856 * 1024,
      swapInBytes: 0,
      swapOutBytes: 0,
      majorFaults: 0,
    },
    vcpus: [{ id: 0, seconds: 4.41, waitSeconds: 0, delaySeconds: 0.067834624 }],
    disks: [
      {
        name: 'vda',
        read: { bytes: 4608, requests: 2, seconds: 0.000303214 },
        write: { bytes: 0, requests: 0, seconds: 0 },
        flush: { requests: 0, seconds: 0 },
        capacityBytes: 1_048_576,
        allocationBytes: 0,
      },
    ],
    nics: [
      {
        name: 'vnet0',
        received: { bytes: 516, packets: 6, errors: 0, drops: 0 },
        sent: { bytes: 426, packets: 5, errors: 0, drops: 0 },
      },
    ],
  });
});

test('what is not told is absent and not zero', () => {
  const told: readonly TypedParam[] = [
    { field: 'state.state', type: 'int', value: 5 },
    { field: 'block.count', type: 'uint', value: 2 },
    { field: 'block.0.name', type: 'string', value: 'vda' },
    { field: 'net.count', type: 'uint', value: 1 },
    { field: 'net.0.name', type: 'string', value: 'vnet7' },
    { field: 'net.0.rx.drop', type: 'llong', value: -1n },
  ];
  assert.deepEqual(vmStatsOf(DOMAIN, told), {
    ...DOMAIN,
    state: 'shutoff',
    memory: {},
    vcpus: [],
    disks: [{ name: 'vda', read: {}, write: {}, flush: {} }],
    nics: [{ name: 'vnet7', received: {}, sent: {} }],
  });
});

test('of a domain that is off no CPU time is told, whatever libvirt counts', () => {
  const told: readonly TypedParam[] = [
    { field: 'state.state', type: 'int', value: 5 },
    { field: 'cpu.time', type: 'ullong', value: 912_000_000_000n },
    { field: 'cpu.user', type: 'ullong', value: 700_000_000_000n },
    { field: 'cpu.system', type: 'ullong', value: 212_000_000_000n },
  ];
  const { cpuSeconds, cpuUserSeconds, cpuSystemSeconds } = vmStatsOf(DOMAIN, told);
  assert.deepEqual(
    [cpuSeconds, cpuUserSeconds, cpuSystemSeconds],
    [undefined, undefined, undefined],
  );
});

test('a vCPU is known by its number where others were unplugged', () => {
  const told: readonly TypedParam[] = [
    { field: 'vcpu.current', type: 'uint', value: 2 },
    { field: 'vcpu.maximum', type: 'uint', value: 11 },
    { field: 'vcpu.10.state', type: 'int', value: 1 },
    { field: 'vcpu.2.state', type: 'int', value: 1 },
    { field: 'vcpu.2.time', type: 'ullong', value: 1_000_000_000n },
  ];
  assert.deepEqual(vmStatsOf(DOMAIN, told).vcpus, [{ id: 2, seconds: 1 }, { id: 10 }]);
});

test('a count of devices that cannot be is not believed', () => {
  const told: readonly TypedParam[] = [{ field: 'block.count', type: 'uint', value: 2 ** 32 - 1 }];
  assert.deepEqual(vmStatsOf(DOMAIN, told).disks, []);
});

test('the figures of a host are read in seconds and bytes, whatever kinds there are', () => {
  const cpu = [
    { field: 'kernel', value: 14_263_850_000_000n },
    { field: 'idle', value: 35_302_920_000_000n },
  ];
  const memory = [{ field: 'total', value: 24_684_084n }];
  assert.deepEqual(nodeFiguresOf(cpu, memory), {
    cpuSeconds: { kernel: 14_263.85, idle: 35_302.92 },
    memoryBytes: { total: 25_276_502_016 },
  });
});
