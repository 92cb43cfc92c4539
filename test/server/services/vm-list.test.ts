import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isBerthError } from '../../../src/base/errors.ts';
import type { VmSummary } from '../../../src/api/resources.ts';
import { vmQuery } from '../../../src/api/vm-query.ts';
import { comesFirst, vmPage } from '../../../src/server/services/vm-list.ts';

const GIB = 1024 ** 3;

function vm(name: string, more: Partial<VmSummary> = {}): VmSummary {
  const host = more.host ?? 'h1';
  return {
    name,
    uuid: `${host}-${name}`,
    state: 'running',
    host,
    managed: true,
    vcpus: 1,
    memoryBytes: GIB,
    cells: [],
    labels: {},
    ...more,
  };
}

const VMS = [
  vm('web-2', { labels: { app: 'web' }, memoryBytes: 4 * GIB }),
  vm('db-1', { labels: { app: 'db', tier: 'gold' }, vcpus: 8, host: 'h2' }),
  vm('web-1', { labels: { app: 'web' }, state: 'shutoff' }),
  vm('theirs', { managed: false, vcpus: 2 }),
];

function ask(query: Record<string, string>, vms: readonly VmSummary[] = VMS) {
  const inOrder = vms.toSorted((one, other) => (comesFirst(one, other) ? -1 : 1));
  return vmPage(
    inOrder.map((each) => ({ vm: each })),
    vmQuery.parse(query),
  );
}

function names(query: Record<string, string>): readonly string[] {
  return ask(query).items.map(({ name }) => name);
}

test('VMs are asked for by label, host, state, name and whether Berth made them', () => {
  assert.deepEqual(names({}), ['db-1', 'theirs', 'web-1', 'web-2']);
  assert.deepEqual(names({ labels: 'app=web' }), ['web-1', 'web-2']);
  assert.deepEqual(names({ labels: 'app!=web,app' }), ['db-1']);
  assert.deepEqual(names({ host: 'h2' }), ['db-1']);
  assert.deepEqual(names({ state: 'shutoff' }), ['web-1']);
  assert.deepEqual(names({ managed: 'false' }), ['theirs']);
  assert.deepEqual(names({ name: 'eb' }), ['web-1', 'web-2']);
  assert.deepEqual(names({ name: '?b-*' }), ['db-1']);
  assert.deepEqual(names({ labels: 'app=web', state: 'running' }), ['web-2']);
});

test('they are sorted as asked, and by name where they are equal in that', () => {
  assert.deepEqual(names({ sort: 'vcpus' }), ['web-1', 'web-2', 'theirs', 'db-1']);
  assert.deepEqual(names({ sort: 'memory' }), ['db-1', 'theirs', 'web-1', 'web-2']);
  assert.deepEqual(names({ sort: 'host' }), ['theirs', 'web-1', 'web-2', 'db-1']);
});

test('a cursor of another sort, and what is none, are refused', () => {
  const { next = '' } = ask({ limit: '1' });
  const forged = Buffer.from('["vcpus","1","x","y"]').toString('base64url');
  const wrong = [
    { cursor: next, sort: 'memory' },
    { cursor: 'x' },
    { cursor: '' },
    { cursor: forged, sort: 'vcpus' },
  ];
  for (const query of wrong) {
    assert.throws(
      () => ask(query),
      (error) => isBerthError(error, 'BERTH_SPEC_INVALID'),
    );
  }
});

test('VMs that stay are listed exactly once, whatever comes and goes between the pages', () => {
  const letters = fc.uniqueArray(
    fc.string({ unit: fc.constantFrom('a', 'b', 'k', 'z'), minLength: 1, maxLength: 2 }),
    {
      maxLength: 20,
    },
  );
  const sorts = fc.constantFrom('name', 'vcpus', 'host');
  fc.assert(
    fc.property(
      letters,
      letters,
      fc.integer({ min: 1, max: 4 }),
      sorts,
      (stay, come, limit, sort) => {
        const sized = (name: string) =>
          vm(name, { vcpus: name.charCodeAt(0) % 3, host: `h${name < 'k'}` });
        const staying = stay.map(sized);
        const visitors = come.filter((name) => !stay.includes(name)).map(sized);
        const listed: string[] = [];
        let cursor: string | undefined;
        for (let turn = 0; turn === 0 || cursor !== undefined; turn++) {
          const there = turn % 2 === 0 ? [...staying, ...visitors] : staying;
          const query = { limit: String(limit), sort, ...(cursor === undefined ? {} : { cursor }) };
          const page = ask(query, there);
          assert.ok(page.items.length <= limit);
          listed.push(...page.items.map(({ name }) => name));
          cursor = page.next;
        }
        assert.equal(new Set(listed).size, listed.length);
        assert.deepEqual(listed.filter((name) => stay.includes(name)).toSorted(), stay.toSorted());
      },
    ),
  );
});
