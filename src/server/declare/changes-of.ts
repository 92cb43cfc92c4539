import { formatIntSet } from '../../base/int-set.ts';
import { formatSize } from '../../base/units.ts';
import type { ChangeCost, VmChange } from '../../api/change.ts';
import type { DiskSpec, NicSpec, VmSpec } from '../../model/vm-spec.ts';

/** How a change is made, before it is known whether the VM runs. */
type Way =
  /** Nothing of the guest changes. */
  | 'noted'
  /** Its definition changes; the guest has it from its next start on. */
  | 'defined'
  /** Only while no guest runs. */
  | 'off'
  /** Only by making the VM anew. */
  | 'anew';

interface Field {
  readonly path: string;
  readonly way: Way;
  readonly tell: (spec: VmSpec) => string | undefined;
  readonly why?: string;
}

const FIELDS: readonly Field[] = [
  defined('spec.cpu.count', ({ cpu }) => `${cpu.count}`),
  defined('spec.cpu.policy', ({ cpu }) => cpu.policy),
  defined('spec.cpu.dedicatedVcpus', ({ cpu }) => setText(cpu.dedicatedVcpus)),
  defined('spec.cpu.threads', ({ cpu }) => cpu.threads),
  defined('spec.cpu.model', ({ cpu }) => cpu.model),
  defined('spec.cpu.cpuset', ({ cpu }) => setText(cpu.cpuset)),
  defined('spec.cpu.emulator', ({ cpu }) => plainText(cpu.emulator)),
  defined('spec.cpu.ioThreads', ({ cpu }) => cpu.ioThreads && JSON.stringify(cpu.ioThreads)),
  defined('spec.memory.size', ({ memory }) => formatSize(memory.sizeBytes)),
  defined('spec.memory.pages', ({ memory }) => formatSize((memory.pageKiB ?? 4) * 1024)),
  defined('spec.numa.cells', ({ numa }) => plainText(numa.cells)),
  defined('spec.numa.policy', ({ numa }) => numa.policy),
  defined('spec.numa.nodeset', ({ numa }) => setText(numa.nodeset)),
  defined('spec.boot.order', ({ boot }) => boot.order.join(', ')),
  defined('spec.boot.kernel', ({ boot }) => boot.kernel),
  defined('spec.boot.initrd', ({ boot }) => boot.initrd),
  defined('spec.boot.cmdline', ({ boot }) => boot.cmdline),
  defined('spec.pci', ({ pci }) => pci && JSON.stringify(pci)),
  {
    path: 'spec.machine',
    way: 'anew',
    tell: ({ machine }) => machine,
    why: 'the addresses of its devices belong to the machine type',
  },
  {
    path: 'spec.boot.firmware',
    way: 'anew',
    tell: ({ boot }) => boot.firmware,
    why: 'what is installed on its disks boots by one kind of firmware',
  },
  noted('spec.placement.hosts', ({ hosts, hostLabels }) =>
    hostLabels === undefined ? listText(hosts) : JSON.stringify(hostLabels),
  ),
  noted('spec.placement.excludeHosts', ({ excludeHosts }) => listText(excludeHosts)),
  noted('spec.placement.affinity', ({ affinity }) => affinity && JSON.stringify(affinity)),
  noted('spec.placement.antiAffinity', ({ antiAffinity: rules }) => rules && JSON.stringify(rules)),
  noted('spec.placement.spread', ({ spread }) => spread && JSON.stringify(spread)),
  noted('spec.placement.expectedLifetime', ({ expectedLifetimeMs: ms }) =>
    ms === undefined ? undefined : `${ms / 1000} s`,
  ),
];

/**
 * What differs between two specs of a VM of one name, and what each difference costs. Values that
 * only are written in another way (`4GiB`, `4096MiB`) do not differ. Pure.
 * @param running whether a guest runs that would have to give way.
 */
export function changesOf(before: VmSpec, after: VmSpec, running: boolean): readonly VmChange[] {
  return [
    ...labelChanges(before, after),
    ...FIELDS.map(({ path, way, tell, why }) => ({
      path,
      way,
      why,
      before: tell(before),
      after: tell(after),
    })),
    ...before.disks.flatMap((disk) => diskChanges(disk, named(after, disk.name))),
    ...after.disks
      .filter((disk) => named(before, disk.name) === undefined)
      .map((disk) => added(`spec.disks[${disk.name}]`, diskText(disk))),
    ...nicChanges(before, after),
  ]
    .filter((change) => change.before !== change.after)
    .map(({ way, why, ...change }) => ({
      ...change,
      cost: costOf(way, running),
      ...(why === undefined ? {} : { why }),
    }));
}

/**
 * Changes of a guest over what its definition says already: what is pending and is to be another is
 * named beside what the guest is now. Pure.
 * @param changes against what the guest is now.
 * @param undefinedYet against its definition.
 */
export function changesOverPending(
  changes: readonly VmChange[],
  undefinedYet: readonly VmChange[],
): readonly VmChange[] {
  const over = undefinedYet.map(({ before, ...change }): VmChange => {
    const live = changes.find(({ path }) => path === change.path);
    // What is no change of the guest is as it is to be already.
    const now = live === undefined ? change.after : live.before;
    const isPending = now !== before;
    return {
      ...change,
      ...(now === undefined ? {} : { before: now }),
      ...(isPending ? { pending: before ?? 'none' } : {}),
    };
  });
  const told = new Set(over.map(({ path }) => path));
  return [...changes.filter(({ path }) => !told.has(path)), ...over];
}

interface Difference {
  readonly path: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
  readonly way: Way;
  readonly why?: string | undefined;
}

function costOf(way: Way, running: boolean): ChangeCost {
  if (way === 'anew') return 'recreate';
  if (way === 'noted' || !running) return 'live';
  return way === 'off' ? 'restart' : 'next boot';
}

function labelChanges(before: VmSpec, after: VmSpec): readonly Difference[] {
  const keys = new Set([...Object.keys(before.labels), ...Object.keys(after.labels)]);
  return [...keys].map((key) => ({
    path: `metadata.labels.${key}`,
    way: 'noted',
    before: before.labels[key],
    after: after.labels[key],
  }));
}

function diskChanges(before: DiskSpec, after: DiskSpec | undefined): readonly Difference[] {
  const path = `spec.disks[${before.name}]`;
  if (after === undefined) {
    const why = 'its volume is deleted, which no guest may be using';
    return [{ path, way: 'off', why, before: diskText(before), after: undefined }];
  }
  return [
    { path: `${path}.image`, way: 'anew', before: before.image, after: after.image, why: IMAGE },
    { path: `${path}.device`, way: 'anew', before: before.device, after: after.device },
    { path: `${path}.bus`, way: 'defined', before: before.bus, after: after.bus },
    { path: `${path}.cache`, way: 'defined', before: before.cache, after: after.cache },
    sizeChange(`${path}.size`, before, after),
  ];
}

const IMAGE = 'a disk is made from its image once';

/** A disk that is to be as large as its image again stays as large as it is. */
function sizeChange(path: string, before: DiskSpec, after: DiskSpec): Difference {
  const [from, to] = [before.sizeBytes, after.sizeBytes];
  const sizes = { path, before: sizeText(from), after: sizeText(to) };
  if (to === undefined) return { ...sizes, way: 'noted' };
  if (from !== undefined && to < from) {
    return { ...sizes, way: 'anew', why: 'a smaller disk would lose what is at its end' };
  }
  return { ...sizes, way: 'off', why: 'its volume grows, which no guest may be using' };
}

function nicChanges(before: VmSpec, after: VmSpec): readonly Difference[] {
  const most = Math.max(before.nics.length, after.nics.length);
  return Array.from({ length: most }, (_, index) => ({
    path: `spec.nics[${index}]`,
    way: 'defined',
    before: nicText(before.nics[index]),
    after: nicText(after.nics[index]),
  }));
}

function added(path: string, after: string): Difference {
  return { path, way: 'defined', before: undefined, after };
}

function named({ disks }: VmSpec, name: string): DiskSpec | undefined {
  return disks.find((disk) => disk.name === name);
}

function diskText({ device, image, sizeBytes, bus }: DiskSpec): string {
  const size = sizeBytes === undefined ? undefined : formatSize(sizeBytes);
  return [device, image === undefined ? undefined : `from ${image}`, size, bus]
    .filter((word) => word !== undefined)
    .join(', ');
}

function nicText(nic: NicSpec | undefined): string | undefined {
  return nic && [nic.kind, nic.source, nic.model, nic.mac].filter(Boolean).join(' ');
}

function defined(path: string, tell: Field['tell']): Field {
  return { path, way: 'defined', tell };
}

function noted(path: string, tell: Field['tell']): Field {
  return { path, way: 'noted', tell };
}

function setText(set: readonly number[] | undefined): string | undefined {
  return set === undefined ? undefined : formatIntSet(set);
}

function sizeText(bytes: number | undefined): string | undefined {
  return bytes === undefined ? undefined : formatSize(bytes);
}

function listText(list: readonly string[] | undefined): string | undefined {
  return list === undefined || list.length === 0 ? undefined : list.join(', ');
}

function plainText(value: object | string | number): string {
  return typeof value === 'object' ? JSON.stringify(value) : `${value}`;
}
