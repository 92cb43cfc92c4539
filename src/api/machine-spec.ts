import { z } from 'zod';
import { VM_VCPUS_MAX } from '../model/vm-spec.ts';
import { cpuList, hostPath, sizeText } from './spec-words.ts';

/** `spec.cpu`, `spec.memory`, `spec.numa` and `spec.boot` of a VM document. */

const threadPlace = z.union([
  z
    .enum(['share', 'isolate'])
    .describe('share: beside the vCPUs; isolate: on pCPUs that nobody else has'),
  z.strictObject({
    cpus: cpuList.describe('pCPUs of the host that no guest has for itself, such as 0-1'),
  }),
]);

export const cpuSpec = z.strictObject({
  count: z.number().int().min(1).max(VM_VCPUS_MAX).describe('How many vCPUs the guest has'),
  policy: z
    .enum(['shared', 'dedicated', 'mixed'])
    .default('shared')
    .describe(
      'shared: vCPUs float over what is not dedicated; dedicated: each has a pCPU that nobody else has; mixed: those of dedicatedVcpus do',
    ),
  dedicatedVcpus: cpuList
    .optional()
    .describe('With policy mixed: the vCPUs that have a pCPU each, such as 0-1'),
  threads: z
    .enum(['prefer', 'isolate', 'require'])
    .default('prefer')
    .describe(
      'Threads of a core. prefer: siblings where they are free; require: siblings or no place; isolate: one vCPU a core, the other threads left empty',
    ),
  model: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be a CPU model name')
    .optional()
    .meta({
      description:
        'host-model, host-passthrough, maximum, or a model that libvirt knows; left out: the best that the host offers',
      examples: ['host-model', 'Cascadelake-Server'],
    }),
  cpuset: cpuList.optional().describe('The only pCPUs of the host that may be used'),
  emulator: threadPlace.default('share').describe('Where the threads of QEMU itself run'),
  ioThreads: z
    .strictObject({
      count: z.number().int().min(1).max(64).describe('How many threads'),
      place: threadPlace.default('share').describe('Where they run'),
    })
    .optional()
    .describe('Threads that do the I/O of the disks; left out: none'),
});

export const memorySpec = z.strictObject({
  size: sizeText.describe('Memory of the guest with a binary unit, in whole pages'),
  pages: z
    .enum(['4KiB', '2MiB', '1GiB'])
    .default('4KiB')
    .describe('Pages behind the memory: ordinary ones, or huge ones that the host must have free'),
});

const guestCell = z.strictObject({
  cpus: cpuList.describe('vCPUs of the cell; each vCPU is in one cell'),
  memory: sizeText.describe('Memory of the cell; the cells together have spec.memory.size'),
  host: z
    .number()
    .int()
    .nonnegative()
    .optional()
    .describe('Number of the host cell that it must lie on; left out: Berth chooses'),
});

export const numaSpec = z.strictObject({
  cells: z
    .union([
      z.literal(['auto', 'none']),
      z.number().int().min(1).max(128),
      z.array(guestCell).min(1).max(128),
    ])
    .default('auto')
    .describe(
      'auto: as few host cells as fit, shown to the guest; none: bound to no cell; a number of cells; or cell by cell',
    ),
  policy: z
    .enum(['strict', 'preferred', 'interleave', 'restrictive'])
    .optional()
    .describe(
      'How the memory is bound to its host cells; left out: strict, or preferred where vCPUs float over the whole host',
    ),
  nodeset: cpuList.optional().describe('The only host cells that memory may come from'),
});

export const bootSpec = z.strictObject({
  firmware: z.enum(['bios', 'efi']).default('bios').describe('What the guest boots by'),
  order: z
    .array(z.enum(['disk', 'cdrom', 'network']))
    .max(3)
    .default(['disk'])
    .describe('What is tried, first to last'),
  kernel: hostPath.optional().meta({
    description: 'Kernel to start directly, a path on the host; the boot order is not looked at',
    examples: ['/var/lib/berth/vmlinuz'],
  }),
  initrd: hostPath.optional().describe('Initial RAM disk of the kernel, a path on the host'),
  cmdline: z
    .string()
    .max(2048)
    // oxlint-disable-next-line no-control-regex -- control characters are exactly what is refused
    .regex(/^[^\u0000-\u001f]*$/, 'must be one line')
    .optional()
    .meta({ description: 'Command line of the kernel', examples: ['console=ttyS0 quiet'] }),
});
