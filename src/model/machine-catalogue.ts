import { GIB, KIB, MIB } from '../base/units.ts';
import type { MachineDescription } from './machine-description.ts';

/** A real machine by its public facts. */
export interface CatalogueMachine {
  /** Lower-case words joined by dashes, unique in the catalogue. */
  readonly name: string;
  /** One line for people. */
  readonly title: string;
  /** Where the facts are from, and which of them nobody read on such a machine. */
  readonly source: string;
  readonly description: MachineDescription;
}

/** Real machines to show in place of one's own, from the smallest to the largest. */
export const MACHINE_CATALOGUE: readonly CatalogueMachine[] = [
  {
    name: 'ryzen-5700g',
    title: 'Desktop with a Ryzen 7 5700G: 8 cores, one cell',
    source: 'public specifications of the processor: 16 threads, 16 MiB of L3; memory chosen',
    description: { cores: 8, threads: 2, l3Bytes: 16 * MIB, memoryBytes: 64 * GIB },
  },
  {
    name: 'xeon-7100-4s-offline',
    title: 'Four old Xeons at 2.6 GHz on one bus: one cell over four sockets, four CPUs offline',
    source: 'tree 16em64t-4s2c2t-offlines recorded by hwloc (its memory is not in the recording)',
    description: {
      sockets: 4,
      cells: 0,
      cores: 2,
      threads: 2,
      l3: 'none',
      memoryBytes: 16 * GIB,
      offline: [2, 5, 13, 14],
      order: 'round-robin',
    },
  },
  {
    name: 'opteron-6276-4s',
    title: 'Four Opteron 6276: 64 CPUs in 8 cells, one with half the memory, multi-hop distances',
    source: 'tree 64amd64-4s2n4ca2co recorded by hwloc; both halves of a module are siblings',
    description: {
      sockets: 4,
      cells: 2,
      cores: 8,
      threads: 2,
      l3: 4,
      l3Bytes: 6 * MIB,
      memoryBytes: 16 * GIB,
      uneven: [
        { cell: 0, memoryBytes: 16_769_836 * KIB },
        { cell: 5, memoryBytes: 8 * GIB },
        { cell: 7, memoryBytes: 16_760_832 * KIB },
      ],
      siblings: 'adjacent',
      distances: [
        [10, 16, 16, 22, 16, 22, 16, 22],
        [16, 10, 22, 16, 16, 22, 22, 16],
        [16, 22, 10, 16, 16, 16, 16, 16],
        [22, 16, 16, 10, 16, 16, 22, 22],
        [16, 16, 16, 16, 10, 16, 16, 22],
        [22, 22, 16, 16, 16, 10, 22, 16],
        [16, 22, 16, 22, 16, 22, 10, 16],
        [22, 16, 16, 22, 22, 16, 16, 10],
      ],
    },
  },
  {
    name: 'altra-q80',
    title: 'One Ampere Altra Q80-30: 80 ARM cores, one cell, no L3 that the kernel tells',
    source: 'lscpu of such servers, published by their users: 80 CPUs, one node, 125 GiB',
    description: { arch: 'aarch64', cores: 80, l3: 'none', memoryBytes: 125 * GIB },
  },
  {
    name: 'xeon-6230-2s',
    title: 'Two Xeon Gold 6230 in a Dell R740: 80 CPUs, numbered in turn over two cells',
    source: 'tree memorysidecaches recorded by hwloc, with its clusters switched off',
    description: {
      sockets: 2,
      cores: 20,
      threads: 2,
      l3Bytes: 28_160 * KIB,
      memoryBytes: 2 * 390_162_812 * KIB,
      distances: { near: 11, far: 21 },
      order: 'round-robin',
      coreIds: [0, 4, 1, 3, 2, 12, 8, 11, 9, 10, 16, 20, 17, 19, 18, 28, 24, 27, 25, 26],
    },
  },
  {
    name: 'xeon-6230-2s-snc2',
    title: 'Two Xeon Gold 6230 in a Dell R740 with two clusters a socket: 80 CPUs in 4 cells',
    source: 'tree memorysidecaches recorded by hwloc',
    description: {
      sockets: 2,
      cells: 2,
      cores: 20,
      threads: 2,
      l3Bytes: 28_160 * KIB,
      memoryBytes: 390_162_812 * KIB,
      distances: { near: 11, far: 21 },
      order: 'round-robin',
      coreIds: [0, 1, 2, 8, 9, 16, 17, 18, 24, 25, 4, 3, 12, 11, 10, 20, 19, 28, 27, 26],
    },
  },
  {
    name: 'xeon-4669v4-4s',
    title: 'Four Xeon E5-4669 v4 in a ring: 88 CPUs without SMT, 2 TiB',
    source: 'numactl -H and cpuinfo of such a Dell server, published by its users',
    description: {
      sockets: 4,
      cores: 22,
      l3Bytes: 55 * MIB,
      memoryBytes: 516_045 * MIB,
      order: 'round-robin',
      coreIds: [0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 16, 17, 18, 19, 20, 21, 24, 25, 26, 27, 28],
      distances: [
        [10, 21, 31, 21],
        [21, 10, 21, 31],
        [31, 21, 10, 21],
        [21, 31, 21, 10],
      ],
    },
  },
  {
    name: 'xeon-8480-2s-snc4',
    title: 'Two Xeon Platinum 8480+ with four clusters a socket: 112 CPUs without SMT in 8 cells',
    source: 'numactl -H of a cluster node, published by its users; L3 size: public specifications',
    description: {
      sockets: 2,
      cells: 4,
      cores: 56,
      l3Bytes: 105 * MIB,
      memoryBytes: 64_508 * MIB,
      distances: { near: 12, far: 21 },
    },
  },
  {
    name: 'kunpeng-920-2s',
    title: 'Two Kunpeng 920: 128 ARM cores in 4 cells, each with an L3 of its own',
    source: 'tree 128arm-2pa2n8cluster4co recorded by hwloc',
    description: {
      arch: 'aarch64',
      sockets: 2,
      cells: 2,
      cores: 64,
      l3: 32,
      l3Bytes: 32 * MIB,
      memoryBytes: 132_117_940 * KIB,
      uneven: [
        { cell: 0, memoryBytes: 131_732_940 * KIB },
        { cell: 2, memoryBytes: 132_117_936 * KIB },
        { cell: 3, memoryBytes: 131_062_408 * KIB },
      ],
      distances: [
        [10, 16, 32, 33],
        [16, 10, 25, 32],
        [32, 25, 10, 16],
        [33, 32, 16, 10],
      ],
    },
  },
  {
    name: 'grace-2s',
    title: 'NVIDIA Grace Superchip: 144 ARM cores in two cells',
    source: 'public specifications of the chip; distances as usual for it, not read on one',
    description: {
      arch: 'aarch64',
      sockets: 2,
      cores: 72,
      l3Bytes: 114 * MIB,
      memoryBytes: 120 * GIB,
      distances: [
        [10, 40],
        [40, 10],
      ],
    },
  },
  {
    name: 'xeon-8470-2s-cxl',
    title: 'Two 52-core Xeons with a CXL memory expander each: 208 CPUs, 2 cells of memory alone',
    source: 'numactl -H in a public article on CXL expanders; L3 size: public specifications',
    description: {
      sockets: 2,
      cores: 52,
      threads: 2,
      l3Bytes: 105 * MIB,
      memoryBytes: 64_472 * MIB,
      uneven: [{ cell: 0, memoryBytes: 64_167 * MIB }],
      memoryOnly: [{ memoryBytes: 64 * GIB }, { memoryBytes: 128 * GIB, at: 1 }],
      distances: [
        [10, 21, 14, 24],
        [21, 10, 24, 14],
        [14, 24, 10, 26],
        [24, 14, 26, 10],
      ],
    },
  },
  {
    name: 'xeon-max-2s-hbm',
    title:
      'Two 52-core Xeon Max in flat mode: 208 CPUs, 64 GiB of HBM a socket as cells of their own',
    source: 'numactl -H of a node of Aurora, in its user guide',
    description: {
      sockets: 2,
      cores: 52,
      threads: 2,
      l3Bytes: 105 * MIB,
      memoryBytes: 514_994 * MIB,
      memoryOnly: [{ memoryBytes: 64 * GIB }, { memoryBytes: 64 * GIB, at: 1 }],
      distances: [
        [10, 21, 13, 23],
        [21, 10, 23, 13],
        [13, 23, 10, 23],
        [23, 13, 23, 10],
      ],
    },
  },
  {
    name: 'epyc-7763-2s',
    title: 'Two EPYC 7763 (Milan), one cell a socket: 256 CPUs, an L3 for each 8 cores',
    source: 'as epyc-7763-2s-nps4, with NPS1; distances as usual for it, not read on one',
    description: {
      sockets: 2,
      cores: 64,
      threads: 2,
      l3: 8,
      memoryBytes: 4 * 64_502 * MIB,
      distances: { near: 12, far: 32 },
    },
  },
  {
    name: 'epyc-7763-2s-nps4',
    title: 'Two EPYC 7763 (Milan), four cells a socket: 256 CPUs, an L3 for each 8 cores',
    source: 'numactl -H of a node of LUMI-C, in its training material',
    description: {
      sockets: 2,
      cells: 4,
      cores: 64,
      threads: 2,
      l3: 8,
      memoryBytes: 64_502 * MIB,
      distances: { near: 12, far: 32 },
    },
  },
  {
    name: 'epyc-9654-2s',
    title: 'Two EPYC 9654 (Genoa), one cell a socket: 384 CPUs, 24 L3 caches',
    source:
      'lscpu in messages of kernel developers (768 GB); caches: public specifications of the processor; distances as usual for it, not read on one',
    description: {
      sockets: 2,
      cores: 96,
      threads: 2,
      l3: 8,
      memoryBytes: 384 * GIB,
      distances: { near: 12, far: 32 },
    },
  },
  {
    name: 'xeon-8160-8s',
    title: 'Eight Xeon Platinum 8160: 384 CPUs in 8 cells, one or two hops apart',
    source: 'numactl -H in a published study of memory access on such a machine',
    description: {
      sockets: 8,
      cores: 24,
      threads: 2,
      l3Bytes: 33 * MIB,
      memoryBytes: 96 * GIB,
      distances: [
        [10, 21, 21, 31, 21, 31, 31, 31],
        [21, 10, 31, 21, 31, 21, 31, 31],
        [21, 31, 10, 21, 31, 31, 21, 31],
        [31, 21, 21, 10, 31, 31, 31, 21],
        [21, 31, 31, 31, 10, 21, 31, 21],
        [31, 21, 31, 31, 21, 10, 21, 31],
        [31, 31, 21, 31, 31, 21, 10, 21],
        [31, 31, 31, 21, 21, 31, 21, 10],
      ],
    },
  },
];
