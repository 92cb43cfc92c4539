import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startNetRig } from './net-rig.ts';

const REFUSED = [
  'qemu+ssh://h/system?keyfile=/root/.ssh/id_ed25519',
  'qemu+ssh://h/system?known_hosts=/root/.ssh/authorized_keys&known_hosts_verify=auto',
  'qemu+ssh://h/system?known_hosts_verify=ignore',
  'qemu+ssh://h/system?netcat=/opt/program',
  'qemu+ssh://h/system?SOCKET=/run/docker.sock',
  'qemu:///system?%73ocket=/run/docker.sock',
  'qemu+tls://h/system?pkipath=/etc/ssl/private',
  'qemu+tls://h/system?no_verify=1',
  'qemu+tls://h/system?mode=direct;tls_priority=NONE',
  'test:///etc/hostname',
  'test+ssh://h/etc/hostname',
  'qemu:///system?name=test:///etc/hostname',
  'qemu+ssh://h/x?name=qemu:///system',
  'qemu:///embed?root=/root',
  'qemu:///system?root=/root',
  'esx://h/system',
];

test('who comes with a token cannot make the server use files of its own, or trust anybody', async () => {
  await using rig = await startNetRig();
  const token = await rig.token({ name: 'admin', role: 'admin' });
  const add = async (uri: string) =>
    rig.ask('POST', '/api/v1/hosts', { token, body: { name: 'h', uri } });
  for (const uri of REFUSED) {
    const { body } = await add(uri);
    assert.equal(body.code, 'BERTH_FORBIDDEN', uri);
  }
  const program = 'qemu+ssh://h/system?command=/bin/true';
  assert.equal((await add(program)).body.code, 'BERTH_URI_INVALID');
  const { body } = await add('qemu+tcp://127.0.0.1/system?mode=direct');
  assert.equal(body.code, 'BERTH_UNSUPPORTED', 'what is harmless goes on to the next check');
  await assert.rejects(
    rig.owner.addHost({ name: 'h', uri: program }),
    /would run a program on the machine of the server/,
  );
  await assert.rejects(
    rig.owner.addHost({ name: 'h', uri: 'qemu:///system?socket=/nonexistent/socket' }),
    /nonexistent/,
    'the owner may name sockets',
  );
  const { audit } = await rig.owner.audit({ target: 'host h', action: 'addHost' });
  assert.ok(audit.length > REFUSED.length);
});
