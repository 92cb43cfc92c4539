import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditedValue, auditedWhole } from '../../../src/server/access/audited-value.ts';
import { Store } from '../../../src/store/store.ts';
import { labHost, labSkip } from '../../lab/lab-host.ts';
import { done, tinyVm } from '../rig.ts';
import { startNetRig } from './net-rig.ts';

test('who changed what, or was refused to, is written before the answer', async () => {
  await using rig = await startNetRig();
  const admin = await rig.token({ name: 'admin', role: 'admin', expires: '30d' });
  const viewer = await rig.token({ name: 'looker', role: 'viewer' });
  await rig.ask('GET', '/api/v1/vms', { token: viewer });
  const refused = await rig.ask('DELETE', '/api/v1/tokens/admin', { token: viewer });
  assert.equal(refused.status, 403);
  await rig.ask('DELETE', '/api/v1/tokens/admin', { token: 'wrong' });
  await rig.ask('POST', '/api/v1/tokens', { token: admin, body: { name: 'x', role: 'king' } });
  await rig.ask('DELETE', '/api/v1/tokens/looker', { token: admin });
  const { audit } = await rig.owner.audit();
  const told = audit.map(({ actor, action, target, status, code }) =>
    [actor, action, target, status, code ?? ''].join(' '),
  );
  assert.deepEqual(told, [
    'admin removeToken token looker 200 ',
    'admin createToken token x 400 BERTH_SPEC_INVALID',
    'looker removeToken token admin 403 BERTH_FORBIDDEN',
    'owner createToken token looker 201 ',
    'owner createToken token admin 201 ',
  ]);
  assert.deepEqual(
    audit.map(({ address }) => address),
    ['127.0.0.1', '127.0.0.1', '127.0.0.1', undefined, undefined],
  );
  const [removed] = audit;
  const after = audit.at(-1)?.after as Readonly<Record<string, unknown>>;
  assert.equal((removed?.before as { name?: string } | undefined)?.name, 'looker');
  assert.deepEqual([after['name'], after['role'], after['expiresAt']].slice(0, 2), [
    'admin',
    'admin',
  ]);
  assert.equal(typeof after['expiresAt'], 'number');
  assert.equal(refused.headers['x-request-id'], audit[2]?.request);
});

test('refusals and failed logins are written down, as many as nobody can fill the store with', async () => {
  await using rig = await startNetRig();
  const viewer = await rig.token({ name: 'looker', role: 'viewer', scope: 'a=b' });
  await rig.ask('GET', '/api/v1/hosts', { token: viewer });
  await rig.ask('POST', '/api/v1/login', { body: { token: 'wrong' } });
  await rig.ask('POST', '/api/v1/plan', {
    token: viewer,
    body: { metadata: { labels: { a: 'b' } } },
  });
  await rig.ask('POST', '/api/v1/nothing', { token: viewer });
  const told = async (): Promise<string[]> =>
    (await rig.owner.audit()).audit.map(
      ({ actor, action, status }) => `${actor} ${action} ${status}`,
    );
  assert.deepEqual(await told(), [
    'nobody login 401',
    'looker listHosts 403',
    'owner createToken 201',
  ]);
  for (let time = 0; time < 80; time++) {
    await rig.ask(time % 2 === 0 ? 'DELETE' : 'GET', '/api/v1/hosts/h', { token: viewer });
  }
  const { audit } = await rig.owner.audit({ actor: 'looker', limit: 200 });
  assert.equal(audit.length, 50);
});

test(
  'a change of a VM is written down with what it was before, and how it was asked for',
  { skip: await labSkip() },
  async () => {
    const lab = await labHost();
    await using rig = await startNetRig();
    const { owner } = rig;
    await owner.addHost({ name: 'h1', uri: lab.uri });
    const made = tinyVm(lab, 'a');
    await done(owner, await owner.createVm(made, { start: false }));
    await done(owner, await owner.labelVm('a', { app: 'db', none: null }));
    await done(owner, await owner.removeVm('a', { force: true }));
    await owner.removeHost('h1', { force: true });
    const of = async (action: string) => (await owner.audit({ action })).audit[0];
    const label = await of('labelVm');
    assert.deepEqual(label?.after, { labels: { app: 'db', none: null } });
    assert.deepEqual((label?.before as { metadata?: object } | undefined)?.metadata, { name: 'a' });
    const remove = await of('removeVm');
    assert.deepEqual(remove?.after, { force: true, foreign: false });
    assert.equal((remove?.before as { host?: string } | undefined)?.host, 'h1');
    assert.equal(((await of('removeHost'))?.before as { uri?: string } | undefined)?.uri, lab.uri);
  },
);

test('the log is paged without a gap, filtered, and cut off at its old end', async () => {
  await using store = await Store.open(':memory:');
  const entry = { actor: 'ci', action: 'startVm', target: 'vm a', request: 'r', status: 202 };
  for (let number = 0; number < 7; number++) {
    const id = `id${number}`;
    await store.audit.append({ ...entry, id, at: Math.floor(number / 3) });
  }
  await store.audit.append({
    ...entry,
    id: 'z',
    at: 9,
    actor: 'owner',
    code: 'BERTH_BUSY',
    status: 409,
  });
  const seen: string[] = [];
  let older: { id: string; at: number } | undefined;
  for (;;) {
    const page = await store.audit.list({}, { limit: 2, older });
    seen.push(...page.map(({ id }) => id));
    older = page.at(-1);
    if (page.length < 2) break;
  }
  assert.deepEqual(seen, ['z', 'id6', 'id5', 'id4', 'id3', 'id2', 'id1', 'id0']);
  const ids = async (filter: Parameters<typeof store.audit.list>[0]): Promise<string[]> =>
    (await store.audit.list(filter, { limit: 100 })).map(({ id }) => id);
  assert.deepEqual(await ids({ actor: 'owner' }), ['z']);
  assert.deepEqual(await ids({ since: 2, actor: 'ci' }), ['id6']);
  assert.deepEqual(await ids({ target: 'vm b' }), []);
  const [busy] = await store.audit.list({ actor: 'owner' }, { limit: 1 });
  assert.deepEqual([busy?.status, busy?.code], [409, 'BERTH_BUSY']);
  assert.equal(await store.audit.prune(2), 6);
  assert.deepEqual(await ids({}), ['z', 'id6']);
});

test('only values of known keys are kept, of any size and depth', () => {
  const spec = { cpu: { count: 2 }, boot: { kernel: '/k', cmdline: 'password=x' }, cloudInit: 'y' };
  const document = { metadata: { name: 'a', labels: { anything: 'goes', n: 1 } }, spec };
  assert.deepEqual(auditedValue(document), {
    metadata: { name: 'a', labels: { anything: 'goes', n: '(not kept)' } },
    spec: {
      cpu: { count: 2 },
      boot: { kernel: '/k', cmdline: '(not kept)' },
      cloudInit: '(not kept)',
    },
  });
  assert.deepEqual(auditedValue({ token: 't', password: 'p' }), {
    token: '(not kept)',
    password: '(not kept)',
  });
  const misplaced = `berth_0123456789abcdef_${'x'.repeat(43)}`;
  assert.deepEqual(auditedValue({ name: misplaced }), { name: 'berth_0123456789abcdef_(secret)' });
  let deep: unknown = 'x';
  for (let level = 0; level < 1000; level++) deep = { spec: deep };
  assert.ok(JSON.stringify(auditedValue(deep)).length < 500);
  assert.equal((auditedValue('x'.repeat(1e6)) as string).length, 1024);
  assert.equal((auditedValue(Array.from({ length: 1e4 }, () => 1)) as unknown[]).length, 256);
  const wide = Array.from({ length: 200 }, () =>
    Array.from({ length: 200 }, () => 'x'.repeat(100)),
  );
  assert.match(String(auditedWhole({ spec: wide })), /^\(not kept: \d+ characters\)$/);
  assert.equal(auditedValue(undefined), undefined);
});
