import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Client } from '../../../src/api/client.ts';
import type { HostSummary } from '../../../src/api/resources.ts';
import { labHost, labUnmetNeed } from '../../lab/lab-host.ts';
import { sharedPostgres } from '../../store/both-stores.ts';
import { postgresSkip } from '../../store/postgres.ts';
import { startBareServer } from '../http/bare-server.ts';
import type { BareServer } from '../http/bare-server.ts';
import { relay, socketOf } from '../relay.ts';
import { done, tinyVm, until } from '../rig.ts';

const skip = (await labUnmetNeed()) ?? postgresSkip();

async function twoServers(): Promise<readonly [BareServer, BareServer]> {
  const url = await (await sharedPostgres()).database();
  return [await startBareServer({}, url), await startBareServer({}, url)];
}

/** Settles when a server has a host that is as wanted. */
async function untilHost(
  client: Client,
  what: string,
  isWanted: (host: HostSummary | undefined) => boolean,
): Promise<void> {
  await until(what, async () => isWanted((await client.hosts())[0]));
}

test(
  'what is done to hosts at one server the other one knows, whichever of the two it is',
  { skip },
  async () => {
    const lab = await labHost();
    const [one, other] = await twoServers();
    await using a = one;
    await using b = other;
    await a.client.addHost({ name: 'h1', uri: lab.uri, labels: { zone: 'a' } });
    await untilHost(b.client, 'the host at b', (host) => host?.state === 'connected');
    await b.client.changeHost('h1', { labels: { zone: 'b' }, settings: { schedulable: false } });
    await untilHost(
      a.client,
      'the change at a',
      (host) => host?.labels?.['zone'] === 'b' && host.schedulable === false,
    );
    await b.client.changeHost('h1', { settings: { schedulable: null } });
    await untilHost(a.client, 'the host is open at a', (host) => host?.schedulable === true);
    const vm = await a.client.createVm(tinyVm(lab, 'web'), { start: true });
    await done(a.client, vm);
    await until('the VM at b', async () => (await b.client.vms())[0]?.state === 'running');
    await done(b.client, await b.client.removeVm('web', { force: true }));
    await b.client.removeHost('h1');
    await untilHost(a.client, 'the host is gone at a', (host) => host === undefined);
    await a.client.addHost({ name: 'h1', uri: `${lab.uri}&no_verify=1` });
    await untilHost(b.client, 'it is there by its new URI', (host) =>
      host === undefined ? false : host.uri.endsWith('no_verify=1') && host.state === 'connected',
    );
    assert.deepEqual(await b.client.vms(), []);
  },
);

test(
  'an operation that waits for a host ends when another server forgets that host',
  { skip },
  async () => {
    const lab = await labHost();
    const line = await relay(socketOf(lab.uri), join(lab.dir, 'shared-relay.sock'));
    const uri = `qemu:///system?socket=${join(lab.dir, 'shared-relay.sock')}`;
    const virsh = (...words: readonly string[]): string =>
      execFileSync('virsh', ['-c', lab.uri, ...words]).toString();
    const [one, other] = await twoServers();
    await using a = one;
    await using b = other;
    await a.client.addHost({ name: 'h1', uri });
    await untilHost(b.client, 'the host at b', (host) => host?.state === 'connected');
    line.freezeAt('<name>lost</name>');
    const create = await b.client.createVm(tinyVm(lab, 'lost'), { start: true });
    try {
      await until('the domain defined', async () => virsh('list', '--all').includes('lost'));
      await line.cut();
      const waiting = await b.client.wait(create, () => {});
      assert.deepEqual([waiting.state, waiting.waitsFor === undefined], ['running', false]);
      await a.client.removeHost('h1', { force: true });
      await until('its end', async () => (await a.client.operations())[0]?.state !== 'running');
      const [last] = await a.client.operations();
      assert.equal(last?.state, 'failed');
      assert.match(last?.leftOver?.join() ?? '', /define the domain: no host named "h1"/);
    } finally {
      virsh('undefine', 'lost');
    }
  },
);

/** What a server tells of operations, in short, until the stream is left. */
function heardAt(client: Client, leave: AbortSignal): readonly string[] {
  const heard: string[] = [];
  const listen = async (): Promise<void> => {
    for await (const { event } of client.events({ kind: 'operation' }, { signal: leave })) {
      if (event.kind === 'operation') heard.push(`${event.does} ${event.vm} ${event.state}`);
    }
  };
  listen().catch(() => undefined);
  return heard;
}

test(
  'the events of one server tell what the other does, and each change once',
  { skip },
  async () => {
    const lab = await labHost();
    const [one, other] = await twoServers();
    await using a = one;
    await using b = other;
    const leave = new AbortController();
    const heard = heardAt(b.client, leave.signal);
    await a.client.addHost({ name: 'h1', uri: lab.uri });
    await done(a.client, await a.client.createVm(tinyVm(lab, 'web'), { start: false }));
    await until('the creation at b', async () => heard.includes('create web done'));
    await done(a.client, await a.client.removeVm('web', { force: true }));
    await until('the removal at b', async () => heard.includes('remove web done'));
    leave.abort();
    assert.equal(heard.filter((line) => line.endsWith('done')).length, 2);
  },
);
