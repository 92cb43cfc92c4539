import { GIB, MIB } from '../../base/units.ts';
import type { Cell, HostTopology, PciFunction } from '../../model/topology.ts';

/**
 * The machine that a KVM host is: four cells of unequal memory in pairs, as two boards of two
 * sockets each would be, and slots for devices in each cell but the first, whose devices are nobody's.
 */
export const CELLS = [
  { memoryBytes: GIB, distances: [10, 16, 28, 28] },
  { memoryBytes: 768 * MIB, distances: [16, 10, 28, 28] },
  { memoryBytes: 768 * MIB, distances: [28, 28, 10, 16] },
  { memoryBytes: 512 * MIB, distances: [28, 28, 16, 10] },
] as const;

/** One socket a cell, two cores each, no SMT: QEMU's emulated processors show none. */
const CPUS_PER_CELL = 2;

/** Bus numbers of the cells' own PCI trees: cell 1 has 32 and its slots 33 and on. */
const BUS_STEP = 32;

/** Bits 40 to 47 of the machine's MAC addresses are those of QEMU; the lab's NIC gets its own. */
const MACS = {
  management: '52:54:00:be:00:01',
  lab: '52:54:00:be:00:02',
  spare1: '52:54:00:be:00:03',
  spare3: '52:54:00:be:00:04',
} as const;

/** The machine's NICs: the name inside, the tap outside, which is called the same, the address. */
export const NICS = [
  { name: 'mgmt0', mac: MACS.management, model: 'virtio-net-pci', bus: 'pcie.0' },
  { name: 'nic0', mac: MACS.lab, model: 'virtio-net-pci', bus: 'slot1.0' },
  { name: 'nic1', mac: MACS.spare1, model: 'e1000e', bus: 'slot1.1' },
  { name: 'nic2', mac: MACS.spare3, model: 'e1000e', bus: 'slot3.0' },
] as const;

/** Slots of the cells, each a root port at an address of its cell's own PCI tree. */
const SLOTS = [
  { cell: 1, addr: 0, name: 'slot1.0' },
  { cell: 1, addr: 1, name: 'slot1.1' },
  { cell: 2, addr: 0, name: 'slot2.0' },
  { cell: 3, addr: 0, name: 'slot3.0' },
] as const;

/**
 * The disk controller with SR-IOV, for `device_add`. It is plugged in once the machine runs, since
 * QEMU cannot save one (hw/nvme: unmigratable).
 */
export const SRIOV_DEVICE = {
  driver: 'nvme',
  id: 'nvme0',
  bus: 'slot2.0',
  serial: 'berth',
  subsys: 'subsystem0',
  sriov_max_vfs: 4,
  sriov_vq_flexible: 10,
  sriov_vi_flexible: 4,
  max_ioqpairs: 26,
  msix_qsize: 26,
} as const;

/** Names of files that the emulator finds in the folder it runs in. */
export const MACHINE_FILES = {
  disk: 'disk.qcow2',
  monitor: 'qmp',
  agent: 'agent',
  console: 'console.log',
  /** Where a machine that is being saved goes. */
  saving: 'saving',
} as const;

/**
 * Descriptors that the emulator inherits: it is without rights and could not open what they are
 * of. Kept below 10, which is what a shell can redirect (POSIX, 2.7).
 */
export const MACHINE_FDS = {
  /** The image. */
  base: 3,
  /** What a saved machine had written on top of it. */
  savedDisk: 4,
  /** A saved machine's memory and devices. */
  state: 5,
  kernel: 6,
  initrd: 7,
} as const;

/**
 * The emulated IOMMU remaps no interrupts, since with that on the machine hung now and then (QEMU
 * 7.2, TCG); VFIO must be told that it may hand out devices nevertheless.
 */
const COMMAND_LINE =
  'root=/dev/vda rw console=ttyS0 loglevel=4 net.ifnames=0 mitigations=off tsc=reliable ' +
  'no_timer_check intel_iommu=on iommu=pt apparmor=1 security=apparmor ' +
  'vfio_iommu_type1.allow_unsafe_interrupts=1';

/**
 * QEMU's arguments (qemu(1)) for the machine.
 * @param start `boot` starts it; `restore` waits for a saved state. What a machine is made of is
 *   the same for both, else the state would not fit.
 */
export function machineArguments(start: 'boot' | 'restore'): readonly string[] {
  const layers =
    start === 'restore' ? [MACHINE_FDS.savedDisk, MACHINE_FDS.base] : [MACHINE_FDS.base];
  const pairs: readonly Option[] = [
    ['-name', 'kvm-host'],
    ['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
    ['-machine', 'q35,accel=tcg'],
    ['-cpu', 'max'],
    ['-rtc', 'base=utc'],
    ['-display', 'none'],
    ...memoryOptions(),
    ...pciOptions(),
    ...layers.map((fd) => ['-add-fd', `fd=${fd},set=${fd}`] as const),
    ['-blockdev', JSON.stringify(diskNode(layers))],
    ['-device', 'virtio-blk-pci,bus=pcie.0,addr=0x5,drive=disk'],
    ...NICS.flatMap(nicOptions),
    ['-device', 'nvme-subsys,id=subsystem0,nqn=berth'],
    ['-device', 'virtio-rng-pci,bus=pcie.0,addr=0x7'],
    ['-device', 'virtio-serial-pci,bus=pcie.0,addr=0x8'],
    ['-chardev', `socket,id=agent,path=${MACHINE_FILES.agent},server=on,wait=off`],
    ['-device', 'virtserialport,chardev=agent,name=org.qemu.guest_agent.0'],
    ['-chardev', `file,id=console,path=${MACHINE_FILES.console}`],
    ['-serial', 'chardev:console'],
    ['-chardev', `socket,id=monitor,path=${MACHINE_FILES.monitor},server=on,wait=off`],
    ['-mon', 'chardev=monitor,mode=control'],
    ['-kernel', `/proc/self/fd/${MACHINE_FDS.kernel}`],
    ['-initrd', `/proc/self/fd/${MACHINE_FDS.initrd}`],
    ['-append', COMMAND_LINE],
    ...(start === 'restore' ? [['-incoming', 'defer'] as const] : []),
  ];
  return ['-no-user-config', '-nodefaults', ...pairs.flat()];
}

type Option = readonly [name: string, value: string];

function memoryOptions(): readonly Option[] {
  const sizes = CELLS.map(({ memoryBytes }) => memoryBytes / MIB);
  const cpus = CELLS.length * CPUS_PER_CELL;
  return [
    ['-m', `${sizes.reduce((sum, size) => sum + size, 0)}`],
    ['-smp', `${cpus},sockets=${CELLS.length},cores=${CPUS_PER_CELL},threads=1`],
    ...sizes.map(
      (size, id) => ['-object', `memory-backend-ram,id=memory${id},size=${size}M`] as const,
    ),
    ...CELLS.map((_, id) => {
      const first = id * CPUS_PER_CELL;
      const range = `${first}-${first + CPUS_PER_CELL - 1}`;
      return ['-numa', `node,nodeid=${id},cpus=${range},memdev=memory${id}`] as const;
    }),
    ...CELLS.flatMap(({ distances }, from) =>
      distances.flatMap((value, to) =>
        to === from ? [] : [['-numa', `dist,src=${from},dst=${to},val=${value}`] as const],
      ),
    ),
  ];
}

/** A PCI tree for each cell (pxb-pcie), so that the firmware tells which cell a device belongs to. */
function pciOptions(): readonly Option[] {
  const cells = [...new Set(SLOTS.map(({ cell }) => cell))];
  return [
    ['-device', 'intel-iommu,intremap=off'],
    ...cells.map((cell) => {
      const place = `bus=pcie.0,addr=${cell},bus_nr=${cell * BUS_STEP}`;
      return ['-device', `pxb-pcie,id=cell${cell},${place},numa_node=${cell}`] as const;
    }),
    ...SLOTS.map(({ cell, name, addr }, index) => {
      const place = `bus=cell${cell},addr=${addr},chassis=${index + 1},slot=${index + 1}`;
      return ['-device', `pcie-root-port,id=${name},${place}`] as const;
    }),
  ];
}

/** The disk as a chain of layers, the uppermost in the emulator's folder, the others inherited. */
function diskNode(layers: readonly number[]): object {
  const backing = layers.reduceRight<object | undefined>(
    (below, fd) => ({
      driver: 'qcow2',
      'read-only': true,
      file: { driver: 'file', filename: `/dev/fdset/${fd}` },
      ...(below === undefined ? {} : { backing: below }),
    }),
    undefined,
  );
  return {
    driver: 'qcow2',
    'node-name': 'disk',
    discard: 'unmap',
    file: { driver: 'file', filename: MACHINE_FILES.disk },
    backing,
  };
}

function nicOptions({ name, mac, model, bus }: (typeof NICS)[number]): readonly Option[] {
  const place = bus === 'pcie.0' ? `${bus},addr=0x6` : bus;
  return [
    ['-netdev', `tap,id=${name},ifname=${name},script=no,downscript=no`],
    ['-device', `${model},netdev=${name},mac=${mac},bus=${place}`],
  ];
}

/**
 * What the machine is made of, as a host reports it but for what the kernel keeps of each cell's
 * memory for itself, and for functions that belong to no cell.
 */
export function kvmHostTopology(): HostTopology {
  return {
    arch: 'x86_64',
    cells: CELLS.map(describeCell),
    offlineCpus: [],
    pciAnywhere: [],
  };
}

function describeCell(cell: (typeof CELLS)[number], id: number): Cell {
  const { memoryBytes, distances } = cell;
  return {
    id,
    memoryBytes,
    freeBytes: memoryBytes,
    pages: [4, 2 * 1024, 1024 * 1024].map((sizeKiB) => ({ sizeKiB, total: 0, free: 0 })),
    distances,
    // Without a level of dies the kernel counts each socket as one.
    cpus: Array.from({ length: CPUS_PER_CELL }, (_, core) => {
      const cpu = id * CPUS_PER_CELL + core;
      return { id: cpu, socket: id, die: id, l3: id, core, siblings: [cpu], online: true };
    }),
    pci: PCI[id] ?? [],
  };
}

/** A port of a cell's own PCI tree. */
const PORT = { class: '0x060400', vendor: '0x1b36', device: '0x000c' } as const;
const SPARE_NIC = { class: '0x020000', vendor: '0x8086', device: '0x10d3' } as const;

/** PCI functions by the cell that they belong to, in the order of CELLS. */
const PCI: readonly (readonly PciFunction[])[] = [
  [],
  [
    { address: '0000:20:00.0', ...PORT },
    { address: '0000:20:01.0', ...PORT },
    { address: '0000:21:00.0', class: '0x020000', vendor: '0x1af4', device: '0x1041' },
    { address: '0000:22:00.0', ...SPARE_NIC },
  ],
  [
    { address: '0000:40:00.0', ...PORT },
    { address: '0000:41:00.0', class: '0x010802', vendor: '0x1b36', device: '0x0010' },
  ],
  [
    { address: '0000:60:00.0', ...PORT },
    { address: '0000:61:00.0', ...SPARE_NIC },
  ],
];
