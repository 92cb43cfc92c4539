import { z } from 'zod';
import { berthError } from '../base/errors.ts';
import { specProblems, VM_NAME } from '../model/vm-spec.ts';
import type { PciAsk } from '../model/pci-ask.ts';
import type { VmSpec } from '../model/vm-spec.ts';
import { diskSpec, nicSpec, pciSpec } from './device-spec.ts';
import { bootSpec, cpuSpec, memorySpec, numaSpec } from './machine-spec.ts';
import { placementRules, placementSpec } from './placement-spec.ts';
import { specError } from './schema-error.ts';
import { plainWord } from './spec-words.ts';

/**
 * The document users write, as DESIGN's `apiVersion: berth/v1`, `kind: VM`. Unknown keys are
 * refused everywhere: a misspelt key must not silently mean the default.
 */

const PAGE_SIZES = { '4KiB': undefined, '2MiB': 2048, '1GiB': 1_048_576 } as const;

/** The key of a label. */
export const labelKey = plainWord;

/** The document as written, defaults filled in, sizes in bytes. */
export const vmDocument = z
  .strictObject({
    apiVersion: z.literal('berth/v1').describe('The form of this document'),
    kind: z.literal('VM').describe('What this document is about'),
    metadata: z
      .strictObject({
        name: z
          .string()
          .regex(VM_NAME, 'must be letters, digits, dots, dashes and underscores, at most 63')
          .describe('Name of the VM, one of its kind in the fleet; it does not change'),
        labels: z
          .record(labelKey, z.string().max(63))
          .default({})
          .meta({ description: 'What it is found by', examples: [{ app: 'db', tier: 'gold' }] }),
      })
      .describe('What the VM is called'),
    spec: z
      .strictObject({
        machine: z.enum(['q35', 'pc', 'virt']).default('q35').describe('Machine type of QEMU'),
        cpu: cpuSpec
          .default({ count: 1, policy: 'shared', threads: 'prefer', emulator: 'share' })
          .describe('vCPUs, and which pCPUs they have'),
        memory: memorySpec.describe('Memory, and the pages behind it'),
        numa: numaSpec.default({ cells: 'auto' }).describe('Cells of the guest and of the host'),
        boot: bootSpec
          .default({ firmware: 'bios', order: ['disk'] })
          .describe('Firmware, and what is started'),
        disks: z
          .array(diskSpec)
          .max(64)
          .default([])
          .describe('Disks, in the order in which the guest sees them'),
        nics: z
          .array(nicSpec)
          .max(16)
          .default([])
          .describe('Network cards; each is on one network'),
        pci: z.array(pciSpec).max(64).default([]).describe('PCI functions passed through to it'),
        placement: placementSpec
          .default({ hosts: [] })
          .describe('Hosts that it may be on, and VMs to be near or away from'),
      })
      .describe('What the VM is'),
  })
  .meta({ id: 'VmDocument', description: 'A virtual machine, as Berth is to make it' });

/** A VM document before checking: what clients send and what is stored beside the domain. */
export type VmDocument = z.input<typeof vmDocument>;
type Parsed = z.output<typeof vmDocument>;

/**
 * Checks a document and fills in the defaults.
 * @throws BERTH_SPEC_INVALID naming the first wrong key, or both sides of a contradiction.
 */
export function parseVmDocument(document: unknown): VmSpec {
  const result = vmDocument.safeParse(document);
  if (!result.success) throw specError(result.error.issues);
  const spec = specOf(result.data);
  const [problem] = [
    ...diskProblems(result.data),
    ...nicProblems(result.data),
    ...cellProblems(spec),
    ...specProblems(spec),
  ];
  if (problem !== undefined) {
    throw berthError('BERTH_SPEC_INVALID', { ...problem, expected: 'values that agree' });
  }
  return spec;
}

function specOf({ metadata, spec }: Parsed): VmSpec {
  const { cpuset, model, dedicatedVcpus, ioThreads, ...cpuRest } = spec.cpu;
  const { policy, nodeset } = spec.numa;
  const pageKiB = PAGE_SIZES[spec.memory.pages];
  return {
    name: metadata.name,
    labels: metadata.labels,
    machine: spec.machine,
    cpu: { ...cpuRest, ...optional({ model, cpuset, dedicatedVcpus, ioThreads }) },
    memory: { sizeBytes: spec.memory.size, ...optional({ pageKiB }) },
    numa: { cells: guestCells(spec.numa.cells), ...optional({ policy, nodeset }) },
    boot: {
      firmware: spec.boot.firmware,
      order: spec.boot.order,
      ...optional({
        kernel: spec.boot.kernel,
        initrd: spec.boot.initrd,
        cmdline: spec.boot.cmdline,
      }),
    },
    disks: spec.disks.map((d) => ({
      name: d.name,
      device: d.device,
      bus: d.bus ?? (d.device === 'cdrom' ? 'sata' : 'virtio'),
      cache: d.cache,
      ...optional({ image: d.image, sizeBytes: d.size }),
    })),
    ...(spec.pci.length === 0 ? {} : { pci: spec.pci.map(pciAskOf) }),
    nics: spec.nics.map((n) => ({
      kind: n.network !== undefined ? 'network' : n.bridge !== undefined ? 'bridge' : 'user',
      model: n.model,
      ...optional({ source: n.network ?? n.bridge, mac: n.mac }),
    })),
    ...placementRules(spec.placement),
  };
}

function pciAskOf({ pool, match, count, locality }: Parsed['spec']['pci'][number]): PciAsk {
  return { count, locality, ...optional({ pool, match }) };
}

function guestCells(cells: Parsed['spec']['numa']['cells']): VmSpec['numa']['cells'] {
  if (!Array.isArray(cells)) return cells;
  return cells.map((cell) => ({
    cpus: cell.cpus,
    memoryBytes: cell.memory,
    ...optional({ hostCell: cell.host }),
  }));
}

/** Leaves out the keys whose value is undefined, as exact optional properties ask. */
function optional<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** A cell's memory is whole pages: libvirt counts in KiB, and huge pages cannot be split. */
function cellProblems({ numa, memory }: VmSpec): readonly { where: string; problem: string }[] {
  if (typeof numa.cells !== 'object') return [];
  const pageKiB = memory.pageKiB ?? 4;
  return numa.cells.flatMap(({ memoryBytes }, index) =>
    memoryBytes > 0 && memoryBytes % (pageKiB * 1024) === 0
      ? []
      : [
          {
            where: `spec.numa.cells[${index}].memory`,
            problem: `${memoryBytes} bytes are not whole pages of spec.memory.pages (${pageKiB} KiB)`,
          },
        ],
  );
}

function diskProblems({ spec }: Parsed): readonly { where: string; problem: string }[] {
  const names = spec.disks.map((d) => d.name);
  return spec.disks.flatMap((d, index) => {
    const where = `spec.disks[${index}]`;
    if (names.indexOf(d.name) !== index) return [{ where, problem: `"${d.name}" is there twice` }];
    if (d.image === undefined && d.size === undefined && d.device === 'disk') {
      return [{ where, problem: 'neither image nor size is given' }];
    }
    if (d.device === 'cdrom' && (d.image === undefined || d.bus === 'virtio')) {
      return [{ where, problem: 'a cdrom needs an image, and bus sata or scsi' }];
    }
    return [];
  });
}

function nicProblems({ spec }: Parsed): readonly { where: string; problem: string }[] {
  return spec.nics.flatMap((n, index) => {
    const ways = [n.user, n.network, n.bridge].filter((way) => way !== undefined).length;
    return ways === 1
      ? []
      : [{ where: `spec.nics[${index}]`, problem: 'give one of user, network and bridge' }];
  });
}
