import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { present } from '../../../src/base/assert.ts';
import { Fleet } from '../../../src/engine/fleet/fleet.ts';
import { placeGroup } from '../../../src/engine/group/place-group.ts';
import type { GroupResult } from '../../../src/engine/group/place-group.ts';
import { POLICIES } from '../../../src/engine/policy/policy.ts';
import { seatOf } from '../../../src/model/host.ts';
import type { HostSnapshot } from '../../../src/model/host.ts';
import { placementFaults } from '../placement-faults.ts';
import { allFit, mostVcpus } from './joint-model.ts';
import { oneByOne } from './one-by-one.ts';
import { crowd, looseGroup, openGroup, tightGroup } from './small-groups.ts';
import type { GroupWorld } from './small-groups.ts';

/** Worlds of each kind; the seeds are fixed, so that the figures in docs/performance.md stay true. */
const GROUPS = 40;
const CROWDS = 10;

/** More than this share of the optimum's vCPUs is not lost by placing one by one. */
const LOSS_MOST = 0.25;

test('a group is placed wherever the optimum finds room for it, and nowhere else', (t) => {
  for (const [kind, worlds] of [
    ['tight', fc.sample(tightGroup, { seed: 1, numRuns: GROUPS })],
    ['loose', fc.sample(looseGroup, { seed: 2, numRuns: GROUPS })],
  ] as const) {
    const counts = { fit: 0, oneByOne: 0 };
    for (const { hosts, requests } of worlds) {
      const result = placeGroup(new Fleet(hosts), requests);
      assert.equal(result.ok, allFit(hosts, requests), JSON.stringify(requests));
      assert.ok(result.ok || result.proven);
      assert.deepEqual(faultsOf({ hosts, requests }, result), []);
      if (result.ok) counts.fit++;
      if (oneByOne({ hosts, requests }).every((vcpus) => vcpus > 0)) counts.oneByOne++;
    }
    assert.ok(counts.fit > GROUPS / 5 && counts.fit < GROUPS, `${counts.fit} of ${GROUPS} fit`);
    assert.ok(counts.oneByOne <= counts.fit);
    t.diagnostic(`${kind}: ${GROUPS} groups, ${counts.fit} fit, all of them placed jointly`);
    t.diagnostic(`${kind}: ${counts.oneByOne} fit when placed one by one`);
  }
});

test('of guests that choose their cells only those are proven not to fit that do not', (t) => {
  const counts = { fit: 0, proven: 0, missed: 0, unsure: 0 };
  for (const { hosts, requests } of fc.sample(openGroup, { seed: 4, numRuns: GROUPS })) {
    const result = placeGroup(new Fleet(hosts), requests);
    const fits = allFit(hosts, requests);
    assert.ok(fits || !result.ok, JSON.stringify(requests));
    assert.ok(!fits || result.ok || !result.proven, JSON.stringify(requests));
    assert.deepEqual(faultsOf({ hosts, requests }, result), []);
    if (result.ok) counts.fit++;
    else if (result.proven) counts.proven++;
    else counts[fits ? 'missed' : 'unsure']++;
  }
  t.diagnostic(JSON.stringify(counts));
  assert.ok(Math.min(counts.fit, counts.proven) > GROUPS / 8, JSON.stringify(counts));
  assert.ok(counts.missed <= counts.fit / 10, JSON.stringify(counts));
});

test('VMs placed as they come are not far from the optimum that knows all of them', (t) => {
  const worlds = fc.sample(crowd, { seed: 3, numRuns: CROWDS });
  const optimum = sumOf(worlds.map(({ hosts, requests }) => mostVcpus(hosts, requests)));
  for (const name of ['default', 'best-fit', 'first-fit']) {
    const policy = present(
      POLICIES.find((each) => each.name === name),
      `policy ${name}`,
    );
    const placed = sumOf(worlds.map((world) => sumOf(oneByOne(world, policy))));
    assert.ok(placed <= optimum);
    assert.ok(name !== 'default' || placed > optimum * (1 - LOSS_MOST), `${placed} of ${optimum}`);
    const loss = Math.round((1 - placed / optimum) * 1000) / 10;
    t.diagnostic(`${name}: ${placed} vCPUs placed of ${optimum} in the optimum, ${loss} % less`);
  }
});

/** What is wrong with the placements of a group, each looked at beside those before it. */
function faultsOf({ hosts, requests }: GroupWorld, result: GroupResult): readonly string[] {
  if (!result.ok) return [];
  const filled = new Map<string, HostSnapshot>(hosts.map((host) => [host.name, host]));
  return result.placements.flatMap(({ placement }, index) => {
    const request = present(requests[index], `request ${index}`);
    const host = present(filled.get(placement.host), placement.host);
    const taker = { name: request.name, uuid: request.name, running: false };
    filled.set(host.name, { ...host, seats: [...host.seats, seatOf(taker, placement)] });
    return placementFaults(host, request, placement);
  });
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0);
}
