import type { MachineArch } from '../system/machine-arch.ts';
import { ARCH_WORDS } from '../system/machine-arch.ts';

const MAGIC = 0x7f_45_4c_46;
const PROGRAM_HEADERS_MAX = 100;
const PT_INTERP = 3;

/**
 * True when the bytes are a 64-bit little-endian program of that architecture that needs no
 * dynamic loader, so that it runs alone in an initramfs (elf(5): no PT_INTERP segment).
 */
export function isStaticProgram(bytes: Uint8Array, arch: MachineArch): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.byteLength < 64 || view.getUint32(0) !== MAGIC) return false;
  const is64BitLittleEndian = view.getUint8(4) === 2 && view.getUint8(5) === 1;
  if (!is64BitLittleEndian || view.getUint16(18, true) !== ARCH_WORDS[arch].elfMachine)
    return false;
  const offset = Number(view.getBigUint64(32, true));
  const size = view.getUint16(54, true);
  const count = view.getUint16(56, true);
  if (count > PROGRAM_HEADERS_MAX || offset + size * count > view.byteLength) return false;
  const headers = Array.from({ length: count }, (_, index) => offset + size * index);
  return headers.every((header) => view.getUint32(header, true) !== PT_INTERP);
}
