import type { MemoryShare, Placement } from './placement.ts';
import { dedicatedCpus } from './placement.ts';
import type { KeptAway, PlacementRules } from './relation.ts';
import type { PciPool } from './pci-ask.ts';
import type { HostTopology } from './topology.ts';

/**
 * How a domain can stand, in libvirt's words and in the order of its numbers from 1
 * (virDomainState, libvirt-domain.h); `unknown` when its host does not answer.
 */
export const VM_STATES = [
  'running',
  'blocked',
  'paused',
  'shutdown',
  'shutoff',
  'crashed',
  'pmsuspended',
  'unknown',
] as const;
export type VmState = (typeof VM_STATES)[number];

/** What one domain takes from a host: the rows of the ledger. */
export interface Seat {
  readonly vm: string;
  readonly uuid: string;
  /** False for domains that Berth found and must not touch. */
  readonly managed: boolean;
  /** True once QEMU holds the memory and page pools; a claim or a stopped VM does not yet. */
  readonly running: boolean;
  /** pCPUs that nobody else may use. */
  readonly dedicated: readonly number[];
  /** vCPUs that float, and the pCPUs they float over (absent: every one). */
  readonly floating: {
    readonly vcpus: number;
    readonly over?: readonly number[];
    /** Cells whose shared pCPUs they may use as these come and go; `over` is what that is now. */
    readonly follows?: readonly number[];
    /** Where not all of them float over the same pCPUs: who over which, `vcpus` in sum. */
    readonly parts?: readonly FloatingPart[];
  };
  /** A share names its cell only where it must lie there: one that merely prefers a cell names none. */
  readonly memory: readonly MemoryShare[];
  readonly overheadBytes: number;
  /** Addresses of the PCI functions that are passed through to it. */
  readonly pci?: readonly string[];
  /** The VM's labels, by which others keep near it or away. */
  readonly labels?: Readonly<Record<string, string>>;
  /** VMs that it does not suffer in its place. */
  readonly keepsAway?: readonly KeptAway[];
  /** When the VM is expected to be gone, in milliseconds since the epoch; absent: nobody knows. */
  readonly expectedEnd?: number;
  /** What it asks about hosts and other VMs, should it be moved; absent: nothing that is known. */
  readonly asks?: SeatAsks;
}

/** What the VM of a seat asks about hosts and other VMs, as its spec does. */
export interface SeatAsks extends PlacementRules {
  /** Hosts that it may use; absent: every one. */
  readonly hosts?: readonly string[];
  readonly networks?: readonly string[];
}

/** What the administrator keeps for the host itself, and how far it may be overcommitted. */
export interface HostPolicy {
  /** pCPUs on which no guest runs. */
  readonly reservedCpus: readonly number[];
  /** Memory kept free for the host, taken evenly from the cells that have CPUs. */
  readonly reservedBytes: number;
  /** Floating vCPUs per pCPU of the shared pool. */
  readonly cpuRatio: number;
  /** Guest memory per host memory, for guests whose memory is not bound to a cell. */
  readonly ramRatio: number;
  /**
   * pCPUs set apart for floating vCPUs: dedicated ones are taken from the others alone. Absent:
   * both have one pool, and whoever comes first takes.
   */
  readonly sharedCpus?: readonly number[];
  /**
   * What `ramRatio` counts. `ordinary`, when absent: memory in ordinary pages, guests' and host's.
   * `all`: memory in pages of every size, as OpenStack's Placement does.
   */
  readonly ramCounts?: 'ordinary' | 'all';
  /** Whether QEMU's own memory is counted beside the guest's; `estimated` when absent. */
  readonly overhead?: 'estimated' | 'none';
  /**
   * How many times a cell's ordinary memory may be bound to it by guests whose vCPUs float and that
   * name no page size; 1 when absent. Dedicated guests never take more than is there.
   */
  readonly boundRatio?: number;
  /**
   * What the vCPUs of one floating guest may not outnumber. `cell`, when absent: the pCPUs that each
   * of its cells floats over. `host`: the host's shared pCPUs, as OpenStack's Placement does.
   */
  readonly guestWidth?: 'cell' | 'host';
  /** PCI functions by name, for guests that ask for what a function is good for. */
  readonly pciPools?: Readonly<Record<string, PciPool>>;
}

/** OpenStack's ratios, which administrators know; and half a GiB plus 2 % for the host. */
export function defaultPolicy(topology: HostTopology): HostPolicy {
  const memory = topology.cells.reduce((sum, cell) => sum + cell.memoryBytes, 0);
  return {
    reservedCpus: [],
    reservedBytes: Math.round(Math.min(512 * 1024 ** 2 + memory * 0.02, memory * 0.1)),
    cpuRatio: 16,
    ramRatio: 1.5,
  };
}

/** One look at one host: everything that placement decides on. Immutable. */
export interface HostSnapshot {
  readonly name: string;
  readonly uri: string;
  /** Milliseconds since the epoch. */
  readonly observedAt: number;
  /** libvirt's version as major * 1,000,000 + minor * 1,000 + micro. */
  readonly libvirtVersion: number;
  /** Kinds of guest the host can run: `kvm` first where it can, else `qemu` (emulation). */
  readonly domainTypes: readonly string[];
  readonly topology: HostTopology;
  /** What no source told of the topology, in words; absent where that was not kept. */
  readonly unknown?: readonly string[];
  readonly policy: HostPolicy;
  readonly seats: readonly Seat[];
  /** What the administrator says of the host: zone, rack, ... */
  readonly labels?: Readonly<Record<string, string>>;
  /** Names of the networks and bridges that guests reach from it; absent: not known. */
  readonly networks?: readonly string[];
  /** Why it takes no new VMs now, such as "it is cordoned"; absent: it does. */
  readonly closed?: string;
}

/** The VM that takes a seat. */
export interface SeatTaker extends Pick<Seat, 'labels' | 'keepsAway' | 'expectedEnd' | 'asks'> {
  readonly name: string;
  readonly uuid: string;
  readonly running: boolean;
}

/** The seat that a placement takes. */
export function seatOf(vm: SeatTaker, placement: Placement): Seat {
  const { labels, keepsAway, expectedEnd, asks } = vm;
  return {
    vm: vm.name,
    uuid: vm.uuid,
    managed: true,
    running: vm.running,
    dedicated: dedicatedCpus(placement),
    floating: floatingOf(placement),
    memory: placement.memory.map((share) =>
      placement.memoryMode === 'preferred' && share.pageKiB === 4
        ? { bytes: share.bytes, pageKiB: share.pageKiB }
        : share,
    ),
    overheadBytes: placement.overheadBytes,
    ...(placement.pci === undefined ? {} : { pci: placement.pci.map(({ address }) => address) }),
    ...(labels === undefined ? {} : { labels }),
    ...(keepsAway === undefined || keepsAway.length === 0 ? {} : { keepsAway }),
    ...(expectedEnd === undefined ? {} : { expectedEnd }),
    ...(asks === undefined ? {} : { asks }),
  };
}

/** Floating vCPUs of one guest that may use the same pCPUs. */
export interface FloatingPart {
  readonly vcpus: number;
  readonly over: readonly number[];
  /** As for the guest as a whole. */
  readonly follows?: readonly number[];
}

/** Cells whose pool a floating vCPU follows; undefined where the user named its pCPUs. */
function followed(placement: Placement, vcpu: number): { readonly follows?: readonly number[] } {
  if (placement.cpuset !== undefined) return {};
  const cell = placement.guestCells.find(({ vcpus }) => vcpus.includes(vcpu));
  return { follows: cell === undefined ? placement.cells : [cell.hostCell] };
}

function floatingOf(placement: Placement): Seat['floating'] {
  const own = new Set(dedicatedCpus(placement));
  const vcpus = placement.vcpus.filter((seat) => !seat.pcpus.every((cpu) => own.has(cpu)));
  if (vcpus.length === 0) return { vcpus: 0 };
  const parts = new Map<string, FloatingPart>();
  for (const { vcpu, pcpus } of vcpus) {
    const key = pcpus.join();
    const part = parts.get(key) ?? { vcpus: 0, over: pcpus, ...followed(placement, vcpu) };
    parts.set(key, { ...part, vcpus: part.vcpus + 1 });
  }
  const over = [...new Set(vcpus.flatMap((seat) => seat.pcpus))].toSorted((a, b) => a - b);
  return {
    vcpus: vcpus.length,
    over,
    ...(placement.cpuset === undefined ? { follows: placement.cells } : {}),
    ...(parts.size > 1 ? { parts: [...parts.values()] } : {}),
  };
}
