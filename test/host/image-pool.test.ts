import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isVolumeOf, volumeName } from '../../src/host/image-pool.ts';
import { VM_NAME } from '../../src/model/vm-spec.ts';

const vmName = fc.stringMatching(VM_NAME);
const diskName = fc.stringMatching(/^[a-z][a-z0-9-]{0,19}$/);

function nameOf(vm: string, disk: string): string {
  return volumeName(vm, { name: disk, device: 'disk', bus: 'virtio', cache: 'none' });
}

test('disks of different VMs never have the same name, and each is known as its own VM’s', () => {
  fc.assert(
    fc.property(vmName, diskName, vmName, diskName, (vm, disk, otherVm, otherDisk) => {
      const isSame = vm === otherVm && disk === otherDisk;
      assert.equal(nameOf(vm, disk) === nameOf(otherVm, otherDisk), isSame);
      assert.ok(isVolumeOf(vm, nameOf(vm, disk)));
      assert.equal(isVolumeOf(vm, nameOf(otherVm, otherDisk)), vm === otherVm);
    }),
  );
});

test('an image, another VM’s disk and a name within a folder are not a VM’s own', () => {
  const names = ['web.iso', 'debian.qcow2', 'web2.root.qcow2', 'web.a.root.qcow2', 'web./x.qcow2'];
  for (const name of names) assert.ok(!isVolumeOf('web', name), name);
});
