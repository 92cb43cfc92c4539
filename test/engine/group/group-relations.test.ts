import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { present } from '../../../src/base/assert.ts';
import { Fleet } from '../../../src/engine/fleet/fleet.ts';
import { placeGroup } from '../../../src/engine/group/place-group.ts';
import type { PlacementRequest } from '../../../src/engine/request.ts';
import type { HostSnapshot, Seat } from '../../../src/model/host.ts';
import { mayUse, plainAllows } from '../relations/plain-relations.ts';
import { labelledHosts, mildRequest, relatedRequest } from '../relations/related-worlds.ts';
import { syntheticSeat } from '../synthetic-host.ts';

const RUNS = 300;

test('rules within a group are kept wherever trying every way finds that they can be', () => {
  const counts = { fit: 0, refused: 0 };
  fc.assert(
    fc.property(
      labelledHosts,
      fc.oneof(
        fc.array(mildRequest, { minLength: 2, maxLength: 4 }),
        fc.array(relatedRequest, { minLength: 2, maxLength: 3 }),
      ),
      (hosts, unnamed) => {
        const requests = unnamed.map((request, index) => ({ ...request, name: `v${index}` }));
        const result = placeGroup(new Fleet(hosts), requests);
        assert.equal(result.ok, canBeKept(hosts, requests, []), JSON.stringify(result));
        assert.ok(result.ok || result.proven);
        counts[result.ok ? 'fit' : 'refused']++;
        if (!result.ok) return;
        const homes = result.placements.map(({ placement }) => placement.host);
        assert.ok(isKept(hosts, requests, homes), homes.join());
      },
    ),
    { numRuns: RUNS },
  );
  assert.ok(Math.min(counts.fit, counts.refused) > RUNS / 10, JSON.stringify(counts));
});

/** Tries every host for every VM; there is room for all of them everywhere. */
function canBeKept(
  hosts: readonly HostSnapshot[],
  requests: readonly PlacementRequest[],
  homes: readonly string[],
): boolean {
  if (homes.length === requests.length) return isKept(hosts, requests, homes);
  return hosts.some(({ name }) => canBeKept(hosts, requests, [...homes, name]));
}

/** Whether each VM may be where it is, beside all the others. */
function isKept(
  hosts: readonly HostSnapshot[],
  requests: readonly PlacementRequest[],
  homes: readonly string[],
): boolean {
  return requests.every((request, own) => {
    const others = hosts.map((host) => ({
      ...host,
      seats: requests.flatMap((other, index) =>
        index !== own && homes[index] === host.name ? [seatFor(other)] : [],
      ),
    }));
    const host = present(
      others.find(({ name }) => name === homes[own]),
      'its host',
    );
    return mayUse(host, request) && plainAllows(others, host, request);
  });
}

function seatFor({ name, labels = {}, antiAffinity = [] }: PlacementRequest): Seat {
  return syntheticSeat(name, { labels, keepsAway: antiAffinity.filter(({ hard }) => hard) });
}
