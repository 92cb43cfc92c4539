import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isShownOtherMachine } from '../../src/facts/shown-machine.ts';

const ROOT = '23 1 254:0 / / rw,relatime - ext4 /dev/vda rw';
const SYSFS = '24 23 0:21 / /sys rw,nosuid shared:7 - sysfs sysfs rw';
const CGROUP = '25 24 0:22 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw';

const shown = (...lines: readonly string[]): boolean => isShownOtherMachine(lines.join('\n'));

test('sysfs with other file systems elsewhere below it shows the machine that is there', () => {
  assert.ok(!shown(ROOT, SYSFS, CGROUP, ''));
});

test('a folder that is mounted over the CPUs, or over the cells alone, shows another machine', () => {
  const over = (path: string): string => `31 24 254:0 /sys-tree/x ${path} rw - ext4 /dev/vda rw`;
  assert.ok(shown(ROOT, SYSFS, over('/sys/devices/system/cpu')));
  assert.ok(shown(ROOT, SYSFS, over('/sys/devices/system/node')));
  assert.ok(shown(ROOT, SYSFS, over('/sys/devices/system')));
  assert.ok(!shown(ROOT, SYSFS, over('/sys/devices/system/cpu2')));
});

test('of several mounts on one place the last one counts', () => {
  const files = '31 24 0:40 / /sys/devices/system/cpu rw - fuse.lxcfs lxcfs rw';
  const again = '32 24 0:21 /devices/system/cpu /sys/devices/system/cpu rw - sysfs sysfs rw';
  assert.ok(shown(ROOT, SYSFS, files));
  assert.ok(!shown(ROOT, SYSFS, files, again));
});

test('where nothing is told of mounts, nothing is claimed', () => {
  assert.ok(!shown(''));
});
