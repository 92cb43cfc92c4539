import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { isBerthError } from '../../../src/base/errors.ts';
import type { SeenEvent } from '../../../src/api/event-feed.ts';
import type { ServerEvent } from '../../../src/api/events.ts';
import { labSkip } from '../../lab/lab-host.ts';
import { done, startRig, tinyVm, until } from '../rig.ts';
import { ask } from './bare-server.ts';

const skip = await labSkip();

/** What an event is about, in a word or two. */
function wordsOf(event: ServerEvent): string {
  switch (event.kind) {
    case 'vm':
      return `${event.name} ${event.change} ${event.state}`;
    case 'host':
      return `${event.name} ${event.change}`;
    case 'operation':
      return `${event.does} ${event.vm} ${event.state}`;
    case 'resync':
      return `resync ${event.why}`;
  }
}

test(
  'lists come in pages and by label, and the stream tells what happens, also after a break',
  { skip },
  async () => {
    await using rig = await startRig();
    const { client, lab } = rig;
    const stop = new AbortController();
    await using _ = { [Symbol.asyncDispose]: async () => stop.abort() };
    const seen: SeenEvent[] = [];
    const words = (): readonly string[] => seen.map(({ event }) => wordsOf(event));
    const follow = async (): Promise<void> => {
      for await (const one of client.events({}, { signal: stop.signal })) seen.push(one);
    };
    const following = follow().catch((error: unknown) => {
      if (!stop.signal.aborted) throw error;
    });
    const labelled = (name: string, app: string) => ({
      ...tinyVm(lab, name),
      metadata: { name, labels: { app } },
    });
    for (const [name, app] of [
      ['p1', 'db'],
      ['p2', 'web'],
      ['p3', 'db'],
    ] as const) {
      await done(client, await client.createVm(labelled(name, app), { start: false }));
    }
    const names = async (labels: string) => (await client.vms({ labels })).map(({ name }) => name);
    assert.deepEqual(await names('app=db'), ['p1', 'p3']);
    assert.deepEqual(await names('app!=db'), ['p2']);
    const first = await client.vmPage({}, { limit: 2 });
    assert.deepEqual(
      first.items.map(({ name }) => name),
      ['p1', 'p2'],
    );
    const rest = await client.vmPage({}, { limit: 2, cursor: first.next });
    assert.deepEqual([rest.items.map(({ name }) => name), rest.next], [['p3'], undefined]);
    const newest = await client.operationPage({ limit: 1 });
    assert.equal(newest.items[0]?.vm, 'p3');
    const older = await client.operationPage({ limit: 5, cursor: newest.next });
    assert.deepEqual(
      older.items.map(({ vm }) => vm),
      ['p2', 'p1'],
    );

    await until('the end of the last creation', async () => words().includes('create p3 done'));
    assert.ok(words().includes('p1 appeared shutoff'), words().join('\n'));
    execFileSync('virsh', ['-c', lab.uri, 'start', 'p1']);
    await until('what virsh did', async () => words().includes('p1 changed running'));
    const { id } = seen.find(({ event }) => wordsOf(event) === 'create p3 done') ?? { id: '' };
    for await (const { event } of client.events({ vm: 'p1' }, { after: id })) {
      assert.equal(wordsOf(event), 'p1 changed running', 'the stream goes on behind an event');
      break;
    }

    await rig.restart();
    await until('word of another server', async () => words().includes('resync unknown'));
    await done(client, await client.act('p1', 'stop', { force: true }));
    await until('the stop', async () => words().includes('stop p1 done'));
    stop.abort();
    await following;
  },
);

test(
  'a request that holds only for a VM as it was seen does nothing to another',
  { skip },
  async () => {
    await using rig = await startRig();
    const { client, lab } = rig;
    await done(client, await client.createVm(tinyVm(lab, 'tagged'), { start: false }));
    const url = '/api/v1/vms/tagged';
    const before = await ask(rig, { url });
    const etag = String(before.headers['etag']);
    assert.match(etag, /^W\/"/);
    assert.equal((await ask(rig, { url, headers: { 'if-none-match': etag } })).status, 304);
    const start = { method: 'POST', url: `${url}/start`, headers: { 'if-match': etag } };
    const begun = await ask(rig, start);
    assert.equal(begun.status, 202);
    assert.equal(begun.headers['location'], `/api/v1/operations/${String(begun.body['id'])}`);
    await done(client, await client.operation(String(begun.body['id'])));
    const running = await ask(rig, { url, headers: { 'if-none-match': etag } });
    assert.equal(running.status, 200);
    const remove = { method: 'DELETE', url: `${url}?force=true`, headers: { 'if-match': etag } };
    const refused = await ask(rig, remove);
    assert.deepEqual([refused.status, refused.body['code']], [412, 'BERTH_PRECONDITION']);
    assert.equal((await client.vm('tagged')).state, 'running');
    await assert.rejects(client.vm('untagged'), (error) => isBerthError(error, 'BERTH_NOT_FOUND'));
    const now = String(running.headers['etag']);
    const removed = await ask(rig, { ...remove, headers: { 'if-match': now } });
    assert.equal(removed.status, 202);
    await client.wait(await client.operation(String(removed.body['id'])), () => {});
  },
);
