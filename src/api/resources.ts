import { z } from 'zod';
import { VM_STATES } from '../model/host.ts';
import { driftView, vmChange } from './change.ts';
import { nextCursor } from './paging.ts';

/**
 * What the HTTP API answers. Fields may be added, never changed or removed within `/api/v1`.
 * Sizes are bytes and times are milliseconds since the epoch unless the name says otherwise.
 */

const pcpus = z.array(z.number().int());

export const placementView = z
  .object({
    host: z.string(),
    policy: z.enum(['shared', 'dedicated', 'mixed']),
    cells: z.array(z.number().int()),
    cpuset: pcpus.optional(),
    vcpus: z.array(z.object({ vcpu: z.number().int(), pcpus })),
    emulator: pcpus,
    ioThreads: z.array(z.object({ id: z.number().int(), pcpus })).optional(),
    dedicated: pcpus.optional(),
    blocked: pcpus,
    memory: z.array(
      z.object({ cell: z.number().int().optional(), bytes: z.number(), pageKiB: z.number() }),
    ),
    pci: z
      .array(
        z.object({
          address: z.string(),
          pool: z.string().optional(),
          cell: z.number().int().optional(),
          guestCell: z.number().int().optional(),
        }),
      )
      .optional(),
    memoryMode: z.enum(['strict', 'preferred', 'interleave', 'restrictive']).optional(),
    guestCells: z.array(
      z.object({
        id: z.number().int(),
        hostCell: z.number().int(),
        vcpus: z.array(z.number().int()),
        bytes: z.number(),
      }),
    ),
    guestTopology: z.object({
      sockets: z.number(),
      dies: z.number(),
      cores: z.number(),
      threads: z.number(),
    }),
    overheadBytes: z.number(),
    reasons: z.array(z.string()),
  })
  .meta({ id: 'Placement' });

const difference = z.object({
  /** What was compared, e.g. `vcpu 0 affinity`. */
  what: z.string(),
  planned: z.string(),
  actual: z.string(),
  /** Who said what is: libvirt's answer or the kernel's own thread state. */
  source: z.enum(['libvirt', 'kernel']),
});

const verifiedView = z.object({
  ok: z.boolean(),
  /** What was compared, in words: a check that could not be made is not listed. */
  checked: z.array(z.string()),
  differences: z.array(difference),
  /** What could not be compared, and why. */
  unknown: z.array(z.string()).optional(),
});

const vmState = z.enum(VM_STATES);

export const vmSummary = z
  .object({
    name: z.string(),
    uuid: z.string(),
    state: vmState,
    host: z.string(),
    /** False for domains that were there before and are only watched. */
    managed: z.boolean(),
    /** True for domains that were there before and were taken in as they are. */
    adopted: z.boolean().optional(),
    vcpus: z.number().int(),
    memoryBytes: z.number(),
    policy: z.enum(['shared', 'dedicated', 'mixed']).optional(),
    cells: z.array(z.number().int()),
    labels: z.record(z.string(), z.string()),
  })
  .meta({ id: 'VmSummary' });

const vcpuView = z.object({
  vcpu: z.number().int(),
  state: z.enum(['offline', 'running', 'blocked']),
  /** The pCPU it ran on last. */
  pcpu: z.number().int(),
  /** CPU time in milliseconds. */
  timeMs: z.number(),
  allowed: pcpus,
});

export const conflictView = z
  .object({
    kind: z.enum(['pcpus', 'memory', 'pages']),
    /** The host cell that it is about; absent: the host as a whole. */
    cell: z.number().int().optional(),
    /** The pCPUs that are somebody's own and another's as well. */
    pcpus: pcpus.optional(),
    /** The VMs and domains that it is between, by name, ascending. */
    vms: z.array(z.string()),
    say: z.string(),
  })
  .meta({ id: 'Conflict' });

export const vmView = vmSummary
  .extend({
    /** kvm or qemu (emulation). */
    accelerator: z.string(),
    placement: placementView.optional(),
    verified: verifiedView.optional(),
    /** As `virsh vcpuinfo` shows it; empty unless running. */
    vcpuInfo: z.array(vcpuView),
    /** The document that it is to be as; of a domain that Berth did not make, what was understood. */
    spec: z.unknown().optional(),
    /** What of a domain that Berth did not make no document says. */
    beyondSpec: z.array(z.string()).optional(),
    /** What of the document the guest gets at its next start. */
    pending: z.array(vmChange).optional(),
    /** Where it is not as its document and its placement say. */
    drift: z.array(driftView).optional(),
    /** Where somebody else takes what it has been given, or it what others have. */
    conflicts: z.array(conflictView).optional(),
  })
  .meta({ id: 'Vm' });

const cpuView = z.object({
  id: z.number().int(),
  socket: z.number().int(),
  die: z.number().int(),
  l3: z.number().int().optional(),
  core: z.number().int(),
  siblings: pcpus,
  online: z.boolean(),
});

const pciView = z.object({
  address: z.string(),
  class: z.string(),
  vendor: z.string(),
  device: z.string(),
  switch: z.string().optional(),
});

export const topologyView = z
  .object({
    arch: z.string(),
    cells: z.array(
      z.object({
        id: z.number().int(),
        memoryBytes: z.number(),
        freeBytes: z.number(),
        pages: z.array(z.object({ sizeKiB: z.number(), total: z.number(), free: z.number() })),
        distances: z.array(z.number()),
        cpus: z.array(cpuView),
        pci: z.array(pciView),
      }),
    ),
    offlineCpus: pcpus,
    pciAnywhere: z.array(pciView),
  })
  .meta({ id: 'Topology' });

const seatView = z
  .object({
    vm: z.string(),
    uuid: z.string(),
    managed: z.boolean(),
    running: z.boolean(),
    dedicated: pcpus,
    floating: z.object({
      vcpus: z.number(),
      over: pcpus.optional(),
      /** Cells whose shared pCPUs they may use as these come and go. */
      follows: z.array(z.number().int()).optional(),
      /** Where not all of them float over the same pCPUs. */
      parts: z
        .array(
          z.object({
            vcpus: z.number(),
            over: pcpus,
            follows: z.array(z.number().int()).optional(),
          }),
        )
        .optional(),
    }),
    memory: placementView.shape.memory,
    overheadBytes: z.number(),
    pci: z.array(z.string()).optional(),
    labels: z.record(z.string(), z.string()).optional(),
    expectedEnd: z.number().optional(),
    /** VMs that it does not suffer in its place. */
    keepsAway: z.array(z.object({ selector: z.string(), over: z.string() })).optional(),
  })
  .meta({ id: 'Seat' });

export const HOST_STATES = ['connecting', 'connected', 'unreachable'] as const;

/** How a host stands with the server, and what an administrator says of it. */
const hostStanding = {
  /** `connecting`: not reached yet since it was registered or the server started. */
  state: z.enum(HOST_STATES),
  /** Since when it stands so. */
  since: z.number().optional(),
  /** Why it is unreachable. */
  reason: z.string().optional(),
  /** When it was last known to answer. */
  lastContactAt: z.number().optional(),
  /** When it is tried again. */
  nextAttemptAt: z.number().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  /** False: no new VM is placed there. */
  schedulable: z.boolean().optional(),
};

export const hostSummary = z
  .object({
    name: z.string(),
    uri: z.string(),
    ...hostStanding,
    cells: z.number().int(),
    cpus: z.number().int(),
    memoryBytes: z.number(),
    freeBytes: z.number(),
    vms: z.number().int(),
    domainTypes: z.array(z.string()),
    /** Floating vCPUs per pCPU, and guest memory per host memory; absent before it was seen. */
    cpuRatio: z.number().optional(),
    ramRatio: z.number().optional(),
  })
  .meta({ id: 'HostSummary' });

export const hostView = z
  .object({
    name: z.string(),
    uri: z.string(),
    ...hostStanding,
    observedAt: z.number(),
    libvirtVersion: z.number(),
    domainTypes: z.array(z.string()),
    policy: z.object({
      reservedCpus: pcpus,
      reservedBytes: z.number(),
      cpuRatio: z.number(),
      ramRatio: z.number(),
      sharedCpus: pcpus.optional(),
      ramCounts: z.enum(['ordinary', 'all']).optional(),
      overhead: z.enum(['estimated', 'none']).optional(),
      boundRatio: z.number().optional(),
      guestWidth: z.enum(['cell', 'host']).optional(),
    }),
    networks: z.array(z.string()).optional(),
    topology: topologyView,
    /** What no source told of the topology, such as what only the host's own files say. */
    unknown: z.array(z.string()).optional(),
    vms: z.array(vmSummary),
    /** What each VM, claim and foreign domain takes: the rows of the ledger. */
    seats: z.array(seatView),
    /** Where more is taken than there is, as by domains that were started past Berth. */
    conflicts: z.array(conflictView),
  })
  .meta({ id: 'Host' });

export const hostRemoval = z
  .object({
    name: z.string(),
    uri: z.string(),
    /** The domains that were last seen there, by name; they stay as they are. */
    vms: z.array(z.string()),
  })
  .meta({ id: 'HostRemoval' });

export const changeView = z
  .object({
    kind: z.string(),
    /** The change in one sentence. */
    say: z.string(),
    /** The whole document so changed: planned again, it fits. */
    spec: z.unknown().optional(),
    /** VMs to be moved, in this order; then the document fits as it is. */
    moves: z.array(z.object({ vm: z.string(), from: z.string(), to: z.string() })).optional(),
  })
  .meta({ id: 'SmallestChange' });

export const refusalView = z
  .object({
    host: z.string(),
    checks: z.array(
      z.object({
        check: z.string(),
        cell: z.number().int().optional(),
        need: z.union([z.number(), z.string()]),
        have: z.union([z.number(), z.string()]),
        unit: z.string().optional(),
        say: z.string(),
        heldBy: z.array(z.string()),
      }),
    ),
  })
  .meta({ id: 'Refusal' });

export const scoreView = z
  .object({
    total: z.number(),
    terms: z.array(z.object({ name: z.string(), value: z.number(), weight: z.number() })),
  })
  .meta({ id: 'Score' });

export const planView = z
  .discriminatedUnion('placed', [
    z.object({
      placed: z.literal(true),
      vm: z.string(),
      placement: placementView,
      score: scoreView,
      runnerUp: z.object({ host: z.string(), score: scoreView }).optional(),
    }),
    z.object({
      placed: z.literal(false),
      vm: z.string(),
      summary: z.string(),
      hosts: z.array(refusalView),
      smallestChange: z.array(changeView),
    }),
  ])
  .meta({ id: 'Plan' });

/** Why a VM sits where it sits, or why its last creation was refused. */
export const whyView = z
  .object({
    vm: z.string(),
    /** When the decision was made: of the running placement, or of the refusal. */
    decidedAt: z.number().optional(),
    plan: planView,
  })
  .meta({ id: 'Why' });

/** problem+json (RFC 9457) with the registry's code, exit code, data and hint. */
export const problemView = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number(),
    detail: z.string(),
    code: z.string(),
    exit: z.number(),
    hint: z.string(),
    data: z.unknown(),
    /** Names the request, as the server's log does: `urn:berth:request:ID`. */
    instance: z.string().optional(),
  })
  .meta({ id: 'Problem' });

export const operationView = z
  .object({
    id: z.string(),
    kind: z.enum([
      'create',
      'update',
      'adopt',
      'start',
      'stop',
      'remove',
      'reboot',
      'pause',
      'resume',
    ]),
    vm: z.string(),
    host: z.string().optional(),
    /** `undone`: failed and taken back whole; `failed`: something is left to look at. */
    state: z.enum(['running', 'done', 'undone', 'failed']),
    /** Names of all steps in order, and how many are done. */
    steps: z.array(z.string()),
    done: z.number().int(),
    /** Grows with every change, so that a client can wait for the next one. */
    revision: z.number().int(),
    startedAt: z.number(),
    endedAt: z.number().optional(),
    error: problemView.optional(),
    /** What taking it back waits for at present, such as a host that is away; it goes on by itself. */
    waitsFor: z.string().optional(),
    /** How far its present step is: a part of the whole from 0 to 1, words, or both. */
    progress: z.object({ fraction: z.number().optional(), say: z.string().optional() }).optional(),
    /** Who asked for it, by the name of the token; absent for the owner of the server's socket. */
    actor: z.string().optional(),
    /** When somebody asked to cancel it. */
    cancelAt: z.number().optional(),
    /** What could not be taken back, by step, when it ended as `failed`. */
    leftOver: z.array(z.string()).optional(),
  })
  .meta({ id: 'Operation' });

export const vmPage = z
  .object({ vms: z.array(vmSummary), next: nextCursor })
  .meta({ id: 'VmPage' });
export const hostPage = z
  .object({ hosts: z.array(hostSummary), next: nextCursor })
  .meta({ id: 'HostPage' });
export const operationPage = z
  .object({ operations: z.array(operationView), next: nextCursor })
  .meta({ id: 'OperationPage' });

export const serverView = z
  .object({
    version: z.string(),
    pid: z.number().int(),
    startedAt: z.number(),
  })
  .meta({ id: 'Server' });

export const liveView = z.object({ live: z.literal(true) }).meta({ id: 'Live' });

/** Whether the server can serve, and what of it cannot. */
export const readyView = z
  .object({
    ready: z.boolean(),
    store: z.enum(['ok', 'unreachable']),
    /** How many hosts; `untried` ones have not been reached or missed once since the start. */
    hosts: z.object({
      connected: z.number().int(),
      unreachable: z.number().int(),
      untried: z.number().int(),
    }),
  })
  .meta({ id: 'Readiness' });

export type ReadyView = z.infer<typeof readyView>;
export type PlacementView = z.infer<typeof placementView>;
export type VmSummary = z.infer<typeof vmSummary>;
export type VmView = z.infer<typeof vmView>;
export type HostSummary = z.infer<typeof hostSummary>;
export type HostRemoval = z.infer<typeof hostRemoval>;
export type HostView = z.infer<typeof hostView>;
export type PlanView = z.infer<typeof planView>;
export type WhyView = z.infer<typeof whyView>;
export type Problem = z.infer<typeof problemView>;
export type OperationView = z.infer<typeof operationView>;
export type OperationKind = OperationView['kind'];
export type ServerView = z.infer<typeof serverView>;
