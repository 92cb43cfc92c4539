import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cgroupPlaces } from '../../../src/lab/private-host/host-cgroups.ts';

const mount = (type: string, path: string, options: string, root = '/'): string =>
  `30 23 0:26 ${root} ${path} rw,nosuid shared:9 - ${type} ${type} rw,${options}`;

describe('the cgroups of the caller', () => {
  test('in version 1 are one of each hierarchy with controllers, below the mount’s own root', () => {
    const self = [
      '12:cpu,cpuacct:/a',
      '4:memory:/docker/77/b',
      '2:name=systemd:/s',
      '1:pids:/',
      '0::/u',
    ].join('\n');
    const mounts = [
      mount('cgroup2', '/sys/fs/cgroup/unified', ''),
      mount('cgroup', '/sys/fs/cgroup/cpu,cpuacct', 'cpu,cpuacct'),
      mount('cgroup', '/sys/fs/cgroup/memory', 'memory', '/docker/77'),
      mount('cgroup', '/sys/fs/cgroup/pids', 'pids'),
      mount('cgroup', '/sys/fs/cgroup/systemd', 'name=systemd'),
    ].join('\n');
    assert.deepEqual(cgroupPlaces(self, mounts), [
      { version: 1, controllers: 'cpu,cpuacct', path: '/sys/fs/cgroup/cpu,cpuacct/a' },
      { version: 1, controllers: 'memory', path: '/sys/fs/cgroup/memory/b' },
      { version: 1, controllers: 'pids', path: '/sys/fs/cgroup/pids' },
    ]);
  });

  test('in version 2 are one', () => {
    const places = cgroupPlaces(
      '0::/user.slice/x\n',
      mount('cgroup2', '/sys/fs/cgroup', 'nsdelegate'),
    );
    assert.deepEqual(places, [
      { version: 2, controllers: '', path: '/sys/fs/cgroup/user.slice/x' },
    ]);
  });

  test('are none where none is mounted', () => {
    assert.deepEqual(cgroupPlaces('5:memory:/\n0::/\n', ''), []);
  });
});
