import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { POLICIES, TERM_NAMES } from '../../../src/engine/policy/policy.ts';
import { mostWithWishes, withWishes } from '../../../src/engine/relations/wishes.ts';
import { totalOf } from '../../../src/engine/score.ts';
import { ask } from '../requests.ts';

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
      const most = mostWithWishes(score.total, policy, wishful);
      assert.ok(withWishes(score, met).total <= most + 1e-12);
      assert.ok(Math.abs(withWishes(score, 1).total - most) < 1e-12);
    }),
  );
});

test('without wishes a score stays as it is', () => {
  const hard = ask({ spread: [{ over: 'zone', maxSkew: 1, hard: true }] });
  const [policy] = POLICIES;
  assert.ok(policy !== undefined);
  assert.equal(mostWithWishes(0.4, policy, hard), 0.4);
  const score = { total: 0.4, terms: [] };
  assert.equal(withWishes(score, undefined), score);
});
