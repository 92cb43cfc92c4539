import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkedText } from '../../src/cli/checked-text.ts';

test('many vCPUs take no more room than one', () => {
  const vcpus = (source: string) =>
    Array.from({ length: 128 }, (_, id) => `vcpu ${id} affinity (${source})`);
  assert.equal(
    checkedText([...vcpus('libvirt'), 'memory mode (libvirt)', ...vcpus('kernel')]),
    'libvirt: 128 vCPUs, memory mode; kernel: 128 vCPUs',
  );
  assert.equal(checkedText(['vcpu 0 affinity (kernel)']), 'kernel: 1 vCPU');
});

test('a check of another form is kept as it is', () => {
  assert.equal(checkedText(['vcpu affinity', 'memory policy']), 'vcpu affinity, memory policy');
});
