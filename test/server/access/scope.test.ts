import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '../../../src/api/client.ts';
import type { VmDocument } from '../../../src/api/vm-spec.ts';
import { isBerthError } from '../../../src/base/errors.ts';
import type { ErrorCode } from '../../../src/base/errors.ts';
import { labHost, labSkip } from '../../lab/lab-host.ts';
import { done, tinyVm } from '../rig.ts';
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
