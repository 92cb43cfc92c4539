import { z } from 'zod';
import { planView } from './resources.ts';
import { labelKey } from './vm-spec.ts';
import { labelsQuery } from './vm-query.ts';

/** What a fleet would become by documents, and how a VM differs from its own. */

/**
 * What a change costs. `live`: done at once, the guest goes on. `next boot`: written into the
 * definition, the guest has it when it next starts. `restart`: only while no guest runs.
 * `recreate`: only by making the VM anew, which Berth never does by itself.
 */
export const CHANGE_COSTS = ['live', 'next boot', 'restart', 'recreate'] as const;
export type ChangeCost = (typeof CHANGE_COSTS)[number];

export const vmChange = z.object({
  /** Where in the document, such as `spec.memory.size`. */
  path: z.string(),
  /** Absent: it was not there. */
  before: z.string().optional(),
  /** Absent: it is to be there no more. */
  after: z.string().optional(),
  cost: z.enum(CHANGE_COSTS),
  /** Why it costs more than a line in the definition. */
  why: z.string().optional(),
});

/** One way in which a VM is not what its document and its placement say. */
export const driftView = z.object({
  /** Such as `memory`, or `vcpu 0 affinity`. */
  what: z.string(),
  wanted: z.string(),
  is: z.string(),
  /** What tells so: libvirt's definition of the domain, libvirt of what runs, or the kernel. */
  source: z.enum(['definition', 'libvirt', 'kernel']),
  /** What to do about it, in a sentence. */
  mend: z.string(),
});

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
    .describe('stop the guest where needed, and start it again'),
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
export type VmChange = z.infer<typeof vmChange>;
export type DriftView = z.infer<typeof driftView>;
export type VmPlanView = z.infer<typeof vmPlanView>;
export type FleetPlanView = z.infer<typeof fleetPlanView>;
