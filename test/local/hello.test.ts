import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseVmDocument } from '../../src/api/vm-spec.ts';
import { helloDocument } from '../../src/local/hello.ts';

const BOOT = { kernel: '/var/lib/berth/images/k/vmlinuz', initrd: '/a b/initrd.gz' };

test('the document of the first VM is one that the API takes', () => {
  for (const policy of ['shared', 'dedicated'] as const) {
    const spec = parseVmDocument(helloDocument('node7', BOOT, policy));
    assert.equal(spec.name, 'hello');
    assert.equal(spec.cpu.count, 1);
    assert.equal(spec.cpu.policy, policy);
    assert.equal(spec.boot.kernel, BOOT.kernel);
    assert.equal(spec.boot.initrd, BOOT.initrd);
    assert.deepEqual(spec.hosts, ['node7']);
    assert.deepEqual(spec.disks, []);
    assert.deepEqual(spec.nics, [{ kind: 'user', model: 'virtio' }]);
  }
});

test('the first VM says its name and has its console on the serial port', () => {
  const { cmdline } = helloDocument('node7', BOOT, 'shared').spec.boot;
  assert.ok(cmdline.split(' ').includes('console=ttyS0'));
  assert.ok(cmdline.split(' ').includes('berth.hostname=hello'));
});
