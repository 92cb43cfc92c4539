import assert from 'node:assert/strict';
import { chown, copyFile, lstat, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { PrivateHost } from '../../../src/lab/private-host/private-host.ts';
import { runCommand } from '../../../src/lab/system/run-command.ts';
import { startSessionHost } from '../../../src/lab/private-host/session-host.ts';
import { isBerthError } from '../../../src/base/errors.ts';
import { buildTestImage, labUnmetNeed } from '../lab-host.ts';
import { OTHER_USER, otherUserUnmetNeed } from '../other-user.ts';
import { BOOT_DEADLINE_MS, readLog, tinyGuestXml, until } from '../tiny-guest.ts';

const skip = (await labUnmetNeed()) ?? otherUserUnmetNeed() ?? false;
const USER = OTHER_USER;

describe('a session host', { skip, concurrency: false }, () => {
  test('boots a guest for an ordinary user, is adopted, and its stop leaves nothing', async (t) => {
    const dir = await userFolder(t);
    const host = await asUser('start', dir);
    assert.equal((await stat(host.socket)).uid, USER);
    assert.equal((await asUser('start', dir)).pid, host.pid);
    const xml = join(dir, 'images', 'guest.xml');
    const image = await userImage(dir);
    const guest = tinyGuestXml({ image, images: host.images }, 'ordinary');
    await writeFile(xml, guest);
    await asUserRuns('virsh', '-q', '-c', host.uri, 'create', xml);
    const log = join(host.images.outside, 'ordinary.log');
    const ready = async (): Promise<boolean> => /READY \d/.test(await readLog(log));
    await until('READY', BOOT_DEADLINE_MS, ready);
    await asUser('stop', dir);
    await assert.rejects(lstat(host.socket), { code: 'ENOENT' });
    assert.deepEqual(await userProcesses(dir), []);
  });

  test('has no usable kvm node when it is to be hidden', async (t) => {
    if ((await lstat('/dev/kvm').catch(() => undefined)) === undefined) {
      return t.skip('needs: /dev/kvm');
    }
    const dir = await userFolder(t);
    const host = await asUser('start-hidden', dir);
    const node = await stat(`/proc/${host.pid}/root/dev/kvm`);
    assert.deepEqual([node.isFile(), node.mode & 0o777], [true, 0]);
    assert.equal((await stat('/dev/kvm')).isCharacterDevice(), true);
    await asUser('stop', dir);
  });

  test('is reached again after its link in /tmp was tidied away', async (t) => {
    const dir = await userFolder(t);
    const { socket, uri } = await asUser('start', dir);
    const link = dirname(dirname(dirname(socket)));
    await rm(link);
    assert.equal((await asUser('find', dir)).socket, socket);
    await asUserRuns('virsh', '-q', '-c', uri, 'version');
    await rm(link);
    await asUserRuns('mkdir', '-p', join(link, 'c', 'libvirt')); // as libvirtd does for a guest
    await asUser('stop', dir);
    await assert.rejects(lstat(link), { code: 'ENOENT' });
    await asUserRuns('mkdir', link);
    await asUser('start', dir);
    await asUserRuns('virsh', '-q', '-c', uri, 'version');
    await asUser('stop', dir);
  });

  test('is not found where its link in /tmp has become one to somebody else', async (t) => {
    const dir = await userFolder(t);
    const { socket } = await asUser('start', dir);
    const link = dirname(dirname(dirname(socket)));
    await rm(link);
    await symlink('/nowhere', link); // by root, of another user that is
    t.after(async () => rm(link, { force: true }));
    await assert.rejects(asUser('find', dir), /BERTH_PERMISSION|in its place/);
    await rm(link);
    assert.equal((await asUser('find', dir)).socket, socket);
    await asUser('stop', dir);
  });

  test('is refused to root', async () => {
    const start = startSessionHost({ dir: '/nowhere', name: 'x', hideKvm: false });
    await assert.rejects(start, (error) => isBerthError(error, 'BERTH_PERMISSION'));
  });
});

/** A folder for a host, which is ended and removed with it even when the test fails. */
async function userFolder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'berth-session-'));
  await chown(dir, USER, USER);
  t.after(async () => {
    await asUser('stop', dir);
    await rm(dir, { recursive: true });
  });
  return dir;
}

async function userImage(dir: string): Promise<{ kernel: string; initrd: string }> {
  const built = await buildTestImage();
  const image = { kernel: join(dir, 'images/vmlinuz'), initrd: join(dir, 'images/initrd.gz') };
  await copyFile(built.kernel, image.kernel);
  await copyFile(built.initrd, image.initrd);
  return image;
}

async function asUser(what: string, dir: string): Promise<PrivateHost> {
  const script = fileURLToPath(new URL('session-host-as-user.ts', import.meta.url));
  return JSON.parse(await asUserRuns(process.execPath, script, what, dir)) as PrivateHost;
}

async function asUserRuns(...argv: readonly string[]): Promise<string> {
  const user = ['setpriv', '--reuid', `${USER}`, '--regid', `${USER}`, '--clear-groups'] as const;
  const { stdout } = await runCommand([...user, ...argv], { deadlineMs: 90_000 });
  return stdout;
}

async function userProcesses(dir: string): Promise<readonly string[]> {
  const { stdout } = await runCommand(['ps', '-o', 'pid=,stat=,args=', '-U', `${USER}`], {
    deadlineMs: 10_000,
  }).catch(() => ({ stdout: '' }));
  return stdout.split('\n').filter((line) => line.includes(dir) && !/^\s*\d+ Z/.test(line));
}
