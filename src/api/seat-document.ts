import { z } from 'zod';
import { parseIntSet } from '../base/int-set.ts';
import { parseSize } from '../base/units.ts';
import type { Seat } from '../model/host.ts';
import { keptAway } from '../model/relation.ts';
import { placementRules, placementSpec } from './placement-spec.ts';
import { coded } from './schema-error.ts';

/** CPU numbers: a list, or text such as `0-3,8`. */
export const cpuNumbers = z.union([
  z.array(z.number().int().nonnegative()),
  z.string().transform((text, context) => coded(context, () => parseIntSet(text, ''))),
]);

/** A size: whole bytes, or text such as `4GiB`. */
export const sizeBytes = z.union([
  z.number().int().nonnegative(),
  z.string().transform((text, context) => coded(context, () => parseSize(text, ''))),
]);

const count = z.number().int().nonnegative();

const name = z.string().min(1).max(255);

/** What one VM takes of its host, as `Seat` says; what is left out is none, or the usual. */
export const seatDocument = z.strictObject({
  vm: name,
  /** The VM's name when absent. */
  uuid: name.optional(),
  managed: z.boolean().default(true),
  running: z.boolean().default(true),
  dedicated: cpuNumbers.default([]),
  floating: z
    .strictObject({
      vcpus: count,
      over: cpuNumbers.optional(),
      follows: z.array(count).optional(),
      parts: z
        .array(
          z.strictObject({ vcpus: count, over: cpuNumbers, follows: z.array(count).optional() }),
        )
        .optional(),
    })
    .default({ vcpus: 0 }),
  memory: z
    .array(
      z.strictObject({
        cell: count.optional(),
        bytes: sizeBytes,
        pageKiB: z.number().int().positive().default(4),
      }),
    )
    .default([]),
  overheadBytes: sizeBytes.default(0),
  pci: z.array(z.string()).optional(),
  labels: z.record(z.string(), z.string()).optional(),
  expectedEnd: z.number().optional(),
  keepsAway: z.array(z.strictObject({ selector: z.string(), over: z.string() })).optional(),
  /** As `spec.placement` of its document, which is kept to when it is to be moved. */
  asks: placementSpec
    .extend({
      hostLabels: z.record(z.string(), z.string()).optional(),
      networks: z.array(z.string()).optional(),
    })
    .optional(),
});

/** The seat that a checked document means. */
export function seatFrom(document: z.output<typeof seatDocument>): Seat {
  const { asks, keepsAway, ...seat } = document;
  const rules = asks === undefined ? undefined : asksFrom(asks);
  const kept = keepsAway ?? keptAway(rules ?? {});
  // JSON and YAML cannot hold undefined, which is all that the types differ in.
  return {
    ...seat,
    uuid: document.uuid ?? document.vm,
    ...(kept.length === 0 ? {} : { keepsAway: kept }),
    ...(rules === undefined ? {} : { asks: rules }),
  } as Seat;
}

function asksFrom(
  asks: NonNullable<z.output<typeof seatDocument>['asks']>,
): NonNullable<Seat['asks']> {
  const { hostLabels, networks, ...placement } = asks;
  const { hosts, ...rules } = placementRules(placement);
  return {
    ...rules,
    ...(hosts.length === 0 ? {} : { hosts }),
    ...(hostLabels === undefined ? {} : { hostLabels }),
    ...(networks === undefined ? {} : { networks }),
  };
}
