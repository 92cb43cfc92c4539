import { MIB } from '../base/units.ts';

/**
 * Memory that QEMU is expected to need beyond the guest's RAM: an estimate, on the careful side.
 *
 * - 128 MiB for the process itself: code, heap, video memory, disk and network buffers.
 * - 4 MiB per vCPU: its thread's stack and allocator arena, and the kernel's state of a vCPU.
 * - 1/256 of RAM in ordinary pages: an 8-byte entry per 4 KiB page, once in QEMU's page tables and
 *   once in the second-level ones. Huge pages need next to none.
 *
 * The shape is the one KubeVirt and oVirt use for theirs. Not counted: the translation cache of
 * emulation (TCG), which grows with the code that guests run.
 * @returns whole MiB, in bytes; it is always ordinary memory.
 */
export function overheadBytes(guest: {
  readonly vcpus: number;
  readonly memoryBytes: number;
  readonly huge: boolean;
}): number {
  const tables = guest.huge ? 0 : guest.memoryBytes / RAM_PER_TABLE_BYTE;
  return Math.ceil((PROCESS_BYTES + guest.vcpus * VCPU_BYTES + tables) / MIB) * MIB;
}

const PROCESS_BYTES = 128 * MIB;
const VCPU_BYTES = 4 * MIB;
const RAM_PER_TABLE_BYTE = 256;
