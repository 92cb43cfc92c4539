import assert from 'node:assert/strict';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { connect, connectGetUri } from '../../../src/libvirt/index.ts';
import { coded } from '../../refusal.ts';
import { daemon, skip, WAIT } from '../daemon.ts';

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'berth-sockets-'));
  t.after(async () => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** What the daemon behind a URI says that it has opened. */
async function opened(uri: string, systemDir: string): Promise<string> {
  const environment = { uid: 0, systemDir };
  await using connection = await connect(uri, { environment }, WAIT);
  return (await connection.call(connectGetUri, {}, WAIT)).uri;
}

describe('a unix socket', { skip }, () => {
  test('of a daemon for one driver is found by its name, and the one for all else', async (t) => {
    const dir = await folder(t);
    const { socket } = await daemon();
    for (const [name, ...uris] of [
      ['virtqemud-sock', 'qemu:///system'],
      ['virtnetworkd-sock', 'network:///system'],
      ['virtstoraged-sock', 'storage:///system'],
      ['virtnodedevd-sock', 'nodedev:///system'],
      ['virtsecretd-sock', 'secret:///system'],
      ['virtnwfilterd-sock', 'nwfilter:///system'],
      ['virtinterfaced-sock', 'interface:///system'],
      ['libvirt-sock', 'qemu:///system', 'network:///system', 'test:///default'],
    ] as const) {
      await symlink(socket, join(dir, name));
      for (const uri of uris) assert.equal(await opened(uri, dir), uri, name);
      await rm(join(dir, name));
    }
  });

  test('is chosen as the mode says', async (t) => {
    const dir = await folder(t);
    const { socket } = await daemon();
    await symlink(socket, join(dir, 'libvirt-sock'));
    await writeFile(join(dir, 'virtqemud-sock'), 'no socket');
    assert.equal(await opened('qemu:///system?mode=legacy', dir), 'qemu:///system');
    for (const uri of ['qemu:///system', 'qemu:///system?mode=direct']) {
      await assert.rejects(opened(uri, dir), coded('BERTH_CONNECTION_CLOSED', /virtqemud-sock/));
    }
  });

  test('that is none is called what it is', async (t) => {
    const dir = await folder(t);
    await writeFile(join(dir, 'file'), 'no socket');
    for (const [path, said] of [
      [dir, /this is a folder, not a socket/],
      [join(dir, 'file'), /this is a regular file, not a socket/],
    ] as const) {
      const attempt = connect(`qemu:///system?socket=${path}`, { environment: { uid: 0 } }, WAIT);
      await assert.rejects(attempt, coded('BERTH_CONNECTION_CLOSED', said));
    }
  });

  test('that is missing is named, with what would be there', async (t) => {
    const dir = await folder(t);
    const missing = coded('BERTH_CONNECTION_CLOSED', /libvirt-sock.*no such socket/);
    await assert.rejects(opened('qemu:///system', dir), missing);
    const session = connect('qemu:///session', { environment: { uid: 1, runtimeDir: dir } }, WAIT);
    await assert.rejects(session, (error) => {
      assert.ok(coded('BERTH_CONNECTION_CLOSED', /no such socket/)(error));
      assert.match((error as { hint: string }).hint, /virsh -c qemu:\/\/\/session/);
      return true;
    });
  });
});
