import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseVmDocument } from '../../../src/api/vm-spec.ts';
import type { VmDocument } from '../../../src/api/vm-spec.ts';
import type { VmSpec } from '../../../src/model/vm-spec.ts';
import type { VmChange } from '../../../src/api/change.ts';
import { changesOf, changesOverPending } from '../../../src/server/declare/changes-of.ts';

function specOf(
  spec: Partial<VmDocument['spec']> = {},
  labels: Readonly<Record<string, string>> = {},
): VmSpec {
  return parseVmDocument({
    apiVersion: 'berth/v1',
    kind: 'VM',
    metadata: { name: 'vm', labels },
    spec: { memory: { size: '1GiB' }, ...spec },
  });
}

/** Each change as `path: cost`. */
function costs(before: VmSpec, after: VmSpec, running = true): readonly string[] {
  return changesOf(before, after, running).map(({ path, cost }) => `${path}: ${cost}`);
}

test('the same written in another way is no change', () => {
  const written = specOf({ memory: { size: '1024MiB', pages: '4KiB' }, cpu: { count: 1 } });
  assert.deepEqual(changesOf(specOf(), written, true), []);
});

test('labels and rules change at once, the rest of a guest that runs at its next start', () => {
  const after = specOf(
    { cpu: { count: 2 }, placement: { antiAffinity: ['app=db'] } },
    { app: 'db' },
  );
  assert.deepEqual(costs(specOf(), after), [
    'metadata.labels.app: live',
    'spec.cpu.count: next boot',
    'spec.placement.antiAffinity: live',
  ]);
  assert.ok(changesOf(specOf(), after, false).every(({ cost }) => cost === 'live'));
});

test('a disk is added at the next start, grows and goes while no guest runs, and never shrinks', () => {
  const disks = (...sizes: readonly string[]) =>
    specOf({ disks: sizes.map((size, index) => ({ name: `d${index}`, size })) });
  assert.deepEqual(costs(disks('1GiB'), disks('1GiB', '1GiB')), ['spec.disks[d1]: next boot']);
  assert.deepEqual(costs(disks('1GiB'), disks('2GiB')), ['spec.disks[d0].size: restart']);
  assert.deepEqual(costs(disks('1GiB'), disks()), ['spec.disks[d0]: restart']);
  assert.deepEqual(costs(disks('2GiB'), disks('1GiB'), false), ['spec.disks[d0].size: recreate']);
});

test('firmware, machine type and image only change with a new VM, and say why', () => {
  const image = (name: string) => specOf({ disks: [{ name: 'root', image: name }] });
  const changes = [
    ...changesOf(specOf(), specOf({ machine: 'pc', boot: { firmware: 'efi' } }), false),
    ...changesOf(image('debian-12'), image('debian-13'), false),
  ];
  assert.deepEqual(
    changes.map(({ path, cost }) => [path, cost]),
    [
      ['spec.machine', 'recreate'],
      ['spec.boot.firmware', 'recreate'],
      ['spec.disks[root].image', 'recreate'],
    ],
  );
  assert.ok(changes.every(({ why }) => why !== undefined));
});

test('what is pending and is taken back, or is to be another, is told beside what the guest is', () => {
  const change = (before: string, after: string): VmChange => ({
    path: 'spec.cpu.count',
    before,
    after,
    cost: 'next boot',
  });
  assert.deepEqual(changesOverPending([], [change('2', '1')]), [
    { ...change('1', '1'), pending: '2' },
  ]);
  assert.deepEqual(changesOverPending([change('1', '3')], [change('2', '3')]), [
    { ...change('1', '3'), pending: '2' },
  ]);
  assert.deepEqual(changesOverPending([change('1', '3')], [change('1', '3')]), [change('1', '3')]);
  assert.deepEqual(changesOverPending([change('1', '2')], []), [change('1', '2')]);
});
