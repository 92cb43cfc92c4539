import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBerthError } from '../../src/base/errors.ts';
import { parseOsRelease } from '../../src/local/machine.ts';
import {
  familyOf,
  installCommand,
  notInstalled,
  packagesNeeded,
} from '../../src/local/packages.ts';

const family = (text: string) => familyOf(parseOsRelease(text));

test('a distribution is known by its own name or by the one it descends from', () => {
  assert.equal(family('ID=debian\n'), 'debian');
  assert.equal(family('ID=linuxmint\nID_LIKE="ubuntu debian"\n'), 'debian');
  assert.equal(family('ID="rocky"\nID_LIKE="rhel centos fedora"\n'), 'fedora');
  assert.equal(family('ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"\n'), 'suse');
  assert.equal(family('ID=opensuse-leap\n'), 'suse');
  assert.equal(family('ID=manjaro\nID_LIKE=arch\n'), 'arch');
  assert.equal(family('ID=alpine\n'), 'alpine');
  assert.equal(family('ID=nixos\n'), undefined);
  assert.equal(family(''), undefined);
});

test('only packages that dpkg calls installed count as there', () => {
  const statuses =
    'installed kmod\nconfig-files qemu-utils\nunpacked iproute2\nnot-installed foo\n';
  const wanted = ['kmod', 'qemu-utils', 'iproute2', 'busybox-static'];
  assert.deepEqual(notInstalled(wanted, statuses), ['qemu-utils', 'iproute2', 'busybox-static']);
});

test('an ordinary user is told to use sudo, root is not', () => {
  assert.equal(
    installCommand('debian', ['kmod'], 1000),
    'sudo apt-get install --no-install-recommends kmod',
  );
  assert.equal(installCommand('fedora', ['kmod', 'iproute'], 0), 'dnf install kmod iproute');
});

test('on another distribution the packages are named with its own command', () => {
  const error = packagesNeeded(parseOsRelease('ID=fedora\n'), 1000, ['libvirtd']);
  assert.ok(isBerthError(error, 'BERTH_PACKAGES_NEEDED'));
  assert.ok(error.data.packages.includes('libvirt-daemon-kvm'));
  assert.match(error.hint, /sudo dnf install .*libvirt-daemon-kvm/);
});

test('on an unknown distribution the missing programs are named', () => {
  const os = parseOsRelease('ID=nixos\nPRETTY_NAME="NixOS 25"\n');
  const error = packagesNeeded(os, 0, ['libvirtd', 'virsh']);
  assert.ok(isBerthError(error, 'BERTH_PACKAGES_NEEDED'));
  assert.deepEqual(error.data.packages, ['libvirtd', 'virsh']);
  assert.match(error.hint, /NixOS 25/);
});
