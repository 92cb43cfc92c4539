import type { IoThreadSeat, MemoryMode, MemoryShare, VcpuSeat } from '../model/placement.ts';
import type { GuestPart } from './guest-parts.ts';
import type { PciSeat } from './pci-choice.ts';
import type { BrokenLimit } from './refusal.ts';

/** A guest seated on one host, before it is written down as a placement. */
export interface Seating {
  /** Guest cells and the indexes of their host cells; empty where the guest is in no certain cell. */
  readonly parts: readonly { readonly part: GuestPart; readonly home: number }[];
  /** By vCPU, ascending. */
  readonly vcpus: readonly VcpuSeat[];
  readonly emulator: readonly number[];
  readonly ioThreads: readonly IoThreadSeat[];
  /** Every pCPU that nobody else may have while the guest is here, ascending. */
  readonly dedicated: readonly number[];
  readonly blocked: readonly number[];
  readonly pci: readonly PciSeat[];
  /** Of the PCI functions that were to be near if possible the share that is; 1 where there are none. */
  readonly pciNear: number;
  /** The first share's cell also has QEMU's own memory. */
  readonly memory: readonly MemoryShare[];
  readonly mode?: MemoryMode;
  /** vCPUs without the sibling they could have had, and free cores broken; 0 for floating guests. */
  readonly unpaired: number;
  readonly broken: number;
}

/** One way to lay out a guest on one host was tried; why not is worked out when it is asked for. */
export type Attempt =
  | { readonly ok: true; readonly seating: Seating }
  | { readonly ok: false; readonly broken: () => readonly BrokenLimit[] };

/** The attempt did not come off. */
export function failed(broken: () => readonly BrokenLimit[]): Attempt {
  return { ok: false, broken };
}
