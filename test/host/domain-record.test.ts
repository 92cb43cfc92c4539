import assert from 'node:assert/strict';
import { test } from 'node:test';
import { domainRecord, isActive, stateOf } from '../../src/host/domain-record.ts';

const foreign = (inside: string): string =>
  `<domain type='kvm'><name>old</name><uuid>5f1d3a52-0c5e-4a5e-9d55-0d9a4b3a1c02</uuid>
   <memory unit='GiB'>4</memory>${inside}</domain>`;

test('a vCPU pinned to one pCPU is counted as having it, the others as floating', () => {
  const { seat } = domainRecord(
    foreign(`<vcpu cpuset='2-5'>3</vcpu><cputune><vcpupin vcpu='0' cpuset='7'/></cputune>`),
    'running',
  );
  assert.deepEqual(seat.dedicated, [7]);
  assert.deepEqual(seat.floating, { vcpus: 2, over: [2, 3, 4, 5] });
});

test('a domain without pins floats over everything', () => {
  const { seat } = domainRecord(foreign(`<vcpu current='2'>8</vcpu>`), 'running');
  assert.deepEqual(seat.floating, { vcpus: 2 });
  assert.deepEqual(seat.memory, [{ bytes: 4 * 1024 ** 3, pageKiB: 4 }]);
});

test('memory counts on a cell only where it must lie there', () => {
  const memory = (numatune: string) =>
    domainRecord(foreign(`<vcpu>1</vcpu><numatune>${numatune}</numatune>`), 'running').seat.memory;
  const bytes = 4 * 1024 ** 3;
  assert.deepEqual(memory(`<memory mode='strict' nodeset='1'/>`), [{ cell: 1, bytes, pageKiB: 4 }]);
  assert.deepEqual(memory(`<memory mode='strict' nodeset='0-1'/>`), [{ bytes, pageKiB: 4 }]);
  assert.deepEqual(memory(`<memory mode='preferred' nodeset='1'/>`), [{ bytes, pageKiB: 4 }]);
});

test('guest cells with a binding each are counted where each lies, in their page size', () => {
  const { seat } = domainRecord(
    foreign(`<vcpu>2</vcpu>
      <memoryBacking><hugepages><page size='1' unit='GiB'/></hugepages></memoryBacking>
      <numatune><memnode cellid='0' mode='strict' nodeset='3'/><memnode cellid='1' mode='strict' nodeset='2'/></numatune>
      <cpu><numa><cell id='0' cpus='0' memory='1' unit='GiB'/><cell id='1' cpus='1' memory='3' unit='GiB'/></numa></cpu>`),
    'running',
  );
  assert.deepEqual(seat.memory, [
    { cell: 3, bytes: 1024 ** 3, pageKiB: 1_048_576 },
    { cell: 2, bytes: 3 * 1024 ** 3, pageKiB: 1_048_576 },
  ]);
});

test('a foreign domain that is off takes nothing', () => {
  const { seat } = domainRecord(foreign(`<vcpu cpuset='3'>1</vcpu>`), 'shutoff');
  assert.deepEqual([seat.dedicated, seat.floating.vcpus, seat.memory], [[], 0, []]);
});

test('states are libvirt’s, and one from the future is unknown', () => {
  assert.deepEqual([1, 3, 5, 99].map(stateOf), ['running', 'paused', 'shutoff', 'unknown']);
  assert.deepEqual((['running', 'paused', 'shutoff', 'unknown'] as const).map(isActive), [
    true,
    true,
    false,
    false,
  ]);
});
