import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { isBerthError } from '../../../src/base/errors.ts';
import { parseKernelDependency } from '../../../src/lab/system/debian-packages.ts';
import { isStaticProgram } from '../../../src/lab/guest/elf-file.ts';
import { buildGuestImage } from '../../../src/lab/guest/guest-image.ts';
import { machineArch } from '../../../src/lab/system/machine-arch.ts';
import { findProgram } from '../../../src/lab/system/system-path.ts';

const arch = machineArch(process.arch);
const apt = (await findProgram('apt-get')) === undefined ? 'needs: apt-get' : false;

describe('the guest image', { skip: apt }, () => {
  test('is built once, whole, and holds what the guest needs', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'berth-image-'));
    await mkdir(join(dir, 'partial.1.1.left-by-a-killed-builder'));
    const steps: string[] = [];
    const image = await buildGuestImage({ dir, arch, progress: (step) => steps.push(step) });
    assert.ok(steps.includes('initramfs'));
    assert.equal((await readdir(dir)).length, 1, 'nothing half-made is kept');
    const { stdout } = spawnSync('cpio', ['-t', '--quiet'], {
      input: gunzipSync(await readFile(image.initrd)),
      encoding: 'utf8',
    });
    for (const path of ['init', 'bin/busybox', 'etc/modules', 'etc/acpi/PWRF/00000080']) {
      assert.ok(stdout.split('\n').includes(path), path);
    }
    assert.ok((await stat(image.kernel)).size > 1e6);
    const again: string[] = [];
    const kept = await buildGuestImage({ dir, arch, progress: (step) => again.push(step) });
    assert.deepEqual([kept, again], [image, []]);
    await rm(dir, { recursive: true });
  });

  test('leaves nothing when its making is aborted', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'berth-image-'));
    const aborter = new AbortController();
    const build = buildGuestImage({
      dir,
      arch,
      signal: aborter.signal,
      progress: () => setImmediate(() => aborter.abort()),
    });
    await assert.rejects(build, (error) => isBerthError(error, 'BERTH_INTERRUPTED'));
    assert.deepEqual(await readdir(dir), []);
    await rm(dir, { recursive: true });
  });
});

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

test('a program that needs a loader, or is none, is not taken for a static one', async () => {
  assert.equal(isStaticProgram(await readFile(process.execPath), arch), false);
  assert.equal(isStaticProgram(Buffer.from('#!/bin/sh\n'), arch), false);
  const busybox = await readFile('/bin/busybox').catch(() => undefined);
  if (busybox !== undefined) {
    const other = arch === 'x86_64' ? 'aarch64' : 'x86_64';
    assert.equal(isStaticProgram(busybox, other), false);
  }
});
