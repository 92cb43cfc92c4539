import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutHidden } from '../../../src/server/access/out-of-sight.ts';
import type { SightOf } from '../../../src/server/access/out-of-sight.ts';

const VMS: Readonly<Record<string, 'seen' | 'hidden'>> = {
  db1: 'seen',
  'web1.a': 'hidden',
  'a foreign one': 'hidden',
};
const sightOf: SightOf = (name) => VMS[name] ?? 'none';

test('plans, refusals and errors name no VM that their reader may not know of', () => {
  const check = {
    check: 'memory',
    need: 2,
    have: 'web1.a',
    say: 'web1.a, a foreign one and db1 hold it; so does web1.a.',
    heldBy: ['a foreign one', 'coming', 'db1', 'web1.a'],
  };
  const moves = (vm: string) => ({
    kind: 'move',
    say: `move ${vm}`,
    moves: [{ vm, from: 'h1', to: 'h2' }],
  });
  const plan = {
    placed: false,
    vm: 'web1.a',
    summary: 'web1.a is in the way of db2',
    hosts: [{ host: 'h1', checks: [check] }],
    smallestChange: [
      moves('web1.a'),
      moves('db1'),
      { kind: 'less', say: 'less', spec: { name: 'web1.a' } },
    ],
  };
  const known = {
    ...plan,
    summary: 'another VM is in the way of db2',
    hosts: [
      {
        host: 'h1',
        checks: [
          {
            ...check,
            have: 'another VM',
            say: 'another VM, another VM and db1 hold it; so does another VM.',
            heldBy: ['db1', '3 other VMs'],
          },
        ],
      },
    ],
    smallestChange: plan.smallestChange.slice(1),
  };
  assert.deepEqual(withoutHidden(plan, sightOf), known);
  assert.deepEqual(withoutHidden({ vm: 'db1', plan }, sightOf), { vm: 'db1', plan: known });
  const error = { code: 'BERTH_REFUSED', detail: 'full of web1.a', data: { explanation: plan } };
  const told = {
    code: 'BERTH_REFUSED',
    detail: 'full of another VM',
    data: { explanation: known },
  };
  assert.deepEqual(withoutHidden(error, sightOf), told);
  const operation = { vm: 'web1.a', error };
  assert.deepEqual(withoutHidden({ operations: [operation] }, sightOf), {
    operations: [{ vm: 'web1.a', error: told }],
  });
  const conflicts = [{ kind: 'memory', vms: ['db1', 'web1.a'], say: 'db1 and web1.a' }];
  assert.deepEqual(withoutHidden({ name: 'db1', conflicts }, sightOf), {
    name: 'db1',
    conflicts: [{ kind: 'memory', vms: ['db1', 'another VM'], say: 'db1 and another VM' }],
  });
});

test('what there is instead of what is not there is not told', () => {
  const data = { kind: 'host', name: 'h', known: ['h1'] };
  const problem = {
    code: 'BERTH_NOT_FOUND',
    detail: 'no host named "h"',
    hint: 'there is: h1',
    data,
  };
  const told = withoutHidden(problem, sightOf) as typeof problem;
  assert.deepEqual(told.data.known, []);
  assert.doesNotMatch(JSON.stringify(told), /h1/);
  const documents = { vms: [{ name: 'db1', labels: { a: 'web1.a' } }] };
  assert.deepEqual(
    withoutHidden(documents, sightOf),
    documents,
    'lists are filtered by themselves',
  );
});
