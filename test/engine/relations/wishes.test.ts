import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Fleet } from '../../../src/engine/fleet/fleet.ts';
import { POLICIES, TERM_NAMES } from '../../../src/engine/policy/policy.ts';
import { mostWithWishes, withWishes } from '../../../src/engine/relations/wishes.ts';
import type { PlacementRequest } from '../../../src/engine/request.ts';
import { totalOf } from '../../../src/engine/score.ts';
import type { ScoreTerm } from '../../../src/engine/score.ts';
import { ask } from '../requests.ts';
import { SYNTHETIC_PCI, syntheticHost, syntheticSeat } from '../synthetic-host.ts';

const wishful = ask({ spread: [{ over: 'zone', maxSkew: 1, hard: false }] });
const value = fc.double({ min: 0, max: 1, noNaN: true });

test('no host gets more from wishes than the bound, and one that meets them all gets just that', () => {
  fc.assert(
    fc.property(fc.constantFrom(...POLICIES), value, value, (policy, of, met) => {
      const terms = TERM_NAMES.flatMap((name) => {
        const weight = policy.weights[name] ?? 0;
        return weight > 0 ? [{ name, weight, value: of }] : [];
      });
      const score = { total: totalOf(terms), terms };
      const most = mostWithWishes(score.total, { policy, request: wishful });
      assert.ok(withWishes(score, met).total <= most + 1e-12);
      assert.ok(Math.abs(withWishes(score, 1).total - most) < 1e-12);
    }),
  );
});

test('without wishes a score stays as it is', () => {
  const hard = ask({ spread: [{ over: 'zone', maxSkew: 1, hard: true }] });
  const [policy] = POLICIES;
  assert.ok(policy !== undefined);
  assert.equal(mostWithWishes(0.4, { policy, request: hard }), 0.4);
  const score = { total: 0.4, terms: [] };
  assert.equal(withWishes(score, undefined), score);
});

const NEAR = { pci: [{ match: SYNTHETIC_PCI, count: 1, locality: 'preferred' }] } as const;

test('of two hosts that are alike otherwise, the one with a near function wins', () => {
  // Cell 0 of either is full; the functions are on different cells.
  const seats = [syntheticSeat('other', { dedicated: [0, 1, 2, 3] })];
  const machine = { cellsPerSocket: 2, seats } as const;
  const far = syntheticHost({ ...machine, name: 'far', pciPerCell: [1, 0] });
  const near = syntheticHost({ ...machine, name: 'near', pciPerCell: [0, 1] });
  for (const policy of POLICIES) {
    const fleet = new Fleet([far, near], policy);
    const found = fleet.find(ask(NEAR));
    assert.equal(found?.host, 'near', policy.name);
    assert.equal(found.score.terms.find(isWish)?.value, 1);
    const indifferent = { ...NEAR.pci[0], locality: 'any' } as const;
    assert.equal(fleet.find(ask({ pci: [indifferent] }))?.host, 'far', policy.name);
  }
});

test('a wish for near functions and a wish about other VMs count half each', () => {
  const seat = syntheticSeat('db', { labels: { app: 'db' }, dedicated: [0, 1, 2, 3] });
  const host = syntheticHost({ cellsPerSocket: 2, pciPerCell: [0, 1], seats: [seat] });
  const apart = { selector: 'app=db', over: 'host', hard: false };
  const wish = (request: PlacementRequest): number | undefined => {
    const wishes = new Fleet([host]).find(request)?.score.terms.filter(isWish);
    assert.equal(wishes?.length, 1);
    return wishes[0]?.value;
  };
  const others = wish(ask({ antiAffinity: [apart] })) ?? 1;
  assert.ok(others < 1);
  assert.equal(wish(ask({ ...NEAR, antiAffinity: [apart] })), (1 + others) / 2);
});

function isWish({ name }: ScoreTerm): boolean {
  return name === 'wishes';
}
