import { z } from 'zod';
import { HOST_STATES } from './resources.ts';
import { labelsQuery, nameQuery } from './vm-query.ts';
import { pageQuery } from './paging.ts';

/** What an administrator says of hosts: labels, and settings in place of the defaults. */

const labelKey = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/, 'must be a plain word');
const ratio = z.number().min(0.1).max(1000);
const CPU_NUMBERS_MAX = 8192;

const settings = z.strictObject({
  cpuRatio: ratio.nullable().optional().describe('floating vCPUs per pCPU'),
  ramRatio: ratio.nullable().optional().describe('guest memory per host memory'),
  reservedCpus: z
    .array(z.number().int().min(0).max(CPU_NUMBERS_MAX))
    .max(CPU_NUMBERS_MAX)
    .nullable()
    .optional()
    .describe('pCPUs on which no guest runs'),
  reservedBytes: z
    .number()
    .int()
    .min(0)
    .nullable()
    .optional()
    .describe('memory that is kept free for the host'),
  schedulable: z.boolean().nullable().optional().describe('false keeps new VMs away'),
});

/** What is to change of a host; null takes a label away, and sets a setting to its default again. */
export const hostChange = z
  .strictObject({
    labels: z.record(labelKey, z.string().max(63).nullable()).optional(),
    settings: settings.optional(),
  })
  .meta({ id: 'HostChange' });

export type HostChange = z.output<typeof hostChange>;

/** `?` of `GET /hosts`. */
export const hostQuery = pageQuery.extend({
  labels: labelsQuery.optional(),
  name: nameQuery.optional(),
  state: z.enum(HOST_STATES).optional(),
});

export type HostQuery = z.output<typeof hostQuery>;

/** Which hosts a client asks for; every condition must hold. */
export interface HostFilter {
  /** A label selector, such as `zone=a`. */
  readonly labels?: string | undefined;
  /** A part of the name; or all of it, with `*` and `?`. */
  readonly name?: string | undefined;
  readonly state?: (typeof HOST_STATES)[number] | undefined;
}

/** `?` of `PATCH /hosts`: the hosts that match now are changed. */
export const hostSelection = z.strictObject({ labels: labelsQuery });

/** The hosts that were changed, by name. */
export const changedHosts = z.object({ hosts: z.array(z.string()) }).meta({ id: 'ChangedHosts' });
