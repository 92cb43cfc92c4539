import type { HostView, VmSummary } from '../../src/api/resources.ts';

type CellView = HostView['topology']['cells'][number];
type CpuView = CellView['cpus'][number];
type Seat = HostView['seats'][number];

const GIB = 1024 ** 3;

/** The shape of a synthetic machine; every count is per the level above it. */
export interface MachineShape {
  readonly packages: number;
  readonly cells: number;
  readonly groups?: number;
  readonly cores: number;
  readonly threads: number;
  readonly cellGiB?: number;
}

/** Cells of a regular machine, CPUs numbered as Linux does: first threads of all cores first. */
export function cellsOf(shape: MachineShape): CellView[] {
  const { packages, cells, groups = 1, cores, threads, cellGiB = 64 } = shape;
  const perCell = groups * cores;
  const coreCount = packages * cells * perCell;
  const cellCount = packages * cells;
  return Array.from({ length: cellCount }, (_, cell) => ({
    id: cell,
    memoryBytes: cellGiB * GIB,
    freeBytes: cellGiB * GIB * 0.75,
    pages: [{ sizeKiB: 4, total: cellGiB * 262_144, free: cellGiB * 196_608 }],
    distances: Array.from({ length: cellCount }, (_, other) => (other === cell ? 10 : 21)),
    cpus: Array.from({ length: perCell * threads }, (_, index): CpuView => {
      const core = cell * perCell + (index % perCell);
      return {
        id: core + Math.floor(index / perCell) * coreCount,
        socket: Math.floor(cell / cells),
        die: 0,
        l3: Math.floor(core / cores),
        core: core % (cells * perCell),
        siblings: Array.from({ length: threads }, (_, thread) => core + thread * coreCount),
        online: true,
      };
    }),
    pci: [],
  }));
}

/** A seat, by default one of a running VM that floats everywhere. */
export function seat(vm: string, values: Partial<Seat> = {}): Seat {
  return {
    vm,
    uuid: `00000000-0000-4000-8000-${vm.length.toString().padStart(12, '0')}`,
    managed: true,
    running: true,
    dedicated: [],
    floating: { vcpus: 0 },
    memory: [{ bytes: 2 * GIB, pageKiB: 4 }],
    overheadBytes: 0,
    ...values,
  };
}

/** A seat with pCPUs and memory of its own. */
export function ownSeat(vm: string, dedicated: number[], cell: number, gib: number): Seat {
  return seat(vm, { dedicated, memory: [{ cell, bytes: gib * GIB, pageKiB: 4 }] });
}

/** A seat whose vCPUs float over some pCPUs, or over all. */
export function floatingSeat(vm: string, vcpus: number, over?: number[]): Seat {
  return seat(vm, { floating: over === undefined ? { vcpus } : { vcpus, over } });
}

/** The summary that goes with a seat. */
export function summary(of: Seat, host: string): VmSummary {
  return {
    name: of.vm,
    uuid: of.uuid,
    state: of.running ? 'running' : 'shutoff',
    host,
    managed: of.managed,
    vcpus: of.floating.vcpus > 0 ? of.floating.vcpus : of.dedicated.length,
    memoryBytes: of.memory.reduce((sum, share) => sum + share.bytes, 0),
    policy: of.dedicated.length > 0 ? 'dedicated' : 'shared',
    cells: of.memory.flatMap(({ cell }) => (cell === undefined ? [] : [cell])),
    labels: {},
  };
}

/** A host with these cells and seats. */
export function hostOf(
  name: string,
  cells: CellView[],
  seats: Seat[] = [],
  values: Partial<HostView> = {},
): HostView {
  return {
    name,
    uri: 'qemu:///system',
    state: 'connected',
    observedAt: 1_760_000_000_000,
    libvirtVersion: 9_000_000,
    domainTypes: ['kvm', 'qemu'],
    policy: { reservedCpus: [], reservedBytes: 0, cpuRatio: 16, ramRatio: 1.5 },
    topology: { arch: 'x86_64', cells, offlineCpus: [], pciAnywhere: [] },
    vms: seats.map((one) => summary(one, name)),
    seats,
    conflicts: [],
    ...values,
  };
}

/** The machine of the transcripts: two packages with SMT, and one VM of every sort. */
export function workstation(): HostView {
  const cells = cellsOf({ packages: 2, cells: 1, cores: 4, threads: 2 });
  const [first, second] = cells as [CellView, CellView];
  first.pages.push({ sizeKiB: 2048, total: 4096, free: 1024 });
  second.pages.push({ sizeKiB: 2048, total: 4096, free: 4096 });
  second.pages.push({ sizeKiB: 1_048_576, total: 8, free: 4 });
  first.pci.push(
    { address: '0000:3b:00.0', class: '0x020000', vendor: '0x8086', device: '0x158b' },
    { address: '0000:3b:00.1', class: '0x020000', vendor: '0x8086', device: '0x158b' },
    { address: '0000:00:1f.0', class: '0x060100', vendor: '0x8086', device: '0xa1c1' },
  );
  second.pci.push(
    { address: '0000:af:00.0', class: '0x030200', vendor: '0x10de', device: '0x20b0' },
    { address: '0000:d8:00.0', class: '0x010802', vendor: '0x144d', device: '0xa808' },
  );
  const shared = [5, 6, 7, 13, 14, 15];
  return hostOf(
    'kvm1',
    cells,
    [
      ownSeat('db1', [1, 2, 9, 10], 0, 16),
      ownSeat('cache', [4, 12], 1, 8),
      floatingSeat('web1', 2, shared),
      floatingSeat('web2', 2, shared),
    ],
    { policy: { reservedCpus: [0, 8], reservedBytes: 0, cpuRatio: 16, ramRatio: 1.5 } },
  );
}
