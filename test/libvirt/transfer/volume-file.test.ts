import assert from 'node:assert/strict';
import { chmod, chown, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { VolumeFile } from '../../../src/libvirt/transfer/volume-file.ts';

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'berth-file-'));
  t.after(() => rm(dir, { recursive: true }));
  return dir;
}

async function replace(path: string): Promise<void> {
  const file = await VolumeFile.make(path);
  await file.write(Buffer.from('new'));
  await file.finish();
  await file.letGo();
  assert.equal(await readFile(path, 'utf8'), 'new');
}

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o7777;
}

describe('the file of a download', () => {
  test('is for its owner alone when it is new', async (t) => {
    const dir = await folder(t);
    await replace(join(dir, 'new'));
    assert.equal(await modeOf(join(dir, 'new')), 0o600);
    assert.deepEqual(await readdir(dir), ['new']);
  });

  test('may be read by those who could read the one that was there', async (t) => {
    const path = join(await folder(t), 'old');
    for (const mode of [0o600, 0o640, 0o666, 0o400]) {
      await writeFile(path, 'old');
      await chmod(path, mode);
      await replace(path);
      assert.equal(await modeOf(path), mode);
      await rm(path);
    }
  });

  const skip = process.getuid?.() === 0 ? false : 'needs: root, who can give files away';
  test('belongs to whom it belonged', { skip }, async (t) => {
    const path = join(await folder(t), 'theirs');
    await writeFile(path, 'old');
    await chown(path, 12_345, 23_456);
    await chmod(path, 0o640);
    await replace(path);
    const { uid, gid } = await stat(path);
    assert.deepEqual([uid, gid, await modeOf(path)], [12_345, 23_456, 0o640]);
  });
});
