import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { json } from 'node:stream/consumers';
import { test } from 'node:test';
import { labSkip } from '../../lab/lab-host.ts';
import { startRig, tinyVm, until } from '../rig.ts';
import type { Rig } from '../rig.ts';

const skip = await labSkip();

interface Answer {
  readonly status: number;
  readonly body: { readonly id?: string; readonly code?: string; readonly state?: string };
}

async function ask(
  rig: Rig,
  method: string,
  path: string,
  { key, body }: { readonly key: string; readonly body?: unknown },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const headers = { ...type, 'idempotency-key': key };
    const options = { socketPath: rig.socket, method, path: `/api/v1${path}`, headers };
    const asking = request(options, (response) => {
      const parsed = json(response) as Promise<Answer['body']>;
      parsed.then((answer) => resolve({ status: response.statusCode ?? 0, body: answer }), reject);
    });
    asking.on('error', reject).end(body === undefined ? '' : JSON.stringify(body));
  });
}

test('the same request under the same key begins one operation', { skip }, async () => {
  await using rig = await startRig();
  const key = randomUUID();
  const body = tinyVm(rig.lab, 'once');
  const [first, second] = await Promise.all([
    ask(rig, 'POST', '/vms?start=false', { key, body }),
    ask(rig, 'POST', '/vms?start=false', { key, body }),
  ]);
  assert.deepEqual([first.status, second.status, second.body.id], [202, 202, first.body.id]);
  await until('its end', async () => (await rig.client.operations())[0]?.state === 'done');
  const third = await ask(rig, 'POST', '/vms?start=false', { key, body });
  assert.deepEqual([third.body.id, third.body.state], [first.body.id, 'done']);
  await rig.restart();
  assert.equal((await ask(rig, 'POST', '/vms?start=false', { key, body })).body.id, first.body.id);

  const other = await ask(rig, 'POST', '/vms?start=true', { key, body });
  assert.deepEqual([other.status, other.body.code], [409, 'BERTH_CONFLICT']);
  const bad = await ask(rig, 'POST', '/vms', { key: 'ä', body });
  assert.deepEqual([bad.status, bad.body.code], [400, 'BERTH_USAGE']);
  assert.equal((await rig.client.operations()).length, 1);

  const removal = randomUUID();
  const removed = await ask(rig, 'DELETE', '/vms/once', { key: removal });
  const again = await ask(rig, 'DELETE', '/vms/once', { key: removal });
  assert.deepEqual([removed.status, again.body.id], [202, removed.body.id]);
  await until('it is gone', async () => (await rig.client.vms()).length === 0);
  await until('its end', async () => (await rig.client.operations())[0]?.state === 'done');
});

test('a key whose request was refused can be used again', { skip }, async () => {
  await using rig = await startRig();
  const key = randomUUID();
  const refused = await ask(rig, 'POST', '/vms/late/start', { key });
  assert.equal(refused.status, 404);
  const begun = await ask(rig, 'POST', '/vms?start=false', { key, body: tinyVm(rig.lab, 'late') });
  assert.equal(begun.status, 202, JSON.stringify(begun.body));
  await until('its end', async () => (await rig.client.operations())[0]?.state === 'done');
});
