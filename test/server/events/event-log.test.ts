import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FleetEvent } from '../../../src/api/events.ts';
import { EventText } from '../../../src/api/event-text.ts';
import { eventFilter } from '../../../src/server/events/event-filter.ts';
import type { EventFilter } from '../../../src/server/events/event-filter.ts';
import { EventLog } from '../../../src/server/events/event-log.ts';
import { EventStream } from '../../../src/server/events/event-stream.ts';
import { parseLabelSelector } from '../../../src/model/label-selector.ts';

function vm(name: string, labels: Record<string, string> = {}): FleetEvent {
  const more = { change: 'changed', state: 'running', labels } as const;
  return { kind: 'vm', at: 1, uuid: `u-${name}`, name, host: 'h1', ...more };
}

function open(log: EventLog, after?: string, wants: EventFilter = () => true): EventStream {
  return new EventStream(log, { after, wants, now: () => 7 });
}

/** What a stream has to say by now. */
async function told(stream: EventStream): Promise<readonly string[]> {
  await new Promise((resolve) => setImmediate(resolve));
  const text = new EventText();
  let read = '';
  for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) read += chunk;
  return text.take(read).map(({ id, data }) => {
    if (data === undefined) return `${id}`;
    const { kind, name, why } = JSON.parse(data);
    return `${id} ${kind} ${name ?? why}`;
  });
}

test('a stream begins now, tells what comes, and goes on behind an id', async () => {
  const log = new EventLog('a');
  log.publish(vm('before'));
  const stream = open(log);
  log.publish(vm('one'));
  log.publish(vm('two'));
  assert.deepEqual(await told(stream), ['a.1', 'a.2 vm one', 'a.3 vm two']);
  log.publish(vm('three'));
  assert.deepEqual(await told(stream), ['a.4 vm three']);
  assert.deepEqual(await told(open(log, 'a.2')), ['a.2', 'a.3 vm two', 'a.4 vm three']);
  assert.deepEqual(await told(open(log, 'a.4')), ['a.4']);
  stream.destroy();
});

test('an id of another server, of the future, and one too long ago mean: list again', async () => {
  const log = new EventLog('a', 3);
  for (const name of ['one', 'two', 'three', 'four', 'five']) log.publish(vm(name));
  for (const id of ['b.2', 'a.6', 'a.x', 'a.', 'nonsense', 'a.-1', '']) {
    assert.deepEqual(await told(open(log, id)), ['a.5', 'a.5 resync unknown'], id);
  }
  assert.deepEqual(await told(open(log, 'a.1')), ['a.5', 'a.5 resync too-old']);
  assert.deepEqual((await told(open(log, 'a.2'))).slice(1), [
    'a.3 vm three',
    'a.4 vm four',
    'a.5 vm five',
  ]);
});

test('a reader that falls behind the log is told to list again, and holds nothing meanwhile', async () => {
  const log = new EventLog('a', 100);
  const stream = open(log);
  for (let count = 0; count < 5000; count++) log.publish(vm('x'.repeat(200)));
  assert.ok(stream.readableLength < 256 * 1024, `${stream.readableLength} bytes wait`);
  const first = await told(stream);
  assert.match(first.at(-1) ?? '', /^a\.5000 (resync too-slow|vm x+)$/);
  assert.ok(first.some((line) => line.endsWith('resync too-slow')));
  stream.destroy();
});

test('a beat says where the reader is; one that takes nothing is cut off', async () => {
  const log = new EventLog('a');
  const reader = open(log, undefined, (event) => event.kind === 'host');
  await told(reader);
  log.publish(vm('unwanted'));
  log.beat();
  assert.deepEqual(await told(reader), ['a.1'], 'what was filtered out need not be told again');
  const stuck = open(log);
  for (let beat = 0; beat < 10; beat++) {
    log.publish(vm('x'.repeat(100_000)));
    log.beat();
  }
  assert.ok(stuck.destroyed);
  assert.ok(!reader.destroyed || reader.readableLength > 0);
  reader.destroy();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(log.listeners, 0);
});

test('the end of the log is the end of every stream, after what was still to be told', async () => {
  const log = new EventLog('a');
  const stream = open(log);
  log.publish(vm('last'));
  log.end();
  const chunks: string[] = [];
  for await (const chunk of stream) chunks.push(String(chunk));
  assert.match(chunks.join(''), /last/);
});

test('events are asked for by kind, host, VM and label; those of hosts have no labels', () => {
  const operation: FleetEvent = {
    kind: 'operation',
    at: 1,
    id: 'o',
    does: 'start',
    vm: 'db1',
    host: 'h2',
    state: 'running',
    done: 0,
    steps: 3,
    revision: 1,
  };
  const host: FleetEvent = { kind: 'host', at: 1, name: 'h1', change: 'connected' };
  const events = [vm('db1', { app: 'db' }), vm('web', { app: 'web' }), operation, host];
  const sights = [{ app: 'db' }, { app: 'web' }, { app: 'db' }, undefined];
  const asked = (query: Parameters<typeof eventFilter>[0]) =>
    events.flatMap((event, index) =>
      eventFilter(query)(event, { labels: sights[index] }) ? [index] : [],
    );
  assert.deepEqual(asked({}), [0, 1, 2, 3]);
  assert.deepEqual(asked({ kind: 'operation' }), [2]);
  assert.deepEqual(asked({ host: 'h1' }), [0, 1, 3]);
  assert.deepEqual(asked({ vm: 'db1' }), [0, 2]);
  assert.deepEqual(asked({ vm: 'u-web' }), [1]);
  assert.deepEqual(asked({ labels: parseLabelSelector('app=db', 'labels') }), [0, 2]);
  assert.deepEqual(asked({ labels: parseLabelSelector('!app', 'labels') }), []);
});
