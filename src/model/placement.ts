/**
 * `shared` vCPUs float under overcommit; `dedicated` ones have a pCPU each. A `mixed` guest has some
 * of both.
 */
export type CpuPolicy = 'shared' | 'dedicated' | 'mixed';

/**
 * Where threads of QEMU run that are no vCPUs. `share`: beside vCPUs that float, else beside all;
 * `isolate`: on pCPUs of their own; or on pCPUs of the host that no guest ever has for itself.
 */
export type ThreadPlace = 'share' | 'isolate' | { readonly cpus: readonly number[] };

/** What happens to the SMT siblings of a dedicated guest's pCPUs. */
export type ThreadPolicy = 'prefer' | 'isolate' | 'require';

/** libvirt's `<numatune><memory mode>`. */
export type MemoryMode = 'strict' | 'preferred' | 'interleave' | 'restrictive';

/** vCPU topology shown to the guest; the product is the number of vCPUs. */
export interface GuestTopology {
  readonly sockets: number;
  readonly dies: number;
  readonly cores: number;
  readonly threads: number;
}

/** Page size written into shares of ordinary memory, whatever the host's own page size is. */
export const ORDINARY_PAGE_KIB = 4;

/** Memory of the guest that comes from one page pool. */
export interface MemoryShare {
  /** Host cell; absent when the memory may lie anywhere on the host. */
  readonly cell?: number;
  readonly bytes: number;
  /** 4 for ordinary pages, else the size of the pool's pages. */
  readonly pageKiB: number;
}

/** One NUMA node that the guest sees, and the host cell it lies on. */
export interface GuestCell {
  readonly id: number;
  readonly hostCell: number;
  readonly vcpus: readonly number[];
  readonly bytes: number;
}

/** Where threads of the guest may run. */
export interface VcpuSeat {
  readonly vcpu: number;
  readonly pcpus: readonly number[];
}

/** Where an I/O thread of QEMU may run; `id` as libvirt numbers them, from 1. */
export interface IoThreadSeat {
  readonly id: number;
  readonly pcpus: readonly number[];
}

/** A PCI function that is passed through to the guest. */
export interface PciPlace {
  readonly address: string;
  /** Name of the pool that it was asked from, where it was. */
  readonly pool?: string;
  /** Host cell it is on; absent where nobody tells. */
  readonly cell?: number;
  /** The guest cell on that host cell, where the guest sees several. */
  readonly guestCell?: number;
}

/** Where one VM sits, whole: a value that can be printed, compared, stored and carried out. */
export interface Placement {
  readonly host: string;
  readonly policy: CpuPolicy;
  /** Host cells that the VM uses, ascending; empty when it floats over the whole host. */
  readonly cells: readonly number[];
  /** The only pCPUs that the user lets it have, where some were named. */
  readonly cpuset?: readonly number[];
  /** One entry per vCPU, ascending. A dedicated vCPU has exactly one pCPU. */
  readonly vcpus: readonly VcpuSeat[];
  /** pCPUs for QEMU's own threads, but for those that do I/O. */
  readonly emulator: readonly number[];
  /** Absent where the guest has none. */
  readonly ioThreads?: readonly IoThreadSeat[];
  /**
   * pCPUs that nobody else may use, ascending. Absent where it was written before guests could have
   * some of both: then all that a dedicated guest runs on.
   */
  readonly dedicated?: readonly number[];
  /** pCPUs held without running anything: siblings kept idle by thread policy `isolate`. */
  readonly blocked: readonly number[];
  readonly memory: readonly MemoryShare[];
  /** Absent when the memory is not bound to cells. */
  readonly memoryMode?: MemoryMode;
  /** Empty when the guest sees a single NUMA node. */
  readonly guestCells: readonly GuestCell[];
  readonly guestTopology: GuestTopology;
  /** Absent where the guest has none. */
  readonly pci?: readonly PciPlace[];
  /** Memory that QEMU itself is expected to need beyond the guest's RAM. */
  readonly overheadBytes: number;
  /** Why here, in sentences, the strongest first. */
  readonly reasons: readonly string[];
}

/** The pCPUs that nobody else may use while this placement holds, ascending. */
export function dedicatedCpus(placement: Placement): readonly number[] {
  if (placement.dedicated !== undefined) return placement.dedicated;
  if (placement.policy === 'shared') return [];
  const own = new Set([...placement.vcpus.flatMap((seat) => seat.pcpus), ...placement.emulator]);
  return [...own.union(new Set(placement.blocked))].toSorted((a, b) => a - b);
}
