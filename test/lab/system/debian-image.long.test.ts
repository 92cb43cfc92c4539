import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isBerthError } from '../../../src/base/errors.ts';
import { GIB } from '../../../src/base/units.ts';
import { buildDebianImage } from '../../../src/lab/system/debian-image.ts';
import { missingPrograms } from '../../../src/lab/system/system-path.ts';
import { until } from '../tiny-guest.ts';

const missing = await missingPrograms(['apt-get', 'mmdebstrap', 'mke2fs', 'qemu-img']);
const unmet = process.getuid?.() === 0 ? missing : ['root'];
const skip = unmet.length === 0 ? false : `needs: ${unmet.join(', ')}`;

const recipe = {
  name: 'debian',
  suite: 'bookworm',
  packages: [],
  kernel: 'linux-image-cloud',
  bootModules: ['virtio_blk'],
  files: [],
  sizeBytes: GIB,
  arch: 'x86_64',
} as const;

describe('the making of a Debian image', { skip }, () => {
  test('leaves nothing when it is aborted in the midst of the packages', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'berth-debian-'));
    const aborter = new AbortController();
    const build = buildDebianImage({ ...recipe, dir, signal: aborter.signal });
    build.catch(() => undefined);
    await untilPackagesCome(dir);
    aborter.abort();
    await assert.rejects(build, (error) => isBerthError(error, 'BERTH_INTERRUPTED'));
    assert.deepEqual(await readdir(dir), []);
    await assertNoMount(dir);
    await rm(dir, { recursive: true });
  });

  test('ends with its builder, and the next one removes what that left', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'berth-debian-'));
    const script = fileURLToPath(new URL('build-debian-image.ts', import.meta.url));
    const builder = spawn(process.execPath, [script, dir, JSON.stringify(recipe)]);
    await untilPackagesCome(dir);
    builder.kill('SIGKILL');
    await once(builder, 'exit');
    await assertNoMount(dir);
    const aborter = new AbortController();
    const before = await readdir(dir);
    const next = buildDebianImage({
      ...recipe,
      dir,
      signal: aborter.signal,
      progress: () => aborter.abort(),
    });
    await assert.rejects(next, (error) => isBerthError(error, 'BERTH_INTERRUPTED'));
    assert.deepEqual([before.length, await readdir(dir)], [1, []]);
    await rm(dir, { recursive: true });
  });
});

/** By then mmdebstrap has mounted and runs programs in the new root. */
async function untilPackagesCome(dir: string): Promise<void> {
  await until('a first file of the root', 120_000, async () => {
    const [partial] = await readdir(dir);
    const root = join(dir, partial ?? '', 'work', 'root', 'usr', 'bin');
    return (await readdir(root).catch(() => [])).length > 0;
  });
}

async function assertNoMount(dir: string): Promise<void> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  assert.ok(!mounts.includes(dir), mounts);
}
