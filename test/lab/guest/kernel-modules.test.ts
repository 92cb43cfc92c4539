import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modulesToLoad, parseModulesDep } from '../../../src/lab/guest/kernel-modules.ts';

const DEP = `kernel/drivers/virtio/virtio_ring.ko:
kernel/drivers/virtio/virtio.ko: kernel/drivers/virtio/virtio_ring.ko
kernel/drivers/net/virtio_net.ko: kernel/net/core/failover.ko kernel/drivers/virtio/virtio.ko kernel/drivers/virtio/virtio_ring.ko
kernel/net/core/failover.ko:
kernel/drivers/char/hw_random/virtio-rng.ko.xz: kernel/drivers/virtio/virtio.ko kernel/drivers/virtio/virtio_ring.ko
`;

test('modules come after all that they need, each once', () => {
  const files = modulesToLoad(['virtio_net', 'virtio_rng'], parseModulesDep(DEP), '');
  assert.deepEqual(files, [
    'kernel/drivers/virtio/virtio_ring.ko',
    'kernel/drivers/virtio/virtio.ko',
    'kernel/net/core/failover.ko',
    'kernel/drivers/net/virtio_net.ko',
    'kernel/drivers/char/hw_random/virtio-rng.ko.xz',
  ]);
});

test('a module that is built in needs no file; one that is nowhere is named', () => {
  const builtin = 'kernel/drivers/acpi/button.ko\n';
  assert.deepEqual(modulesToLoad(['button'], parseModulesDep(DEP), builtin), []);
  assert.throws(() => modulesToLoad(['evdev'], parseModulesDep(DEP), builtin), /no module evdev/);
});
