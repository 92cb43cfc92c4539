import type { CpuPolicy, MemoryMode, ThreadPlace, ThreadPolicy } from './placement.ts';
import type { PciAsk } from './pci-ask.ts';
import { pciProblems } from './pci-ask.ts';
import type { PlacementRules } from './relation.ts';
import { ruleProblems } from './relation.ts';

/** Names of VMs: what libvirt, file names and host names can all carry. */
export const VM_NAME = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/;

/** The most vCPUs of one VM. */
export const VM_VCPUS_MAX = 4096;

/** One guest cell given by hand. */
export interface GuestCellSpec {
  readonly cpus: readonly number[];
  readonly memoryBytes: number;
  /** Host cell it must lie on; absent: Berth chooses. */
  readonly hostCell?: number;
}

export interface CpuSpec {
  /** vCPUs, 1 to `VM_VCPUS_MAX`. */
  readonly count: number;
  readonly policy: CpuPolicy;
  readonly threads: ThreadPolicy;
  /** host-model, host-passthrough, maximum, or a named model; absent: the best the host's accelerator offers. */
  readonly model?: string;
  /** The only pCPUs that may be used. */
  readonly cpuset?: readonly number[];
  /** vCPUs of a mixed guest that have a pCPU each; the others float. */
  readonly dedicatedVcpus?: readonly number[];
  /** Where QEMU's own threads run; `isolate` is one more dedicated pCPU. */
  readonly emulator: ThreadPlace;
  /** Threads that do the I/O of disks, and where they run: `share` is beside QEMU's own. */
  readonly ioThreads?: IoThreadSpec;
}

export interface IoThreadSpec {
  /** 1 to 64. */
  readonly count: number;
  readonly place: ThreadPlace;
}

export interface MemorySpec {
  readonly sizeBytes: number;
  /** Page size of the backing; absent: ordinary pages. */
  readonly pageKiB?: number;
}

export interface NumaSpec {
  /**
   * `auto`: as few host cells as fit, mirrored into the guest; a number; or cell by cell. `none`:
   * bound to no cell, floating over the whole host.
   */
  readonly cells: 'auto' | 'none' | number | readonly GuestCellSpec[];
  readonly policy?: MemoryMode;
  /** Host cells the memory may come from, by hand. */
  readonly nodeset?: readonly number[];
}

export interface DiskSpec {
  readonly name: string;
  /** A volume of the host's image pool to start from; absent: an empty disk. */
  readonly image?: string;
  /** Absent: as large as the image. */
  readonly sizeBytes?: number;
  readonly device: 'disk' | 'cdrom';
  readonly bus: 'virtio' | 'scsi' | 'sata';
  readonly cache: 'none' | 'writeback' | 'writethrough' | 'directsync' | 'unsafe';
}

export interface NicSpec {
  /** `user`: QEMU's user-mode network; else the name of a libvirt network or bridge. */
  readonly kind: 'user' | 'network' | 'bridge';
  readonly source?: string;
  readonly model: string;
  readonly mac?: string;
}

/** Firmware and first boot; with a kernel the firmware loads that, else it follows `order`. */
export interface BootSpec {
  readonly firmware: 'bios' | 'efi';
  readonly order: readonly ('disk' | 'cdrom' | 'network')[];
  readonly kernel?: string;
  readonly initrd?: string;
  readonly cmdline?: string;
}

/** What the user wrote, checked and with every default filled in. */
export interface VmSpec extends PlacementRules {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly machine: 'q35' | 'pc' | 'virt';
  readonly cpu: CpuSpec;
  readonly memory: MemorySpec;
  readonly numa: NumaSpec;
  readonly boot: BootSpec;
  readonly disks: readonly DiskSpec[];
  readonly nics: readonly NicSpec[];
  /** PCI functions passed through to it. */
  readonly pci?: readonly PciAsk[];
  /** Hosts that may be used; empty: every one. */
  readonly hosts: readonly string[];
}

/**
 * Contradictions within a spec that no host can cure, each naming both sides; empty when sound.
 * What depends on a host (does it have that CPU?) is for placement to refuse.
 */
export function specProblems(spec: VmSpec): readonly { where: string; problem: string }[] {
  return [
    ...cpuProblems(spec),
    ...cpusetProblems(spec),
    ...mixedProblems(spec),
    ...threadPlaceProblems(spec),
    ...numaProblems(spec),
    ...noCellProblems(spec),
    ...pciProblems(spec.pci ?? [], spec.numa.cells),
    ...memoryProblems(spec),
    ...ruleProblems(spec),
  ];
}

function cpuProblems({ cpu }: VmSpec): readonly { where: string; problem: string }[] {
  const problems = [];
  if (cpu.policy === 'shared' && cpu.threads !== 'prefer') {
    problems.push({
      where: 'spec.cpu.threads',
      problem: `thread policy ${cpu.threads} needs spec.cpu.policy dedicated or mixed, but it is shared`,
    });
  }
  if (cpu.policy === 'shared' && cpu.emulator === 'isolate') {
    problems.push({
      where: 'spec.cpu.emulator',
      problem: 'an isolated emulator needs spec.cpu.policy dedicated or mixed, but it is shared',
    });
  }
  if (cpu.policy === 'shared' && cpu.ioThreads?.place === 'isolate') {
    problems.push({
      where: 'spec.cpu.ioThreads',
      problem: 'isolated I/O threads need spec.cpu.policy dedicated or mixed, but it is shared',
    });
  }
  return problems;
}

function cpusetProblems({ cpu }: VmSpec): readonly { where: string; problem: string }[] {
  const where = 'spec.cpu.cpuset';
  if (cpu.cpuset === undefined) return [];
  if (cpu.cpuset.length === 0) return [{ where, problem: 'the set is empty' }];
  const own = ownThreads(cpu);
  const { dedicatedVcpus = [] } = cpu;
  const needed = (cpu.policy === 'dedicated' ? cpu.count : dedicatedVcpus.length) + own;
  if (cpu.policy === 'shared' || cpu.cpuset.length >= needed) return [];
  const of = cpu.policy === 'dedicated' ? 'spec.cpu.count and emulator' : 'spec.cpu.dedicatedVcpus';
  const problem = `${cpu.cpuset.length} pCPUs cannot give ${needed} dedicated ones (${of}${own > 1 ? ' and ioThreads' : ''})`;
  return [{ where, problem }];
}

/** pCPUs of their own that threads of QEMU have beside those of the vCPUs. */
export function ownThreads({
  emulator,
  ioThreads,
}: Pick<CpuSpec, 'emulator' | 'ioThreads'>): number {
  return (emulator === 'isolate' ? 1 : 0) + (ioThreads?.place === 'isolate' ? ioThreads.count : 0);
}

function mixedProblems({ cpu }: VmSpec): readonly { where: string; problem: string }[] {
  const where = 'spec.cpu.dedicatedVcpus';
  const { dedicatedVcpus: ids } = cpu;
  if (cpu.policy !== 'mixed') {
    const problem = `vCPUs of both kinds need spec.cpu.policy mixed, but it is ${cpu.policy}`;
    return ids === undefined ? [] : [{ where, problem }];
  }
  if (ids === undefined || ids.length === 0) {
    return [{ where, problem: 'spec.cpu.policy mixed needs to know which vCPUs are dedicated' }];
  }
  const unknown = ids.filter((id) => id >= cpu.count);
  if (unknown.length > 0) {
    const problem = `spec.cpu.count ${cpu.count} has vCPUs 0-${cpu.count - 1}, and no ${unknown.join(', ')}`;
    return [{ where, problem }];
  }
  const problem = `all ${cpu.count} vCPUs of spec.cpu.count are dedicated, but spec.cpu.policy is mixed`;
  return ids.length < cpu.count ? [] : [{ where, problem }];
}

function threadPlaceProblems({ cpu }: VmSpec): readonly { where: string; problem: string }[] {
  const places = [
    { where: 'spec.cpu.emulator.cpus', place: cpu.emulator },
    { where: 'spec.cpu.ioThreads.place.cpus', place: cpu.ioThreads?.place },
  ];
  return places.flatMap(({ where, place }) =>
    typeof place === 'object' && place.cpus.length === 0
      ? [{ where, problem: 'the set is empty' }]
      : [],
  );
}

function numaProblems({
  numa,
  cpu,
  memory,
}: VmSpec): readonly { where: string; problem: string }[] {
  const problems = [];
  const where = 'spec.numa.cells';
  if (numa.policy === 'preferred' && numa.nodeset !== undefined && numa.nodeset.length !== 1) {
    problems.push({
      where: 'spec.numa.nodeset',
      problem: `spec.numa.policy preferred takes exactly one cell, but ${numa.nodeset.length} are given`,
    });
  }
  if (numa.nodeset?.length === 0) {
    problems.push({ where: 'spec.numa.nodeset', problem: 'the set is empty' });
  }
  if (typeof numa.cells === 'number' && numa.cells > cpu.count) {
    problems.push({ where, problem: `${numa.cells} guest cells for ${cpu.count} vCPUs` });
  }
  if (Array.isArray(numa.cells)) {
    const cells: readonly GuestCellSpec[] = numa.cells;
    const listed = cells.flatMap((cell) => cell.cpus).toSorted((a, b) => a - b);
    if (listed.length !== cpu.count || listed.some((id, index) => id !== index)) {
      problems.push({
        where,
        problem: `the cells must name each vCPU 0-${cpu.count - 1} of spec.cpu.count once`,
      });
    }
    const sum = cells.reduce((total, cell) => total + cell.memoryBytes, 0);
    if (sum !== memory.sizeBytes) {
      problems.push({
        where,
        problem: `the cells have ${sum} bytes together, spec.memory.size is ${memory.sizeBytes}`,
      });
    }
  }
  return problems;
}

/** A guest that is bound to no cell cannot ask for what only cells give. */
function noCellProblems({
  numa,
  cpu,
  memory,
}: VmSpec): readonly { where: string; problem: string }[] {
  if (numa.cells !== 'none') return [];
  const against = [
    ...(cpu.policy === 'shared' ? [] : [`spec.cpu.policy ${cpu.policy}`]),
    ...(memory.pageKiB === undefined ? [] : [`spec.memory.pages of ${memory.pageKiB} KiB`]),
    ...(numa.policy === undefined ? [] : [`spec.numa.policy ${numa.policy}`]),
    ...(numa.nodeset === undefined ? [] : ['spec.numa.nodeset']),
  ];
  return against.map((what) => ({
    where: 'spec.numa.cells',
    problem: `none binds the guest to no cell, but ${what} does`,
  }));
}

function memoryProblems({ memory }: VmSpec): readonly { where: string; problem: string }[] {
  const page = (memory.pageKiB ?? 4) * 1024;
  return memory.sizeBytes % page === 0
    ? []
    : [
        {
          where: 'spec.memory.size',
          problem: `${memory.sizeBytes} bytes are not whole pages of spec.memory.pages (${memory.pageKiB ?? 4} KiB)`,
        },
      ];
}
