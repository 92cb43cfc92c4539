import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client } from '../../../src/api/client.ts';
import type { VmDocument } from '../../../src/api/vm-spec.ts';
import { isBerthError } from '../../../src/base/errors.ts';
import type { ErrorCode } from '../../../src/base/errors.ts';
import { labHost, labSkip } from '../../lab/lab-host.ts';
import { done, tinyVm, until } from '../rig.ts';
import { startNetRig } from './net-rig.ts';

const skip = await labSkip();

const coded = (code: ErrorCode) => (error: unknown) => isBerthError(error, code);

function labelled(document: VmDocument, labels: Readonly<Record<string, string>>): VmDocument {
  return { ...document, metadata: { ...document.metadata, labels } };
}

test('a token with a scope sees and acts on VMs with those labels alone', { skip }, async () => {
  const lab = await labHost();
  await using rig = await startNetRig();
  const { owner, url } = rig;
  await owner.addHost({ name: 'h1', uri: lab.uri });
  const token = await rig.token({ name: 'db-team', role: 'operator', scope: 'app=db,!frozen' });
  const team = new Client({ url, token });
  const db = labelled(tinyVm(lab, 'db1'), { app: 'db' });
  const web = labelled(tinyVm(lab, 'web1'), { app: 'web' });
  try {
    await done(owner, await owner.createVm(web, { start: false }));
    const made = await team.createVm(db, { start: false });
    await done(team, made);
    await assert.rejects(
      team.createVm(labelled(tinyVm(lab, 'web2'), { app: 'web' }), { start: false }),
      coded('BERTH_FORBIDDEN'),
    );
    await assert.rejects(
      team.createVm(tinyVm(lab, 'none'), { start: false }),
      coded('BERTH_FORBIDDEN'),
    );
    await assert.rejects(team.plan(web), coded('BERTH_FORBIDDEN'));
    assert.ok((await team.plan(labelled(tinyVm(lab, 'db2'), { app: 'db' }))).placed);

    const misplaced = labelled(tinyVm(lab, 'db3', { placement: { hosts: ['h9'] } }), { app: 'db' });
    const plan = await rig.ask('POST', '/api/v1/plan', { token, body: misplaced });
    assert.equal(plan.status, 404);
    assert.doesNotMatch(plan.text, /h1/);
    const beside = { antiAffinity: ['app=web'] };
    const apart = labelled(tinyVm(lab, 'db4', { placement: beside }), { app: 'db' });
    const refused = await rig.ask('POST', '/api/v1/plan', { token, body: apart });
    assert.equal(refused.body['placed'], false, refused.text);
    assert.doesNotMatch(refused.text, /web1/);

    assert.deepEqual(
      (await team.vms()).map(({ name }) => name),
      ['db1'],
    );
    assert.deepEqual(
      (await owner.vms()).map(({ name }) => name),
      ['db1', 'web1'],
    );
    assert.equal((await team.vm('db1')).name, 'db1');
    const { uuid } = await owner.vm('web1');
    for (const name of ['web1', uuid, 'nothing']) {
      const path = `/api/v1/vms/${name}`;
      for (const [method, rest] of [
        ['GET', ''],
        ['GET', '/why'],
        ['GET', '/console'],
        ['POST', '/start'],
        ['DELETE', '?force=true'],
      ] as const) {
        const { status, text } = await rig.ask(method, path + rest, { token });
        assert.equal(status, 404, `${method} ${path}${rest}`);
        assert.doesNotMatch(text.replaceAll(name, ''), /web1|db1/);
      }
    }
    assert.equal((await owner.vms()).length, 2);
    await assert.rejects(team.hosts(), coded('BERTH_FORBIDDEN'));

    const vmsOf = async (client: Client): Promise<readonly string[]> =>
      (await client.operations()).map(({ vm }) => vm);
    assert.deepEqual(await vmsOf(team), ['db1']);
    assert.deepEqual(await vmsOf(owner), ['db1', 'web1']);
    const other = (await owner.operations()).find(({ vm }) => vm === 'web1');
    const shown = await rig.ask('GET', `/api/v1/operations/${other?.id}`, { token });
    assert.equal(shown.status, 404);

    await assert.rejects(team.labelVm('db1', { app: null }), coded('BERTH_FORBIDDEN'));
    await assert.rejects(team.labelVm('db1', { frozen: 'yes' }), coded('BERTH_FORBIDDEN'));
    await done(team, await team.labelVm('db1', { tier: 'gold' }));
    await done(owner, await owner.labelVm('db1', { frozen: 'yes' }));
    assert.deepEqual(await team.vms(), []);
    const [entry] = (await owner.audit({ actor: 'db-team', target: 'vm web2' })).audit;
    assert.equal(entry?.code, 'BERTH_FORBIDDEN');
  } finally {
    for (const { name } of await owner.vms({})) {
      await done(owner, await owner.removeVm(name, { force: true }));
    }
  }
});

test(
  'what a scope says not to have is no way to what nobody has labelled, nor to what is labelled so',
  { skip },
  async () => {
    const lab = await labHost();
    await using rig = await startNetRig();
    const { owner, url } = rig;
    await owner.addHost({ name: 'h1', uri: lab.uri });
    for (const name of ['taken-in', 'stranger']) {
      const file = join(lab.dir, `${name}.xml`);
      const rest = '<memory unit="MiB">64</memory><os><type>hvm</type></os>';
      await writeFile(file, `<domain type="qemu"><name>${name}</name>${rest}</domain>`);
      execFileSync('virsh', ['-c', lab.uri, 'define', file]);
    }
    const token = await rig.token({ name: 'rest', role: 'operator', scope: 'app!=web' });
    const rest = new Client({ url, token });
    try {
      await until('the domains are seen', async () => (await owner.vms()).length === 2);
      await done(owner, await owner.adoptVm('taken-in', { app: 'web' }));
      const own = await rest.createVm(tinyVm(lab, 'own'), { start: false });
      await done(rest, own);
      assert.deepEqual(
        (await rest.vms()).map(({ name }) => name),
        ['own'],
      );
      for (const name of ['taken-in', 'stranger']) {
        await assert.rejects(rest.vm(name), coded('BERTH_NOT_FOUND'), name);
        await assert.rejects(rest.act(name, 'start'), coded('BERTH_NOT_FOUND'), name);
      }
      const ours = (await rest.operations()).map(({ vm }) => vm);
      assert.deepEqual(ours, ['own'], 'an operation on a VM of others is not told');
      await done(owner, await owner.labelVm('taken-in', { app: 'db' }));
      assert.equal((await rest.vm('taken-in')).name, 'taken-in');
    } finally {
      for (const { name } of await owner.vms()) {
        await done(owner, await owner.removeVm(name, { force: true, foreign: true }));
      }
    }
  },
);

test('operations are told by the VM and the token that they are of, whatever is called so later', async () => {
  await using rig = await startNetRig();
  const { owner, url } = rig;
  const ask = async (client: Client, name: string, app: string): Promise<string> => {
    const metadata = { name, labels: { app } };
    const document = {
      apiVersion: 'berth/v1',
      kind: 'VM',
      metadata,
      spec: { memory: { size: '64MiB' } },
    };
    const { id } = await client.wait(
      await client.createVm(document as VmDocument, { start: true }),
      () => {},
    );
    return id;
  };
  const wish = { name: 'ci', role: 'operator', scope: 'app=db' } as const;
  const before = new Client({ url, token: await rig.token(wish) });
  const events: string[] = [];
  const stop = new AbortController();
  const following = (async () => {
    for await (const { event } of before.events({}, { signal: stop.signal })) {
      if (event.kind === 'operation') events.push(event.vm);
    }
  })().catch(() => {});
  await until('the stream is open', async () => {
    await ask(before, 'theirs', 'db');
    return events.includes('theirs');
  });
  // All of them fail, as there is no host: of no VM here anything but the journal tells.
  for (const name of ['web1', 'theirs', 'web2']) await ask(owner, name, 'web');
  const last = await ask(before, 'db1', 'db');
  await until('the last event', async () => events.includes('db1'));
  assert.deepEqual([...new Set(events)], ['theirs', 'db1'], 'its own creations, and no others');
  stop.abort();
  await following;
  const { items, next } = await before.operationPage({ limit: 1 });
  assert.deepEqual([items.map(({ id }) => id), typeof next], [[last], 'string']);
  const rest = await before.operationPage({ limit: 100, cursor: next });
  assert.deepEqual([...new Set(rest.items.map(({ vm }) => vm)), rest.next], ['theirs', undefined]);
  const { text } = await rig.ask('GET', '/api/v1/operations?limit=1&vm=web1', {
    token: await rig.token({ name: 'other', role: 'viewer', scope: 'app=db' }),
  });
  assert.equal(text, '{"operations":[]}', 'no cursor tells that there are operations');
  await owner.removeToken('ci');
  const after = new Client({ url, token: await rig.token({ ...wish, scope: 'app=mail' }) });
  assert.deepEqual(await after.operations(), []);
});
