import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { planView } from '../../src/api/resources.ts';
import type { PlanView } from '../../src/api/resources.ts';
import { stringify } from 'yaml';
import { NOW, runLine } from './run-line.ts';

type Refused = Extract<PlanView, { placed: false }>;

/** Two hosts that are half full, in files of a folder of its own. */
async function withFleet(use: (fleet: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-plan-'));
  const machine = { sockets: 2, cores: 4, threads: 2, memory: '8GiB', pages: { '2MiB': 512 } };
  const seat = (vm: string, first: number): object => ({
    vm,
    dedicated: [first, first + 8],
    memory: [{ cell: 0, bytes: '2GiB' }],
  });
  const hosts = ['a', 'b'].map((name) => ({
    name,
    machine,
    labels: { zone: name },
    seats: [seat(`${name}1`, 0), seat(`${name}2`, 1)],
  }));
  try {
    const fleet = join(folder, 'fleet.yaml');
    await writeFile(fleet, stringify({ hosts }));
    await use(fleet);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function plan(
  fleet: string,
  ...documents: readonly unknown[]
): Promise<{ readonly status: number; readonly answer: unknown }> {
  const stdin = documents.map((document) => stringify(document)).join('---\n');
  const ran = await runLine(['plan', '-f', '-', '--fleet', fleet, '--json'], {
    socket: '/nonexistent',
    stdin,
  });
  assert.equal(ran.stderr, '');
  return { status: ran.status, answer: JSON.parse(ran.stdout) as unknown };
}

function vm(spec: object, name = 'new'): object {
  return { apiVersion: 'berth/v1', kind: 'VM', metadata: { name }, spec };
}

const WIDE = { count: 8, policy: 'dedicated' };

test('a plan on a fleet file tells the place, the score and the runner-up, and asks no server', async () => {
  await withFleet(async (fleet) => {
    const { status, answer } = await plan(fleet, vm({ cpu: WIDE, memory: { size: '2GiB' } }));
    const view = planView.parse(answer);
    assert.ok(view.placed);
    assert.equal(status, 0);
    assert.deepEqual([view.placement.host, view.runnerUp?.host], ['a', 'b']);
  });
});

const REFUSED: readonly (readonly [string, object])[] = [
  ['one cell', { cpu: WIDE, memory: { size: '2GiB' }, numa: { cells: 1, nodeset: '0' } }],
  ['too much memory', { cpu: WIDE, memory: { size: '40GiB' } }],
  ['pages of another size', { memory: { size: '2GiB', pages: '1GiB' } }],
  ['another zone', { memory: { size: '1GiB' }, placement: { hosts: { zone: 'c' } } }],
  [
    'company that is not there',
    { memory: { size: '1GiB' }, placement: { affinity: ['app=nosuch'] } },
  ],
  ['threads', { cpu: { ...WIDE, count: 16, threads: 'isolate' }, memory: { size: '1GiB' } }],
];

for (const [what, spec] of REFUSED) {
  test(`a refusal of ${what} names every host, and each changed spec fits when planned again`, async () => {
    await withFleet(async (fleet) => {
      const { status, answer } = await plan(fleet, vm(spec));
      assert.equal(status, 4);
      const view = planView.parse(answer) as Refused;
      assert.deepEqual(
        view.hosts.map(({ host, checks }) => [host, checks.length > 0]),
        [
          ['a', true],
          ['b', true],
        ],
      );
      assert.ok(view.smallestChange.length > 0);
      for (const change of view.smallestChange.filter(({ moves }) => moves === undefined)) {
        const again = await plan(fleet, change.spec);
        assert.deepEqual([again.status, change.say], [0, change.say]);
      }
    });
  });
}

test('VMs that are to be moved are named with both hosts, and the document stays as it is', async () => {
  await withFleet(async (fleet) => {
    const spec = {
      cpu: { ...WIDE, count: 6 },
      memory: { size: '1GiB' },
      numa: { cells: 1, nodeset: '0' },
    };
    const { answer } = await plan(fleet, vm(spec));
    const view = planView.parse(answer) as Refused;
    const move = view.smallestChange.find(({ kind }) => kind === 'move');
    assert.deepEqual(move?.moves, [{ vm: 'a1', from: 'a', to: 'b' }]);
    assert.equal(move?.spec, undefined);
  });
});

test('several VMs of one file are placed together or not at all', async () => {
  await withFleet(async (fleet) => {
    const half = { cpu: WIDE, memory: { size: '2GiB' } };
    const both = await plan(fleet, vm(half, 'one'), vm(half, 'two'));
    assert.equal(both.status, 0);
    const { placed, placements } = both.answer as {
      placed: boolean;
      placements: { vm: string; placement: { host: string } }[];
    };
    assert.deepEqual([placed, placements.map((member) => member.vm)], [true, ['one', 'two']]);
    assert.equal(new Set(placements.map(({ placement }) => placement.host)).size, 2);
    const three = await plan(fleet, vm(half, 'one'), vm(half, 'two'), vm(half, 'three'));
    assert.deepEqual([three.status, (three.answer as Refused).placed], [4, false]);
  });
});

test('how long VMs are expected to stay counts in plans on a fleet file, alone and together', async () => {
  await withFleet(async (fleet) => {
    const hour = 3_600_000;
    const hosts = [1, 100].map((hours, index) => ({
      name: `h${hours}`,
      machine: { sockets: 1, cores: 8, threads: 1, memory: '8GiB' },
      seats: [{ vm: `old-${index}`, dedicated: [0], expectedEnd: NOW + hours * hour }],
    }));
    await writeFile(fleet, stringify({ hosts }));
    const stays = (expectedLifetime: string): object => ({
      cpu: { count: 1, policy: 'dedicated' },
      memory: { size: '512MiB' },
      placement: { expectedLifetime },
    });
    const hostsOf = async (...documents: readonly unknown[]): Promise<readonly string[]> => {
      const stdin = documents.map((document) => stringify(document)).join('---\n');
      const words = ['plan', '-f', '-', '--fleet', fleet, '--policy', 'lifetime', '--json'];
      const ran = await runLine(words, { socket: '/nonexistent', stdin });
      assert.equal(ran.stderr, '');
      return [...ran.stdout.matchAll(/"host": ?"(h\d+)"/g)].map(([, host = '']) => host);
    };
    assert.equal((await hostsOf(vm(stays('100h'))))[0], 'h100');
    assert.equal((await hostsOf(vm(stays('20m'))))[0], 'h1');
    assert.deepEqual(await hostsOf(vm(stays('100h'), 'one'), vm(stays('90h'), 'two')), [
      'h100',
      'h100',
    ]);
  });
});

test('VMs of a group that have one name are refused, and both documents are named', async () => {
  await withFleet(async (fleet) => {
    const documents = ['one', 'two', 'one'].map((name) => vm({ memory: { size: '1GiB' } }, name));
    const stdin = documents.map((document) => stringify(document)).join('---\n');
    const words = ['plan', '-f', '-', '--fleet', fleet];
    const { status, stderr } = await runLine(words, { socket: '/nonexistent', stdin });
    assert.equal(status, 2);
    assert.match(stderr, /standard input: a VM named one is in it twice/);
  });
});
