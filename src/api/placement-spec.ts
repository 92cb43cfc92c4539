import { z } from 'zod';
import { parseDuration } from '../base/duration.ts';
import type { PlacementRules } from '../model/relation.ts';
import { OVER_HOST } from '../model/relation.ts';
import { coded } from './schema-error.ts';

/** `spec.placement`: on which hosts, and near which VMs or away from them. */

const word = z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9._/-]{0,62})$/, 'must be a plain word');
const selector = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}=.{0,63}$/, 'must be a label such as app=db');

const affinityRule = z.union(
  [
    selector.transform((text) => ({ selector: text, over: OVER_HOST, hard: true })),
    z.strictObject({
      selector,
      over: word.default(OVER_HOST),
      hard: z.boolean().default(true),
    }),
  ],
  { error: 'must be a label such as app=db, or { selector, over, hard }' },
);

const spreadRule = z.strictObject({
  over: word,
  selector: selector.optional(),
  maxSkew: z.number().int().min(1).max(1_000_000).default(1),
  hard: z.boolean().default(true),
});

const RULES_MAX = 64;

export const placementSpec = z.strictObject({
  hosts: z
    .union([z.array(word).max(1000), z.record(word, z.string().max(63))], {
      error: 'must be a list of hosts, or a map of labels that hosts have',
    })
    .default([]),
  excludeHosts: z.array(word).max(1000).optional(),
  affinity: z.array(affinityRule).max(RULES_MAX).optional(),
  antiAffinity: z.array(affinityRule).max(RULES_MAX).optional(),
  spread: z.array(spreadRule).max(RULES_MAX).optional(),
  expectedLifetime: z
    .string()
    .transform((text, context) => coded(context, () => parseDuration(text, '')))
    .optional(),
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
