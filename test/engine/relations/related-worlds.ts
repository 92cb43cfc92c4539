import * as fc from 'fast-check';
import type { PlacementRequest } from '../../../src/engine/request.ts';
import type { HostSnapshot, Seat } from '../../../src/model/host.ts';
import type { AffinityRule, SpreadRule } from '../../../src/model/relation.ts';
import { ask } from '../requests.ts';
import { syntheticHost, syntheticSeat } from '../synthetic-host.ts';

const selector = fc.constantFrom('app=db', 'app=web', 'tier=1');
const over = fc.constantFrom('host', 'zone', 'rack');
const labels = fc.record(
  { app: fc.constantFrom('db', 'web'), tier: fc.constantFrom('1', '2') },
  { requiredKeys: [] },
);
const hostLabels = fc.record(
  { zone: fc.constantFrom('a', 'b', 'c'), rack: fc.constantFrom('1', '2') },
  { requiredKeys: [] },
);

const affinityRule: fc.Arbitrary<AffinityRule> = fc.record({
  selector,
  over,
  hard: fc.boolean(),
});
const spreadRule: fc.Arbitrary<SpreadRule> = fc.record(
  { over, selector, maxSkew: fc.integer({ min: 1, max: 2 }), hard: fc.boolean() },
  { requiredKeys: ['over', 'maxSkew', 'hard'] },
);

/** Two to five hosts with labels, nothing on them. */
export const labelledHosts: fc.Arbitrary<readonly HostSnapshot[]> = fc
  .array(hostLabels, { minLength: 2, maxLength: 5 })
  .map((each) =>
    each.map((own, index) => ({ ...syntheticHost({ name: `h${index}` }), labels: own })),
  );

/** Seats with labels, some of which keep others away. */
export const labelledSeats: fc.Arbitrary<readonly Seat[]> = fc
  .array(
    fc.record(
      {
        labels,
        keepsAway: fc.array(fc.record({ selector, over }), { minLength: 1, maxLength: 2 }),
      },
      { requiredKeys: ['labels'] },
    ),
    { maxLength: 8 },
  )
  .map((each) => each.map((fields, index) => syntheticSeat(`v${index}`, fields)));

/** A request with some rules. */
export const relatedRequest: fc.Arbitrary<PlacementRequest> = fc
  .record(
    {
      labels,
      affinity: fc.array(affinityRule, { maxLength: 2 }),
      antiAffinity: fc.array(affinityRule, { maxLength: 2 }),
      spread: fc.array(spreadRule, { maxLength: 2 }),
      hosts: fc.subarray(['h0', 'h1', 'h2'], { minLength: 1 }),
      excludeHosts: fc.subarray(['h0', 'h1']),
      hostLabels: fc.record({ zone: fc.constantFrom('a', 'b') }),
    },
    { requiredKeys: [] },
  )
  .map((fields) => ask(fields));

/** A labelled request with at most one rule, which fits beside its like about as often as not. */
export const mildRequest: fc.Arbitrary<PlacementRequest> = fc
  .record({
    app: fc.record({ app: fc.constantFrom('db', 'web') }),
    rule: fc.oneof(
      fc.constant({}),
      affinityRule.map((rule) => ({ affinity: [rule] })),
      affinityRule.map((rule) => ({ antiAffinity: [rule] })),
      spreadRule.map((rule) => ({ spread: [rule] })),
    ),
  })
  .map(({ app, rule }) => ask({ labels: app, ...rule }));
