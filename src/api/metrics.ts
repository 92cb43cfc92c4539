import { z } from 'zod';

/** The figures of which a use is made, in the order in which they are shown. */
export const USAGE_FIGURES = ['cpu', 'wait', 'memory', 'disk', 'net'] as const;

const figure = z.enum(USAGE_FIGURES);

/** Which figure something is about. */
export type UsageFigure = z.infer<typeof figure>;

/** What something uses at present. A figure that its host does not tell is absent. */
const usage = z.strictObject({
  cpu: z.number().optional().describe('pCPUs kept busy: 1.5 is one and a half'),
  wait: z.number().optional().describe('vCPUs that are ready and wait for a pCPU, on average'),
  memory: z.number().optional().describe('Bytes of the memory of the host'),
  disk: z.number().optional().describe('Bytes a second, read and written'),
  net: z.number().optional().describe('Bytes a second, received and sent'),
});

/** What a VM or a foreign domain uses. */
export const vmUsageView = z
  .strictObject({
    name: z.string(),
    uuid: z.string(),
    host: z.string(),
    state: z.string(),
    vcpus: z.number().int(),
    usage,
  })
  .meta({ id: 'VmUsage' });
export type VmUsageView = z.infer<typeof vmUsageView>;

/** What a host uses: `wait`, `disk` and `net` are those of its VMs together. */
export const hostUsageView = z
  .strictObject({
    name: z.string(),
    state: z.enum(['connected', 'unreachable']),
    cpus: z.number().int().describe('pCPUs that are online; 0 while nobody knows'),
    memoryBytes: z.number().describe('Memory of the host; 0 while nobody knows'),
    vms: z.number().int(),
    usage,
  })
  .meta({ id: 'HostUsage' });
export type HostUsageView = z.infer<typeof hostUsageView>;

/** The most rows that a list of users has. */
const USERS_MAX = 1000;

/** Who comes first in a list of users, and how many of them. */
export const usageQuery = z.strictObject({
  sort: figure.default('cpu').describe('Whoever uses most of it comes first'),
  limit: z.coerce.number().int().min(1).max(USERS_MAX).default(50),
});
export type UsageQuery = z.infer<typeof usageQuery>;

/** What a client says of that; what it leaves out is as `usageQuery` has it. */
export type UsageAsk = Partial<UsageQuery>;

/** The VMs that use most, and how many there are that could be told of. */
export const vmUsageList = z.strictObject({
  total: z.number().int(),
  vms: z.array(vmUsageView),
});
export type VmUsageList = z.infer<typeof vmUsageList>;

/** The hosts that use most, and how many there are. */
export const hostUsageList = z.strictObject({
  total: z.number().int(),
  hosts: z.array(hostUsageView),
});
export type HostUsageList = z.infer<typeof hostUsageList>;

/** How finely history is kept, and what that is in milliseconds. */
export const HISTORY_STEPS = { '10s': 10_000, '1m': 60_000, '10m': 600_000 } as const;
export type HistoryStep = keyof typeof HISTORY_STEPS;

const moment = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

/** Which part of a history is asked for. */
export const historyQuery = z.strictObject({
  series: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(figure))
    .optional()
    .describe('Figures with commas between, such as `cpu,wait`; all when absent'),
  from: moment.optional().describe('Milliseconds since the epoch; an hour before `to` when absent'),
  to: moment.optional().describe('Milliseconds since the epoch; now when absent'),
  step: z
    .enum(['10s', '1m', '10m'])
    .optional()
    .describe('The finest that reaches back to `from` when absent'),
});
export type HistoryQuery = z.infer<typeof historyQuery>;

/** Values at equal distances; null where nothing is known. */
export const historyView = z
  .strictObject({
    name: z.string(),
    start: z.number().int().describe('When the first value was there'),
    stepMs: z.number().int(),
    isKept: z.boolean().describe('False in a fleet too large for a history of each VM'),
    values: z.partialRecord(figure, z.array(z.number().nullable())),
  })
  .meta({ id: 'History' });
export type HistoryView = z.infer<typeof historyView>;
