import { z } from 'zod';

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
  /** What its definition says already, where the guest still is as `before`; `none`: nothing of it. */
  pending: z.string().optional(),
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

export type VmChange = z.infer<typeof vmChange>;
export type DriftView = z.infer<typeof driftView>;
