import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBerthError } from '../../../src/base/errors.ts';
import { GIB } from '../../../src/base/units.ts';
import type { SpecEntry } from '../../../src/api/spec-file.ts';
import { parseVmDocument } from '../../../src/api/vm-spec.ts';
import type { VmDocument } from '../../../src/api/vm-spec.ts';
import { ledgerOf } from '../../../src/engine/ledger.ts';
import { Fleet } from '../../../src/server/fleet/fleet.ts';
import { Placer } from '../../../src/server/fleet/placer.ts';
import { labSkip } from '../../lab/lab-host.ts';
import { shimSkip, startShimmedHost } from '../../lab/machine/shimmed-host.ts';
import { quietPorts } from '../quiet-ports.ts';
import { startBareFleet } from './bare-fleet.ts';

const skip = await labSkip();

function entryOf(name: string, spec: Partial<VmDocument['spec']>): SpecEntry {
  const document: VmDocument = {
    apiVersion: 'berth/v1',
    kind: 'VM',
    metadata: { name },
    spec: { memory: { size: '64MiB' }, ...spec },
  };
  return { document, spec: parseVmDocument(document) };
}

function coming(name: string, spec: Partial<VmDocument['spec']>) {
  return { entry: entryOf(name, spec), uuid: crypto.randomUUID() };
}

/** Claims all at once, and tells who got a place and what the others were told. */
async function claimAtOnce(placers: readonly Placer[], vms: readonly ReturnType<typeof coming>[]) {
  const results = await Promise.allSettled(
    vms.map(async ({ entry, uuid }, index) => {
      const placer = placers[index % placers.length];
      assert.ok(placer);
      return placer.claim(entry, uuid);
    }),
  );
  const claimed = results.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const refused = results.flatMap((one) =>
    one.status === 'rejected' ? [one.reason as unknown] : [],
  );
  return { claimed, refused };
}

test(
  'twelve cores take 48 guests of 4 vCPUs at 16 to 1, whoever comes first, and not one more',
  { skip: await shimSkip() },
  async () => {
    await using rig = await startBareFleet();
    const { fleet, placer } = rig;
    const twelve = await startShimmedHost('twelve', { cores: 12, memoryBytes: 32 * GIB });
    await fleet.add('h1', twelve.uri);
    const guests = Array.from({ length: 60 }, (_, index) =>
      coming(`vm-${index}`, { cpu: { count: 4 } }),
    );
    const { claimed, refused } = await claimAtOnce([placer], guests);
    assert.equal(claimed.length, 48);
    for (const error of refused) {
      assert.ok(isBerthError(error, 'BERTH_REFUSED'));
      const { hosts } = error.data.explanation as {
        hosts: { checks: { check: string; need: number; have: number }[] }[];
      };
      assert.deepEqual(
        hosts.map(({ checks }) => checks.map(({ check }) => check)),
        [['cpu-ratio']],
      );
    }
  },
);

test('two servers on one store never give the same place twice', { skip }, async () => {
  await using rig = await startBareFleet();
  const { fleet, store, placer, lab } = rig;
  await fleet.add('h1', lab.uri);
  const other = new Fleet(store, { uid: 0 }, quietPorts());
  await other.start();
  try {
    const placers = [placer, new Placer(other, store, Date.now)];
    const claims = await fleet.claimedSeats();
    const ledger = ledgerOf(await fleet.host('h1').snapshot(claims('h1')));
    const pcpus = [...ledger.free].length;
    const guests = Array.from({ length: pcpus + 4 }, (_, index) =>
      coming(`vm-${index}`, { cpu: { count: 1, policy: 'dedicated', threads: 'prefer' } }),
    );
    const { claimed, refused } = await claimAtOnce(placers, guests);
    const taken = claimed.flatMap(({ placement }) => placement.dedicated ?? []);
    assert.equal(new Set(taken).size, taken.length, 'a pCPU was given twice');
    assert.equal(claimed.length + refused.length, guests.length);
    assert.ok(claimed.length > 0 && refused.length > 0);
    assert.ok(refused.every((error) => isBerthError(error, 'BERTH_REFUSED')));
  } finally {
    await other.stop();
  }
});

test('a group is claimed whole or not at all', { skip }, async () => {
  await using rig = await startBareFleet();
  const { fleet, store, placer, lab } = rig;
  await fleet.add('h1', lab.uri);
  const two = [coming('a', {}), coming('b', {})];
  const planned = await placer.planGroup(two.map(({ entry }) => entry.spec));
  assert.ok(planned.ok);
  const claims = await placer.claimGroup(two);
  assert.deepEqual(
    claims.map(({ vm, placement }) => [vm, placement.host]),
    [
      ['a', 'h1'],
      ['b', 'h1'],
    ],
  );
  const tooMuch = [coming('c', {}), coming('d', { memory: { size: '64TiB' } })];
  await assert.rejects(placer.claimGroup(tooMuch), (error) => {
    assert.ok(isBerthError(error, 'BERTH_REFUSED'));
    assert.equal(error.data.vm, 'd');
    return true;
  });
  await assert.rejects(placer.claimGroup([coming('e', {}), coming('a', {})]), (error) =>
    isBerthError(error, 'BERTH_BUSY'),
  );
  const left = (await store.claims.list()).map(({ vm }) => vm);
  assert.deepEqual(left, ['a', 'b']);
});

test('a lost race on one host takes back what was taken on the others', { skip }, async () => {
  await using rig = await startBareFleet();
  const { fleet, store, placer, lab } = rig;
  await fleet.add('h1', lab.uri);
  const [claim] = await placer.claimGroup([coming('a', {})]);
  assert.ok(claim);
  const generation = (await store.hosts.generation('h1')) ?? 0;
  const next = [
    { ...claim, vm: 'b', uuid: crypto.randomUUID() },
    {
      ...claim,
      vm: 'c',
      uuid: crypto.randomUUID(),
      placement: { ...claim.placement, host: 'gone' },
    },
  ];
  assert.equal(await store.claims.takeAll(next, new Map([['h1', generation]])), false);
  assert.equal(await store.hosts.generation('h1'), generation);
  assert.equal((await store.claims.list()).length, 1);
});

test(
  'what one server changes of the registry the others on the store take over',
  { skip },
  async () => {
    await using rig = await startBareFleet();
    const { fleet, store, lab } = rig;
    const other = new Fleet(store, { uid: 0 }, quietPorts());
    await other.start();
    try {
      await fleet.add('h1', lab.uri, { labels: { zone: 'a' }, settings: {} });
      await other.heedRegistry();
      await other.reachable('h1');
      assert.deepEqual(other.host('h1').profile.labels, { zone: 'a' });
      await fleet.change('h1', ({ labels }) => ({ labels, settings: { schedulable: false } }));
      await other.heedRegistry();
      assert.equal(other.host('h1').profile.settings.schedulable, false);
      await fleet.remove('h1', () => {}, { force: false });
      await other.heedRegistry();
      assert.equal(other.mirrors.length, 0);
    } finally {
      await other.stop();
    }
  },
);
