import { z } from 'zod';
import { parseIntSet } from '../base/int-set.ts';
import { berthError } from '../base/errors.ts';
import { parseSize } from '../base/units.ts';
import { specProblems, VM_NAME, VM_VCPUS_MAX } from '../model/vm-spec.ts';
import type { PciAsk } from '../model/pci-ask.ts';
import type { VmSpec } from '../model/vm-spec.ts';
import { placementRules, placementSpec } from './placement-spec.ts';
import { coded, specError } from './schema-error.ts';

/**
 * The document users write, as DESIGN's `apiVersion: berth/v1`, `kind: VM`. Unknown keys are
 * refused everywhere: a misspelt key must not silently mean the default.
 */

const PAGE_SIZES = { '4KiB': undefined, '2MiB': 2048, '1GiB': 1_048_576 } as const;

const sizeText = z.string().transform((text, context) => coded(context, () => parseSize(text, '')));
const cpuList = z
  .union([z.string(), z.number().int().nonnegative()])
  .transform((text, context) => coded(context, () => parseIntSet(String(text), '')));
/** Absolute paths on the host; no line breaks, so that they can stand in XML and messages. */
const hostPath = z
  .string()
  .max(4096)
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what is refused
  .regex(/^\/[^\u0000-\u001f]*$/, 'must be an absolute path on the host');
const label = z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9._/-]{0,62})$/, 'must be a plain word');
/** The key of a label. */
export const labelKey = label;

const threadPlace = z.union([z.enum(['share', 'isolate']), z.strictObject({ cpus: cpuList })]);

const cpu = z.strictObject({
  count: z.number().int().min(1).max(VM_VCPUS_MAX),
  policy: z.enum(['shared', 'dedicated', 'mixed']).default('shared'),
  dedicatedVcpus: cpuList.optional(),
  threads: z.enum(['prefer', 'isolate', 'require']).default('prefer'),
  model: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be a CPU model name')
    .optional(),
  cpuset: cpuList.optional(),
  emulator: threadPlace.default('share'),
  ioThreads: z
    .strictObject({
      count: z.number().int().min(1).max(64),
      place: threadPlace.default('share'),
    })
    .optional(),
});

const memory = z.strictObject({
  size: sizeText,
  pages: z.enum(['4KiB', '2MiB', '1GiB']).default('4KiB'),
});

const guestCell = z.strictObject({
  cpus: cpuList,
  memory: sizeText,
  host: z.number().int().nonnegative().optional(),
});

const numa = z.strictObject({
  cells: z
    .union([
      z.literal(['auto', 'none']),
      z.number().int().min(1).max(128),
      z.array(guestCell).min(1).max(128),
    ])
    .default('auto'),
  policy: z.enum(['strict', 'preferred', 'interleave', 'restrictive']).optional(),
  nodeset: cpuList.optional(),
});

const boot = z.strictObject({
  firmware: z.enum(['bios', 'efi']).default('bios'),
  order: z
    .array(z.enum(['disk', 'cdrom', 'network']))
    .max(3)
    .default(['disk']),
  kernel: hostPath.optional(),
  initrd: hostPath.optional(),
  cmdline: z
    .string()
    .max(2048)
    // oxlint-disable-next-line no-control-regex -- control characters are exactly what is refused
    .regex(/^[^\u0000-\u001f]*$/, 'must be one line')
    .optional(),
});

const disk = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,19}$/, 'must be a short lower-case word'),
  image: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'must be the name of an image')
    .optional(),
  size: sizeText.optional(),
  device: z.enum(['disk', 'cdrom']).default('disk'),
  bus: z.enum(['virtio', 'scsi', 'sata']).optional(),
  cache: z.enum(['none', 'writeback', 'writethrough', 'directsync', 'unsafe']).default('none'),
});

const nic = z.strictObject({
  user: z.literal(true).optional(),
  network: label.optional(),
  bridge: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,15}$/, 'must be the name of a bridge')
    .optional(),
  model: z.enum(['virtio', 'e1000e', 'e1000', 'rtl8139']).default('virtio'),
  mac: z
    .string()
    .regex(/^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/, 'must be a unicast MAC in lower case')
    .optional(),
});

const pciNumber = z.string().regex(/^0x[0-9a-f]{4}$/, 'must be a number such as 0x8086');

const pciAsk = z.strictObject({
  pool: label.optional(),
  match: z
    .strictObject({
      vendor: pciNumber,
      device: pciNumber,
      class: z
        .string()
        .regex(/^0x[0-9a-f]{6}$/, 'must be a class code such as 0x020000')
        .optional(),
    })
    .transform(({ vendor, device, class: kind }) => ({
      vendor,
      device,
      ...(kind === undefined ? {} : { class: kind }),
    }))
    .optional(),
  count: z.number().int().min(1).max(64).default(1),
  locality: z.enum(['required', 'preferred', 'any']).default('preferred'),
});

/** The document as written, defaults filled in, sizes in bytes. */
export const vmDocument = z
  .strictObject({
    apiVersion: z.literal('berth/v1'),
    kind: z.literal('VM'),
    metadata: z.strictObject({
      name: z
        .string()
        .regex(VM_NAME, 'must be letters, digits, dots, dashes and underscores, at most 63'),
      labels: z.record(label, z.string().max(63)).default({}),
    }),
    spec: z.strictObject({
      machine: z.enum(['q35', 'pc', 'virt']).default('q35'),
      cpu: cpu.default({ count: 1, policy: 'shared', threads: 'prefer', emulator: 'share' }),
      memory,
      numa: numa.default({ cells: 'auto' }),
      boot: boot.default({ firmware: 'bios', order: ['disk'] }),
      disks: z.array(disk).max(64).default([]),
      nics: z.array(nic).max(16).default([]),
      pci: z.array(pciAsk).max(64).default([]),
      placement: placementSpec.default({ hosts: [] }),
    }),
  })
  .meta({ id: 'VmDocument' });

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
