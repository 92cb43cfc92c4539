import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  parseDependencies,
  parseInstallList,
  parseKernelDependency,
} from '../../../src/lab/system/debian-packages.ts';

test('the kernel that a metapackage stands for is found with its version', () => {
  const description = `Package: linux-image-cloud-amd64
Provides: linux-latest-modules-6.1.0-44-cloud-amd64
Depends: linux-base, linux-image-6.1.0-44-cloud-amd64 (= 6.1.164-1)
Description: Linux for x86-64 cloud (meta-package)
`;
  const expected = 'linux-image-6.1.0-44-cloud-amd64=6.1.164-1';
  assert.equal(parseKernelDependency(description), expected);
  assert.equal(parseKernelDependency('Depends: linux-image-6.12\n'), 'linux-image-6.12');
  assert.equal(parseKernelDependency('Package: x\n'), undefined);
});

test('what would be installed is read with its architecture, a foreign one by its own name', () => {
  const text = `NOTE: This is only a simulation!
Inst gcc-12-base (12.2.0-14+deb12u1 Debian:12.15/oldstable [amd64])
Inst libc6 (2.36-9+deb12u14 Debian:12.15/oldstable, Debian-Security:12/oldstable-security [amd64]) []
Inst libfoo [1.0] (1.1 Debian:12.15/oldstable [amd64])
Inst libc6:arm64 (2.36-9+deb12u14 Debian:12.15/oldstable [arm64])
Inst init-system-helpers (1.65.2+deb12u1 Debian:12.15/oldstable [all])
Conf libc6 (2.36-9+deb12u14 Debian:12.15/oldstable [amd64])
`;
  assert.deepEqual(
    [...parseInstallList(text)],
    [
      ['gcc-12-base', 'amd64'],
      ['libc6', 'amd64'],
      ['libfoo', 'amd64'],
      ['libc6:arm64', 'arm64'],
      ['init-system-helpers', 'all'],
    ],
  );
});

test('dependencies are read with their alternatives and the providers of what is virtual', () => {
  const text = `qemu-guest-agent
  PreDepends: init-system-helpers
  Depends: libc6
 |Depends: default-logger
  Depends: <system-log-daemon>
    busybox-syslogd
    rsyslog
  Depends: <perl:any>
    perl
libnuma1:arm64
  Depends: libc6:arm64
`;
  assert.deepEqual(parseDependencies(text), [
    'init-system-helpers',
    'libc6',
    'default-logger',
    'system-log-daemon',
    'busybox-syslogd',
    'rsyslog',
    'perl:any',
    'perl',
    'libc6:arm64',
  ]);
});
