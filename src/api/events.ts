import { z } from 'zod';
import { VM_STATES } from '../model/host.ts';
import { labelsQuery } from './vm-query.ts';

/** What `GET /events` tells, one thing that happened at a time. */

const KINDS = ['vm', 'host', 'operation'] as const;
export type EventKind = (typeof KINDS)[number];

export const vmEvent = z
  .object({
    kind: z.literal('vm'),
    /** When it was noticed. */
    at: z.number(),
    uuid: z.string(),
    name: z.string(),
    host: z.string(),
    /** `changed`: its state, size, place or document. */
    change: z.enum(['appeared', 'changed', 'gone']),
    /** How it stands now; of one that is gone, how it was last seen. */
    state: z.enum(VM_STATES),
    labels: z.record(z.string(), z.string()),
  })
  .meta({ id: 'VmEvent' });

export const hostEvent = z
  .object({
    kind: z.literal('host'),
    at: z.number(),
    name: z.string(),
    change: z.enum(['connected', 'unreachable', 'added', 'removed', 'changed']),
  })
  .meta({ id: 'HostEvent' });

export const operationEvent = z
  .object({
    kind: z.literal('operation'),
    at: z.number(),
    id: z.string(),
    /** What it does, as `kind` of an operation says. */
    does: z.string(),
    vm: z.string(),
    host: z.string().optional(),
    state: z.enum(['running', 'done', 'undone', 'failed']),
    /** How many of its steps are done. */
    done: z.number().int(),
    steps: z.number().int(),
    revision: z.number().int(),
  })
  .meta({ id: 'OperationEvent' });

/** Events may have been missed: whoever keeps a list reads it again. */
export const resyncEvent = z
  .object({
    kind: z.literal('resync'),
    at: z.number(),
    /** Another server told the last one; it is too long ago; or the reader was too slow. */
    why: z.enum(['unknown', 'too-old', 'too-slow']),
  })
  .meta({ id: 'ResyncEvent' });

export const serverEvent = z
  .discriminatedUnion('kind', [vmEvent, hostEvent, operationEvent, resyncEvent])
  .meta({ id: 'Event' });

export type ServerEvent = z.infer<typeof serverEvent>;
/** What happens; a `resync` is said to one reader alone. */
export type FleetEvent = Exclude<ServerEvent, { kind: 'resync' }>;

/** `?` of `GET /events`: which of them. */
export const eventQuery = z.strictObject({
  after: z
    .string()
    .max(128)
    .optional()
    .describe('the id of the last event that was seen; as `Last-Event-ID`, which counts more'),
  kind: z.enum(KINDS).optional(),
  labels: labelsQuery.optional(),
  host: z.string().max(255).optional().describe('the host that it is about, or happens on'),
  vm: z.string().max(255).optional().describe('the VM that it is about, by name or UUID'),
});

export type EventQuery = z.output<typeof eventQuery>;

/** Which events a client asks for; every condition must hold. */
export interface EventFilter {
  readonly kind?: EventKind | undefined;
  /** A label selector; events of hosts have no labels. */
  readonly labels?: string | undefined;
  readonly host?: string | undefined;
  /** A VM, by name or UUID. */
  readonly vm?: string | undefined;
}
