import { formatIntSet } from '../base/int-set.ts';
import { KIB } from '../base/units.ts';
import type { GuestCell, PciPlace, Placement } from '../model/placement.ts';
import type { DiskSpec, NicSpec, VmSpec } from '../model/vm-spec.ts';
import { el, renderXml } from '../xml/index.ts';
import type { ElementDraft } from '../xml/index.ts';
import { metadataElement } from './metadata.ts';

/** A disk of the spec together with the volume that holds it on the host. */
export interface PlacedDisk {
  readonly spec: DiskSpec;
  readonly path: string;
  readonly format: string;
}

/** All that a domain is rendered from. */
export interface DomainPlan {
  readonly uuid: string;
  /** kvm, or qemu for emulation. */
  readonly domainType: string;
  readonly arch: string;
  readonly spec: VmSpec;
  /** The document as its user wrote it, kept in the metadata. */
  readonly document: unknown;
  readonly placement: Placement;
  /** When the VM is expected to be gone, in milliseconds since the epoch; kept in the metadata. */
  readonly expectedEnd?: number;
  readonly disks: readonly PlacedDisk[];
  /** Volumes made for this VM, kept in the metadata so that they go with it. */
  readonly volumes: readonly string[];
  /** Distance of each host cell to each other, for the guest's own table. */
  readonly distance: (from: number, to: number) => number;
}

/** ACPI's distance of a cell to itself. */
const LOCAL_DISTANCE = 10;

/** The domain XML that carries out a placement (libvirt 9.0, formatdomain). */
export function renderDomain(plan: DomainPlan): string {
  const { spec, placement } = plan;
  return renderXml(
    el(
      'domain',
      { type: plan.domainType },
      el('name', {}, spec.name),
      el('uuid', {}, plan.uuid),
      el('metadata', {}, metadataElement(plan)),
      el('memory', { unit: 'KiB' }, spec.memory.sizeBytes / KIB),
      el('currentMemory', { unit: 'KiB' }, spec.memory.sizeBytes / KIB),
      ...memoryBacking(spec),
      el('vcpu', vcpuAttributes(placement), spec.cpu.count),
      ioThreadCount(placement),
      cputune(placement),
      ...numatune(placement),
      os(plan),
      features(plan),
      cpu(plan),
      el('clock', { offset: 'utc' }),
      el('on_poweroff', {}, 'destroy'),
      el('on_reboot', {}, 'restart'),
      el('on_crash', {}, 'destroy'),
      devices(plan),
    ),
  );
}

function memoryBacking({ memory }: VmSpec): readonly ElementDraft[] {
  if (memory.pageKiB === undefined) return [];
  const page = el('page', { size: memory.pageKiB, unit: 'KiB' });
  return [el('memoryBacking', {}, el('hugepages', {}, page))];
}

/** The cpuset of all vCPUs together: what a later hot-added vCPU would inherit. */
function vcpuAttributes({ vcpus }: Placement): Readonly<Record<string, string>> {
  const all = new Set(vcpus.flatMap((seat) => seat.pcpus));
  return { placement: 'static', ...(all.size === 0 ? {} : { cpuset: formatIntSet(all) }) };
}

function ioThreadCount({ ioThreads = [] }: Placement): ElementDraft | undefined {
  return ioThreads.length === 0 ? undefined : el('iothreads', {}, ioThreads.length);
}

function cputune({ vcpus, emulator, ioThreads = [] }: Placement): ElementDraft {
  return el(
    'cputune',
    {},
    ...vcpus.map(({ vcpu, pcpus }) => el('vcpupin', { vcpu, cpuset: formatIntSet(pcpus) })),
    emulator.length === 0 ? undefined : el('emulatorpin', { cpuset: formatIntSet(emulator) }),
    ...ioThreads.map(({ id, pcpus }) =>
      el('iothreadpin', { iothread: id, cpuset: formatIntSet(pcpus) }),
    ),
  );
}

/**
 * Memory follows the plan: per guest cell where the guest has cells, else for the whole guest. What
 * is interleaved lies on all cells alike.
 * `restrictive` exists only for the whole guest and per cell alike, never mixed (libvirt 7.3).
 */
function numatune({ memory, memoryMode, guestCells }: Placement): readonly ElementDraft[] {
  if (memoryMode === undefined) return [];
  const cells = memory.flatMap((share) => (share.cell === undefined ? [] : [share.cell]));
  const whole = el('memory', { mode: memoryMode, nodeset: formatIntSet(cells) });
  const each = guestCells.map(({ id, hostCell }) =>
    el('memnode', { cellid: id, mode: memoryMode, nodeset: hostCell }),
  );
  return [el('numatune', {}, whole, ...(memoryMode === 'interleave' ? [] : each))];
}

function os({ spec, arch }: DomainPlan): ElementDraft {
  const { boot, machine } = spec;
  const order = { disk: 'hd', cdrom: 'cdrom', network: 'network' } as const;
  return el(
    'os',
    boot.firmware === 'efi' ? { firmware: 'efi' } : {},
    // q35, which a spec means unless it says otherwise, exists on x86 alone.
    el('type', { arch, machine: isArm(arch) && machine === 'q35' ? 'virt' : machine }, 'hvm'),
    boot.kernel === undefined ? undefined : el('kernel', {}, boot.kernel),
    boot.initrd === undefined ? undefined : el('initrd', {}, boot.initrd),
    boot.cmdline === undefined ? undefined : el('cmdline', {}, boot.cmdline),
    ...boot.order.map((device) => el('boot', { dev: order[device] })),
  );
}

/** libvirt refuses ACPI on ARM without UEFI (libvirt 9.0, qemu_validate.c). */
function features({ arch, spec }: DomainPlan): ElementDraft {
  if (!isArm(arch)) return el('features', {}, el('acpi'), el('apic'));
  return el('features', {}, spec.boot.firmware === 'efi' ? el('acpi') : undefined, el('gic'));
}

function isArm(arch: string): boolean {
  return arch === 'aarch64';
}

function cpu({ spec, domainType, placement, distance }: DomainPlan): ElementDraft {
  const model = spec.cpu.model ?? (domainType === 'kvm' ? 'host-passthrough' : 'maximum');
  const isMode = ['host-passthrough', 'host-model', 'maximum'].includes(model);
  const { sockets, dies, cores, threads } = placement.guestTopology;
  const cells = placement.guestCells;
  return el(
    'cpu',
    isMode ? { mode: model } : { mode: 'custom', match: 'exact', check: 'partial' },
    isMode ? undefined : el('model', { fallback: 'forbid' }, model),
    el('topology', { sockets, dies, cores, threads }),
    cells.length === 0
      ? undefined
      : el(
          'numa',
          {},
          ...cells.map((cell) =>
            el(
              'cell',
              {
                id: cell.id,
                cpus: formatIntSet(cell.vcpus),
                memory: cell.bytes / KIB,
                unit: 'KiB',
              },
              el('distances', {}, ...cells.map((other) => sibling(cell, other, distance))),
            ),
          ),
        ),
  );
}

/**
 * How far one guest cell is from another: as their host cells are. Two on the same host cell are as
 * near as libvirt lets different cells be; 10 is for a cell and itself alone.
 */
function sibling(
  cell: GuestCell,
  other: GuestCell,
  distance: DomainPlan['distance'],
): ElementDraft {
  const least = cell.id === other.id ? LOCAL_DISTANCE : LOCAL_DISTANCE + 1;
  const value = Math.max(least, distance(cell.hostCell, other.hostCell));
  return el('sibling', { id: other.id, value });
}

function devices(plan: DomainPlan): ElementDraft {
  const targets = new Map<string, number>();
  const needsScsi = plan.disks.some((disk) => disk.spec.bus === 'scsi');
  return el(
    'devices',
    {},
    ...plan.disks.map((disk) => diskElement(disk, { targets, ioThread: ioThreadOf(plan, disk) })),
    needsScsi ? el('controller', { type: 'scsi', model: 'virtio-scsi' }) : undefined,
    ...plan.spec.nics.map(nicElement),
    ...(plan.placement.pci ?? []).map(hostdevElement),
    el('serial', { type: 'pty' }, el('target', { port: 0 })),
    el('console', { type: 'pty' }, el('target', { type: 'serial', port: 0 })),
    el(
      'channel',
      { type: 'unix' },
      el('target', { type: 'virtio', name: 'org.qemu.guest_agent.0' }),
    ),
    el('memballoon', { model: 'virtio' }),
    el('rng', { model: 'virtio' }, el('backend', { model: 'random' }, '/dev/urandom')),
  );
}

/** I/O threads take turns over the disks that can have one: virtio-blk's alone (libvirt 9.0). */
function ioThreadOf({ disks, placement }: DomainPlan, disk: PlacedDisk): number | undefined {
  const { ioThreads = [] } = placement;
  if (disk.spec.bus !== 'virtio' || ioThreads.length === 0) return undefined;
  const turn = disks.filter(({ spec }) => spec.bus === 'virtio').indexOf(disk);
  return ioThreads[turn % ioThreads.length]?.id;
}

function diskElement(
  disk: PlacedDisk,
  {
    targets,
    ioThread,
  }: { readonly targets: Map<string, number>; readonly ioThread?: number | undefined },
): ElementDraft {
  const { device, bus, cache } = disk.spec;
  const prefix = bus === 'virtio' ? 'vd' : 'sd';
  const index = targets.get(prefix) ?? 0;
  targets.set(prefix, index + 1);
  return el(
    'disk',
    { type: 'file', device },
    el('driver', {
      name: 'qemu',
      type: disk.format,
      cache: device === 'cdrom' ? undefined : cache,
      discard: device === 'cdrom' ? undefined : 'unmap',
      iothread: ioThread,
    }),
    el('source', { file: disk.path }),
    el('target', { dev: diskTarget(prefix, index), bus }),
    device === 'cdrom' ? el('readonly') : undefined,
    el('serial', {}, disk.spec.name),
  );
}

/** vda, vdb, ... vdz, vdaa, as the kernel counts. */
export function diskTarget(prefix: string, index: number): string {
  let letters = '';
  for (let rest = index; rest >= 0; rest = Math.floor(rest / 26) - 1) {
    letters = String.fromCharCode(97 + (rest % 26)) + letters;
  }
  return prefix + letters;
}

/** A function of the host given to the guest; libvirt takes it from the host's driver and back. */
function hostdevElement({ address }: PciPlace): ElementDraft {
  const [domain = '', bus = '', slot = '', fn = ''] = address.split(/[:.]/);
  const parts = { domain: `0x${domain}`, bus: `0x${bus}`, slot: `0x${slot}`, function: `0x${fn}` };
  return el(
    'hostdev',
    { mode: 'subsystem', type: 'pci', managed: 'yes' },
    el('source', {}, el('address', parts)),
  );
}

function nicElement(nic: NicSpec): ElementDraft {
  const source =
    nic.source === undefined
      ? undefined
      : el('source', { [nic.kind === 'network' ? 'network' : 'bridge']: nic.source });
  return el(
    'interface',
    { type: nic.kind },
    nic.mac === undefined ? undefined : el('mac', { address: nic.mac }),
    source,
    el('model', { type: nic.model }),
  );
}
