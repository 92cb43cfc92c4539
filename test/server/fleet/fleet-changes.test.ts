import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  defineDomain,
  destroyDomain,
  removeDomain,
  startDomain,
} from '../../../src/host/domains.ts';
import type { FleetChange } from '../../../src/server/fleet/fleet-changes.ts';
import { labSkip } from '../../lab/lab-host.ts';
import { until } from '../rig.ts';
import { startBareFleet } from './bare-fleet.ts';

const skip = await labSkip();
const WAIT = { deadlineMs: 5000 };
const UUID = 'b0c5a8a0-5a3e-4d52-9a4b-5f6f0c1f7a01';
const DOMAIN = `<domain type='qemu'><name>by-hand</name><uuid>${UUID}</uuid>
  <memory unit='MiB'>64</memory><vcpu>1</vcpu><os><type arch='x86_64'>hvm</type></os></domain>`;

function said(changes: readonly FleetChange[]): readonly string[] {
  return changes.map((change) =>
    change.kind === 'vm'
      ? `${change.record.name} ${change.change} ${change.record.state}`
      : `${change.name} ${change.change}`,
  );
}

test('what a user can see is told once, in order, and nothing else', { skip }, async () => {
  await using rig = await startBareFleet();
  const { fleet } = rig;
  const heard: FleetChange[] = [];
  const stop = fleet.changes.listen((change) => heard.push(change));
  const mirror = await fleet.add('h1', rig.lab.uri);
  await defineDomain(mirror.link, DOMAIN, WAIT);
  await until('it appears', async () => said(heard).includes('by-hand appeared shutoff'));
  await mirror.refresh(UUID);
  await mirror.refresh(UUID); // as it was: told to nobody
  await startDomain(mirror.link, UUID, WAIT);
  await until('it runs', async () => said(heard).includes('by-hand changed running'));
  await destroyDomain(mirror.link, UUID, WAIT);
  await until('it ends', async () => said(heard).includes('by-hand changed shutoff'));
  await removeDomain(mirror.link, UUID, WAIT);
  await until('it is gone', async () => said(heard).includes('by-hand gone shutoff'));
  await fleet.remove('h1', () => {}, { force: false });
  assert.deepEqual(
    said(heard)
      .filter((line) => line !== 'by-hand changed shutdown') // seen or not, as it comes
      .filter((line, index, all) => line !== all[index - 1]),
    [
      'h1 added',
      'h1 connected',
      'by-hand appeared shutoff',
      'by-hand changed running',
      'by-hand changed shutoff',
      'by-hand gone shutoff',
      'h1 removed',
    ],
  );
  stop();
  await fleet.add('h1', rig.lab.uri);
  assert.equal(said(heard).at(-1), 'h1 removed', 'who does not listen any more hears nothing');
});

test('a host that cannot be taken in is told to nobody', { skip }, async () => {
  await using rig = await startBareFleet();
  await rig.fleet.add('h1', rig.lab.uri);
  const heard: FleetChange[] = [];
  rig.fleet.changes.listen((change) => heard.push(change));
  await assert.rejects(rig.fleet.add('twin', `${rig.lab.uri}&no_verify=1`));
  assert.deepEqual(heard, []);
});
