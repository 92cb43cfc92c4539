import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { isBerthError } from '../../../src/base/errors.ts';
import { buildGuestImage } from '../../../src/lab/guest/guest-image.ts';
import { machineArch } from '../../../src/lab/system/machine-arch.ts';
import { findProgram } from '../../../src/lab/system/system-path.ts';

const arch = machineArch(process.arch);
const apt = (await findProgram('apt-get')) === undefined ? 'needs: apt-get' : false;

/** All but kernel modules, whose names and number are each kernel's own. */
const PLAIN_FILES = [
  'bin',
  'bin/busybox',
  'bin/sh',
  'dev',
  'dev/console',
  'etc',
  'etc/acpi',
  'etc/acpi/PWRF',
  'etc/acpi/PWRF/00000080',
  'etc/modules',
  'etc/udhcpc.sh',
  'init',
  'lib',
  'lib/modules',
  'mnt',
  'proc',
  'root',
  'run',
  'sbin',
  'sys',
  'tmp',
  'usr',
  'usr/bin',
  'var',
  'var/run',
];

describe('the guest image', { skip: apt }, () => {
  test('is built once, whole, and holds what the guest needs and no more', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'berth-image-'));
    await mkdir(join(dir, 'partial.1.1.left-by-a-killed-builder'));
    const steps: string[] = [];
    const image = await buildGuestImage({ dir, arch, progress: (step) => steps.push(step) });
    assert.ok(steps.includes('initramfs'));
    assert.equal((await readdir(dir)).length, 1, 'nothing half-made is kept');
    const files = await listFiles(image.initrd);
    assert.deepEqual(
      files.filter((file) => !file.endsWith('.ko')),
      PLAIN_FILES,
    );
    assert.ok(files.includes('lib/modules/virtio_blk.ko'));
    assert.ok((await stat(image.initrd)).size < 2e6);
    assert.ok((await stat(image.kernel)).size > 1e6);
    const again: string[] = [];
    const kept = await buildGuestImage({ dir, arch, progress: (step) => again.push(step) });
    assert.deepEqual([kept, again], [image, []]);
    await rm(dir, { recursive: true });
  });

  test('with an agent has all that the agent needs, beside what the plain one has', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'berth-image-'));
    const image = await buildGuestImage({ dir, arch, agent: true });
    const files = await listFiles(image.initrd);
    for (const file of PLAIN_FILES) assert.ok(files.includes(file), file);
    for (const file of ['bin/qemu-ga', 'bin/shutdown', 'etc/rc.local', 'lib/libc.so.6']) {
      assert.ok(files.includes(file), file);
    }
    assert.ok(files.some((file) => /^lib\/modules\/.+\/8021q\.ko$/.test(file)));
    assert.equal(new Set(files).size, files.length, 'nothing is there twice');
    assert.ok((await stat(image.initrd)).size < 6e6);
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

async function listFiles(initrd: string): Promise<readonly string[]> {
  const input = gunzipSync(await readFile(initrd));
  const { stdout } = spawnSync('cpio', ['-t', '--quiet'], { input, encoding: 'utf8' });
  return stdout.trim().split('\n').toSorted();
}
