import { z } from 'zod';
import type { PlacementRules } from '../model/relation.ts';
import { OVER_HOST } from '../model/relation.ts';
import { durationText, plainWord } from './spec-words.ts';

/** `spec.placement`: on which hosts, and near which VMs or away from them. */

const selector = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}=.{0,63}$/, 'must be a label such as app=db')
  .meta({ description: 'A label of VMs', examples: ['app=db'] });
const place = plainWord.meta({
  description:
    'What is one place: host, or the key of a host label, whose equal values are one place',
  examples: ['host', 'zone', 'rack'],
});
const isHard = z
  .boolean()
  .default(true)
  .describe('true: hosts that break it are refused; false: a wish that counts in the score');

const affinityRule = z.union(
  [
    selector.transform((text) => ({ selector: text, over: OVER_HOST, hard: true })),
    z.strictObject({ selector, over: place.default(OVER_HOST), hard: isHard }),
  ],
  { error: 'must be a label such as app=db, or { selector, over, hard }' },
);

const spreadRule = z.strictObject({
  over: place,
  selector: selector.optional().describe('A label of the VMs that count; left out: every VM'),
  maxSkew: z
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(1)
    .describe('By how many VMs a place may be ahead of the one with the fewest'),
  hard: isHard,
});

const RULES_MAX = 64;

export const placementSpec = z.strictObject({
  hosts: z
    .union([z.array(plainWord).max(1000), z.record(plainWord, z.string().max(63))], {
      error: 'must be a list of hosts, or a map of labels that hosts have',
    })
    .default([])
    .meta({
      description: 'The hosts that it may be on: their names, or labels they must have; none: any',
      examples: [['h1', 'h2'], { zone: 'north' }],
    }),
  excludeHosts: z.array(plainWord).max(1000).optional().describe('Hosts that it must not be on'),
  affinity: z
    .array(affinityRule)
    .max(RULES_MAX)
    .optional()
    .describe('VMs to be near: in its place there is one of them'),
  antiAffinity: z
    .array(affinityRule)
    .max(RULES_MAX)
    .optional()
    .describe('VMs to be away from: in its place there is none of them, later ones included'),
  spread: z
    .array(spreadRule)
    .max(RULES_MAX)
    .optional()
    .describe('Places over which VMs are to be as even as they can'),
  expectedLifetime: durationText
    .optional()
    .describe('For how long it will probably be there; nothing happens to one that stays longer'),
});

/** The rules of a `spec.placement` that was read, and the hosts it names. */
export function placementRules(
  spec: z.output<typeof placementSpec>,
): PlacementRules & { readonly hosts: readonly string[] } {
  const { hosts, excludeHosts, affinity, antiAffinity, spread, expectedLifetime } = spec;
  return {
    hosts: Array.isArray(hosts) ? hosts : [],
    ...(Array.isArray(hosts) ? {} : { hostLabels: hosts }),
    ...(excludeHosts === undefined ? {} : { excludeHosts }),
    ...(affinity === undefined ? {} : { affinity }),
    ...(antiAffinity === undefined ? {} : { antiAffinity }),
    ...(spread === undefined
      ? {}
      : {
          spread: spread.map(({ selector: counted, ...rest }) => ({
            ...rest,
            ...(counted === undefined ? {} : { selector: counted }),
          })),
        }),
    ...(expectedLifetime === undefined ? {} : { expectedLifetimeMs: expectedLifetime }),
  };
}
