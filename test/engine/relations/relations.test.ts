import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { present } from '../../../src/base/assert.ts';
import { Relations } from '../../../src/engine/relations/relations.ts';
import type { HostSnapshot, Seat } from '../../../src/model/host.ts';
import { ask } from '../requests.ts';
import { syntheticHost, syntheticSeat } from '../synthetic-host.ts';
import { mayUse, plainAllows } from './plain-relations.ts';
import { labelledHosts, labelledSeats, relatedRequest } from './related-worlds.ts';

const RUNS = 2000;

/** Hosts h0, h1, ... in the zones given; one without a zone has ''. */
function hostsIn(...zones: readonly string[]): readonly HostSnapshot[] {
  return zones.map((zone, index) => ({
    ...syntheticHost({ name: `h${index}` }),
    labels: zone === '' ? {} : { zone },
  }));
}

/** Relations with VMs labelled app=... on the hosts at those indexes. */
function relationsWith(
  hosts: readonly HostSnapshot[],
  vms: readonly (readonly [host: number, app: string])[],
): Relations {
  const relations = new Relations(hosts);
  for (const [index, [host, app]] of vms.entries()) {
    relations.enter(host, syntheticSeat(`${app}${index}`, { labels: { app } }));
  }
  return relations;
}

function allowed(relations: Relations, hosts: number, request: Parameters<typeof ask>[0]): string {
  const asked = ask(request);
  const indexes = Array.from({ length: hosts }, (_, index) => index);
  return indexes.filter((index) => relations.allows(index, asked)).join();
}

test('counts kept seat by seat give the answers of counting anew', () => {
  let some = 0;
  fc.assert(
    fc.property(
      labelledHosts,
      labelledSeats,
      fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 24 }),
      relatedRequest,
      (hosts, seats, moves, request) => {
        const relations = new Relations(hosts);
        const homes = new Map<Seat, number>();
        for (const [seatAt, hostAt] of moves) {
          const seat = seats[seatAt % Math.max(1, seats.length)];
          if (seat === undefined) continue;
          const home = homes.get(seat);
          if (home === undefined) homes.set(seat, hostAt % hosts.length);
          else homes.delete(seat);
          if (home === undefined) relations.enter(hostAt % hosts.length, seat);
          else relations.leave(home, seat);
          relations.allows(0, request); // tallies are made here, and have to follow from now on
        }
        const filled = hosts.map((host, index) => ({
          ...host,
          seats: [...homes].flatMap(([seat, home]) => (home === index ? [seat] : [])),
        }));
        for (const [index, host] of filled.entries()) {
          if (!mayUse(host, request)) continue;
          const plain = plainAllows(filled, host, request);
          assert.equal(relations.allows(index, request), plain);
          assert.equal(relations.verdict(index, request).broken.length === 0, plain);
          if (!plain) some++;
          if (!plain) assert.ok(relations.concerns(request));
        }
      },
    ),
    { numRuns: RUNS },
  );
  assert.ok(some > RUNS / 10, `only ${some} hosts were refused: the test tests little`);
});

test('affinity allows the hosts of the place where such a VM is', () => {
  const hosts = hostsIn('a', 'a', 'b');
  const relations = relationsWith(hosts, [[0, 'db']]);
  const rule = { selector: 'app=db', hard: true };
  assert.equal(allowed(relations, 3, { affinity: [{ ...rule, over: 'host' }] }), '0');
  assert.equal(allowed(relations, 3, { affinity: [{ ...rule, over: 'zone' }] }), '0,1');
});

test('the first VM of its kind may be anywhere, but a VM of another kind waits for it', () => {
  const hosts = hostsIn('a', 'b', '');
  const relations = relationsWith(hosts, []);
  const affinity = [{ selector: 'app=db', over: 'zone', hard: true }];
  assert.equal(allowed(relations, 3, { affinity, labels: { app: 'db' } }), '0,1');
  assert.equal(allowed(relations, 3, { affinity, labels: { app: 'web' } }), '');
});

test('anti-affinity keeps the VM away, and keeps those away that come later', () => {
  const hosts = hostsIn('a', 'a', 'b');
  const relations = relationsWith(hosts, [[0, 'db']]);
  const antiAffinity = [{ selector: 'app=db', over: 'zone', hard: true }];
  assert.equal(allowed(relations, 3, { antiAffinity }), '2');

  const keepsAway = [{ selector: 'app=web', over: 'zone' }];
  relations.enter(2, syntheticSeat('shy', { keepsAway }));
  assert.equal(allowed(relations, 3, { labels: { app: 'web' } }), '0,1');
  assert.equal(allowed(relations, 3, { labels: { app: 'db' } }), '0,1,2');
});

test('spread allows the places with the fewest VMs, and no host that is in no place', () => {
  const hosts = hostsIn('a', 'a', 'b', '');
  const relations = relationsWith(hosts, [
    [0, 'db'],
    [2, 'web'],
  ]);
  const spread = [{ over: 'zone', selector: 'app=db', maxSkew: 1, hard: true }];
  assert.equal(allowed(relations, 4, { spread, labels: { app: 'db' } }), '2');
  assert.equal(allowed(relations, 4, { spread, labels: { app: 'web' } }), '0,1,2');
});

test('spread counts only places that the VM may use', () => {
  const hosts = hostsIn('a', 'b', 'c');
  const relations = relationsWith(hosts, [
    [0, 'db'],
    [1, 'db'],
  ]);
  const spread = [{ over: 'zone', selector: 'app=db', maxSkew: 1, hard: true }];
  const labels = { app: 'db' };
  assert.equal(allowed(relations, 3, { spread, labels }), '2');
  assert.equal(allowed(relations, 2, { spread, labels, hosts: ['h0', 'h1'] }), '0,1');
});

test('a refusal names the VMs in the way, and says the numbers', () => {
  const relations = relationsWith(hostsIn('a', 'b'), [
    [0, 'db'],
    [0, 'db'],
  ]);
  const { broken } = relations.verdict(
    0,
    ask({
      labels: { app: 'db' },
      affinity: [{ selector: 'app=web', over: 'host', hard: true }],
      antiAffinity: [{ selector: 'app=db', over: 'host', hard: true }],
      spread: [{ over: 'zone', selector: 'app=db', maxSkew: 1, hard: true }],
    }),
  );
  assert.deepEqual(
    broken.map(({ say }) => say),
    [
      'the VM is to be near a VM with app=web, and host h0 has none',
      'the VM is to be away from VMs with app=db, and host h0 has 2',
      'zone a would have 3 VMs with app=db, and may have 1: the zone with the fewest has 0, and each may have 1 more',
    ],
  );
  assert.deepEqual(
    broken.map(({ heldBy }) => heldBy),
    [[], ['db0', 'db1'], ['db0', 'db1']],
  );
});

test('a wish refuses nothing and is worth the more the better it is met', () => {
  const relations = relationsWith(hostsIn('a', 'b', 'b'), [
    [0, 'db'],
    [0, 'db'],
    [1, 'db'],
  ]);
  const wishOf = (host: number, request: Parameters<typeof ask>[0]): number =>
    present(relations.wish(host, ask(request)), 'a wish');
  const apart = { antiAffinity: [{ selector: 'app=db', over: 'host', hard: false }] };
  assert.equal(allowed(relations, 3, apart), '0,1,2');
  assert.ok(wishOf(2, apart) > wishOf(1, apart) && wishOf(1, apart) > wishOf(0, apart));

  const near = { affinity: [{ selector: 'app=db', over: 'host', hard: false }] };
  assert.deepEqual([wishOf(0, near), wishOf(2, near)], [1, 0]);
  assert.equal(relations.wish(0, ask()), undefined);
});
