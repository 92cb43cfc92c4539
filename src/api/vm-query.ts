import { z } from 'zod';
import { parseLabelSelector } from '../model/label-selector.ts';
import { VM_STATES } from '../model/host.ts';
import { pageQuery } from './paging.ts';
import { coded } from './schema-error.ts';
import { VM_SORTS } from './vm-sort.ts';
import type { VmSort } from './vm-sort.ts';

/** `true` or `false` in a query. */
export const flagQuery = z.stringbool().meta({ type: 'boolean' });

/** A label selector in a query. */
export const labelsQuery = z
  .string()
  .max(4096)
  .transform((text, context) => coded(context, () => parseLabelSelector(text, 'labels')))
  .describe('conditions on labels with commas between, such as `app=db,tier!=web,!gpu`');

/** Names in a query. */
export const nameQuery = z
  .string()
  .max(255)
  .describe('a part of the name; or all of it, with `*` and `?`');

/** `?` of `GET /vms`: which VMs, in which order, and which page of them. */
export const vmQuery = pageQuery.extend({
  labels: labelsQuery.optional(),
  host: z.string().max(255).optional().describe('the name of their host'),
  state: z.enum(VM_STATES).optional(),
  managed: flagQuery.optional().describe('whether Berth made them'),
  name: nameQuery.optional(),
  sort: z.enum(VM_SORTS).default('name'),
});

export type VmQuery = z.output<typeof vmQuery>;

/** Which VMs a client asks for; every condition must hold. */
export interface VmFilter {
  /** A label selector, such as `app=db,tier!=web`. */
  readonly labels?: string | undefined;
  readonly host?: string | undefined;
  readonly state?: string | undefined;
  readonly managed?: boolean | undefined;
  /** A part of the name; or all of it, with `*` and `?`. */
  readonly name?: string | undefined;
  readonly sort?: VmSort | undefined;
}
