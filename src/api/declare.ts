import { z } from 'zod';
import { CHANGE_COSTS, driftView, vmChange } from './change.ts';
import { planView } from './resources.ts';
import { labelKey } from './vm-spec.ts';
import { labelsQuery } from './vm-query.ts';

/** What a fleet would become by documents, and how a VM differs from its own. */

const named = { vm: z.string(), host: z.string() };
const changes = z.array(vmChange);
const drift = z.array(driftView);

/** The most documents of one plan. */
const DOCUMENTS_MAX = 10_000;

/** What `POST /plans` is asked with; each document is checked as one of a VM. */
export const planRequest = z.strictObject({
  documents: z.array(z.unknown()).max(DOCUMENTS_MAX),
  /** Conditions on labels: VMs that meet them and are in no document are to go. */
  prune: labelsQuery.optional(),
});

/** `?` of `PUT /vms/NAME`. */
export const updateQuery = z.strictObject({
  restart: z
    .stringbool()
    .default(false)
    .describe('stop the guest and start it again, unless all of the change holds at once'),
  force: z.stringbool().default(false).describe('end the guest without asking it'),
});

/** The body of `PATCH /vms/NAME/labels`: null takes a label away. */
export const labelsChange = z.record(labelKey, z.string().max(63).nullable());

/** What would become of one VM. */
export const vmPlanView = z.discriminatedUnion('action', [
  z.object({ action: z.literal('create'), vm: z.string(), plan: planView }),
  z.object({
    action: z.literal('update'),
    ...named,
    changes,
    drift,
    /** The dearest of the changes. */
    cost: z.enum(CHANGE_COSTS),
    /** Whether what it asks for fits on its host, where it asks for anything else than before. */
    plan: planView.optional(),
  }),
  z.object({
    action: z.literal('unchanged'),
    ...named,
    /** What its definition has already and the guest gets at its next start. */
    pending: changes,
  }),
  z.object({
    /** It cannot be made so, and why. */
    action: z.literal('blocked'),
    ...named,
    changes,
    why: z.string(),
    remedy: z.string(),
  }),
  z.object({ action: z.literal('remove'), ...named, running: z.boolean() }),
]);

/** What would become of the fleet, in the order of the documents; removals last. */
export const fleetPlanView = z.object({ vms: z.array(vmPlanView) });

export const vmDriftView = z.object({ drift });

/** VMs that are not as their documents say. */
export const fleetDriftView = z.object({
  vms: z.array(z.object({ ...named, drift })),
});

export type FleetDriftView = z.infer<typeof fleetDriftView>;
export type VmPlanView = z.infer<typeof vmPlanView>;
export type FleetPlanView = z.infer<typeof fleetPlanView>;
