import assert from 'node:assert/strict';
import { test } from 'node:test';
import { berthError } from '../../src/base/errors.ts';
import type { HostSummary } from '../../src/api/resources.ts';
import type { LabPort } from '../../src/cli/lab-port.ts';
import { ApiServer } from './api-server.ts';
import { workstation } from './hosts.ts';
import { CATALOGUE, fakeLabs, labOf } from './labs.ts';
import { runLine } from './run-line.ts';
import { hostSummaryOf } from './world.ts';

const NOWHERE = '/nonexistent';

/** A server that keeps the hosts it is given. */
async function registry(...names: readonly string[]): Promise<{
  readonly server: ApiServer;
  readonly known: Map<string, HostSummary>;
}> {
  const plain = hostSummaryOf(workstation());
  const known = new Map(names.map((name) => [name, { ...plain, name, uri: `test:///${name}` }]));
  const forget = (name: string): unknown => {
    const host = known.get(name);
    assert.ok(host !== undefined, `${name} is known`);
    known.delete(name);
    return { name, uri: host.uri, vms: [] };
  };
  const removals = ['lab-1', 'lab-2', 'rack-1'].map(
    (name) => [`DELETE /api/v1/hosts/${name}`, () => forget(name)] as const,
  );
  const server = await ApiServer.start({
    'GET /api/v1/server': () => ({ version: '0.1.0', pid: 1, startedAt: 0 }),
    'GET /api/v1/hosts': () => ({ hosts: [...known.values()] }),
    'POST /api/v1/hosts': ({ body }) => {
      const { name, uri } = body as { name: string; uri: string };
      const there = known.get(name);
      if (there !== undefined && there.uri !== uri) {
        throw berthError('BERTH_EXISTS', {
          kind: 'host',
          name,
          where: `with the URI ${there.uri}`,
        });
      }
      known.set(name, { ...plain, name, uri });
      return known.get(name);
    },
    ...Object.fromEntries(removals),
  });
  return { server, known };
}

test('machines are dealt out to the hosts in turn, alone say how many; nothing means what is there', async () => {
  const cases = [
    [[], { hosts: undefined, machines: [] }],
    [['--hosts', '3'], { hosts: 3, machines: [] }],
    [
      ['--hosts', '5', '--machine', 'cxl', '--machine', 'arm'],
      { hosts: 5, machines: ['cxl', 'arm', 'cxl', 'arm', 'cxl'] },
    ],
    [['--machine', 'cxl', '--machine', 'arm'], { hosts: 2, machines: ['cxl', 'arm'] }],
  ] as const;
  for (const [words, expected] of cases) {
    const { port, asked } = fakeLabs();
    const ran = await runLine(['lab', 'up', ...words], { socket: NOWHERE, lab: port });
    assert.equal(ran.status, 0, ran.stderr);
    const none = { disk: undefined, pages: undefined };
    assert.deepEqual(asked, [{ up: { name: 'lab', ...expected, ...none } }]);
  }
});

test('up passes on how the hosts are to be made', async () => {
  const { port, asked } = fakeLabs();
  const words = ['--name', 'big', '--disk', '2GiB', '--pages', '512'];
  await runLine(['lab', 'up', ...words], { socket: NOWHERE, lab: port });
  const made = { disk: 2 * 1024 ** 3, pages: 512 };
  assert.deepEqual(asked, [{ up: { name: 'big', hosts: 1, machines: [], ...made } }]);
});

test('up and ls --json give one array of hosts, each with its name, way in and machine', async () => {
  const { port } = fakeLabs();
  const words = ['--hosts', '2', '--machine', 'nps4', '--json'];
  const up = await runLine(['lab', 'up', ...words], { socket: NOWHERE, lab: port });
  const hosts = JSON.parse(up.stdout) as Record<string, unknown>[];
  assert.deepEqual(
    hosts.map(({ name, uri, machine }) => ({ name, uri, machine })),
    [1, 2].map((number) => ({
      name: `lab-${number}`,
      uri: `qemu:///system?socket=/var/lib/berth/lab/lab/h/${number}/run/libvirt-sock`,
      machine: 'nps4',
    })),
  );
  assert.equal(hosts[0]?.['cpus'], 256);
  assert.equal('topology' in (hosts[0] ?? {}), false);
  assert.match(up.stderr, /Hosts of lab \(2 started\)/);
  const ls = await runLine(['lab', 'ls', '--json'], { socket: NOWHERE, lab: port });
  assert.deepEqual(JSON.parse(ls.stdout), hosts);
});

test('a person at a terminal sees how many hosts have started', async () => {
  const { port } = fakeLabs();
  const options = { socket: NOWHERE, lab: port, terminal: 80 };
  const ran = await runLine(['lab', 'up', '--hosts', '3'], options);
  assert.match(ran.stderr, /Hosts of lab: 2 of 3/);
});

test('machines --json gives names and figures, and the topology of one that is named', async () => {
  const { port } = fakeLabs();
  const all = await runLine(['lab', 'machines', '--json'], { socket: NOWHERE, lab: port });
  const machines = JSON.parse(all.stdout) as Record<string, unknown>[];
  assert.deepEqual(
    machines.map(({ name }) => name),
    CATALOGUE.map(({ name }) => name),
  );
  assert.equal(machines.find(({ name }) => name === 'cxl')?.['memoryOnlyCells'], 1);
  const one = await runLine(['lab', 'machines', 'cxl', '--json'], { socket: NOWHERE, lab: port });
  const [cxl] = JSON.parse(one.stdout) as { topology: { cells: unknown[] } }[];
  assert.equal(cxl?.topology.cells.length, 3);
});

test('up --add adds the hosts to the server and says which it had; down takes them out', async () => {
  const { server, known } = await registry('kvm1');
  await using _ = server;
  const { port } = fakeLabs();
  const options = { socket: server.socket, lab: port };
  const first = await runLine(['lab', 'up', '--hosts', '2', '--add'], options);
  assert.match(first.stdout, /added to the server: lab-1, lab-2\n/);
  assert.deepEqual([...known.keys()], ['kvm1', 'lab-1', 'lab-2']);
  known.delete('lab-2');
  const again = await runLine(['lab', 'up', '--hosts', '2', '--add', '--json'], options);
  const hosts = JSON.parse(again.stdout) as { server: string }[];
  assert.deepEqual(
    hosts.map((host) => host.server),
    ['there already', 'added'],
  );
  const down = await runLine(['lab', 'down'], options);
  assert.equal(down.stdout, 'gone: lab-1, lab-2; the server has forgotten them\n');
  assert.deepEqual([...known.keys()], ['kvm1']);
});

test('down leaves a host of the same name but another way in to its owner', async () => {
  const { server, known } = await registry('lab-1');
  await using _ = server;
  const { port } = fakeLabs(labOf('lab', ['this']));
  const ran = await runLine(['lab', 'down', '--json'], { socket: server.socket, lab: port });
  assert.deepEqual(JSON.parse(ran.stdout), { changed: true, removed: ['lab-1'], outOfServer: [] });
  assert.deepEqual([...known.keys()], ['lab-1']);
});

test('up --add makes nothing without a server', async () => {
  const { port, asked } = fakeLabs();
  const ran = await runLine(['lab', 'up', '--add'], { socket: NOWHERE, lab: port });
  assert.equal(ran.status, 5);
  assert.match(ran.stderr, /start it with: berth up/);
  assert.deepEqual(asked, []);
});

test('up --add says that the lab is up when the server refuses a host', async () => {
  const { server } = await registry('lab-1');
  await using _ = server;
  const { port } = fakeLabs();
  const ran = await runLine(['lab', 'up', '--add'], { socket: server.socket, lab: port });
  assert.equal(ran.status, 4);
  assert.match(ran.stderr, /the lab lab is up, but the server does not have all of its hosts\n/);
  assert.match(ran.stderr, /a host named "lab-1" exists already/);
});

test('exec ends as the command ends, whatever that is', async () => {
  for (const status of [0, 3, 127, 137, 255]) {
    const exec: LabPort['exec'] = () => Promise.resolve(status);
    const ran = await runLine(['lab', 'exec', 'lab-1', '--', 'x'], {
      socket: NOWHERE,
      lab: { exec },
    });
    assert.deepEqual(ran, { status, stdout: '', stderr: '' });
  }
});

test('everything behind -- is the command, and without one it is a shell', async () => {
  const { port, asked } = fakeLabs(labOf('lab', ['this']));
  const exec = async (...words: string[]): Promise<unknown> =>
    runLine(['lab', 'exec', ...words], { socket: NOWHERE, lab: port });
  await exec('lab-1', '--', 'virsh', 'list', '--all', '--json');
  await exec('lab', '--', 'echo', '--', '-n');
  await exec('lab-1', 'uptime');
  await exec('lab-1');
  const { exec: shell } = asked.pop() as { exec: { argv: readonly string[] } };
  assert.match(shell.argv.join(' '), /^sh -c .*exec bash/);
  assert.deepEqual(
    asked,
    [
      { target: 'lab-1', argv: ['virsh', 'list', '--all', '--json'] },
      { target: 'lab', argv: ['echo', '--', '-n'] },
      { target: 'lab-1', argv: ['uptime'] },
    ].map((one) => ({ exec: one })),
  );
});

test('down without a name means the lab called lab, or the only one, and never guesses', async () => {
  const down = async (...names: readonly string[]): Promise<unknown> => {
    const { port, asked } = fakeLabs(...names.map((name) => labOf(name, ['this'])));
    const { status, stderr } = await runLine(['lab', 'down'], { socket: NOWHERE, lab: port });
    return asked[0] ?? { status, said: stderr.split('\n')[0] };
  };
  assert.deepEqual(await down('lab', 'rack'), { down: 'lab' });
  assert.deepEqual(await down('rack'), { down: 'rack' });
  assert.deepEqual(await down(), { down: 'lab' });
  assert.deepEqual(await down('rack', 'shelf'), {
    status: 2,
    said: 'berth: there are several labs: name one',
  });
});

test('down --all means every lab', async () => {
  const { port, asked } = fakeLabs(labOf('lab', ['this']), labOf('rack', ['this']));
  const ran = await runLine(['lab', 'down', '--all', '--json'], { socket: NOWHERE, lab: port });
  assert.deepEqual(asked, [{ down: undefined }]);
  const answer = { changed: true, removed: ['lab-1', 'rack-1'], outOfServer: [] };
  assert.deepEqual(JSON.parse(ran.stdout), answer);
});

test('up asks before it installs anything, and --yes agrees beforehand', async () => {
  const { port } = fakeLabs();
  const up: LabPort['up'] = async (options) => {
    if (!options.yes) await options.confirm('install 1 package?', ['openssh-server']);
    return port.up(options);
  };
  const lab = { ...port, up };
  const unasked = await runLine(['lab', 'up'], { socket: NOWHERE, lab });
  assert.equal(unasked.status, 2);
  assert.match(unasked.stderr, /nobody is here to ask: install 1 package\?\n {2}.*--yes/);
  assert.equal((await runLine(['lab', 'up', '--yes'], { socket: NOWHERE, lab })).status, 0);
});
