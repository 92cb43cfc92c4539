import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runLine } from '../../cli/run-line.ts';
import { labSkip } from '../../lab/lab-host.ts';
import { done, startRig, tinyVm, until } from '../rig.ts';

const skip = await labSkip();

test(
  'a definition that was taken away from a running guest is told, and comes back by apply and by stop',
  { skip },
  async () => {
    await using rig = await startRig();
    const { client, lab, socket } = rig;
    const virsh = (...words: readonly string[]): string =>
      execFileSync('virsh', ['-c', lab.uri, ...words]).toString();
    const document = tinyVm(lab, 'lost', { disks: [{ name: 'data', size: '8MiB' }] });
    await done(client, await client.createVm(document, { start: true }));
    virsh('undefine', 'lost');

    const [drift, ...others] = await client.drift('lost');
    assert.deepEqual(others, []);
    assert.equal(drift?.what, 'its definition');
    assert.match(drift.is, /^gone/);
    const [planned] = (await client.planFleet({ documents: [document] })).vms;
    assert.ok(planned?.action === 'update');
    assert.equal(planned.cost, 'live');
    await done(client, await client.updateVm(document));
    assert.match(virsh('dominfo', 'lost'), /Persistent: +yes/);
    assert.deepEqual(await client.drift('lost'), []);

    virsh('undefine', 'lost');
    const stopped = await runLine(['vm', 'stop', 'lost', '--force'], { socket });
    assert.equal(stopped.status, 0, stopped.stderr);
    assert.match(stopped.stdout, /lost is shutoff on h1/);
    assert.deepEqual(await client.drift('lost'), []);
    await done(client, await client.act('lost', 'start'));
  },
);

test('a foreign domain without a definition is gone when it was stopped', { skip }, async () => {
  await using rig = await startRig();
  const { client, lab, socket } = rig;
  await done(client, await client.createVm(tinyVm(lab, 'model'), { start: false }));
  const xml = execFileSync('virsh', ['-c', lab.uri, 'dumpxml', 'model']).toString();
  const foreign = xml
    .replace('<name>model<', '<name>passing<')
    .replace(/<uuid>.*?<\/uuid>/, '')
    .replace(/<metadata>[^]*<\/metadata>/, '');
  const file = join(rig.home, 'passing.xml');
  writeFileSync(file, foreign);
  execFileSync('virsh', ['-c', lab.uri, 'create', file]);
  await until('the domain', async () => (await client.vms()).length === 2);
  const stopped = await runLine(['vm', 'stop', 'passing', '--force'], { socket });
  assert.equal(stopped.status, 0, stopped.stderr);
  assert.match(stopped.stdout, /passing is gone: it had no definition/);
});
