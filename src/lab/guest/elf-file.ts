import type { MachineArch } from '../system/machine-arch.ts';
import { ARCH_WORDS } from '../system/machine-arch.ts';

const MAGIC = 0x7f_45_4c_46;
const PROGRAM_HEADERS_MAX = 100;
/** libvirtd itself, which needs much, names some forty. */
const DYNAMIC_ENTRIES_MAX = 1000;

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_NULL = 0;
const DT_NEEDED = 1;
const DT_STRTAB = 5;

/** What a program or library needs of others to run. */
export interface ElfNeeds {
  /** The dynamic loader, by its path in the running system; libraries and static programs have none. */
  readonly loader: string | undefined;
  /** Libraries, by the names that the loader looks for: `libc.so.6`. */
  readonly libraries: readonly string[];
}

/**
 * True when the bytes are a 64-bit little-endian program of that architecture that needs no
 * dynamic loader, so that it runs alone in an initramfs (elf(5): no PT_INTERP segment).
 */
export function isStaticProgram(bytes: Uint8Array, arch: MachineArch): boolean {
  const segments = readSegments(viewOf(bytes), arch);
  return segments !== undefined && segments.every(({ type }) => type !== PT_INTERP);
}

/**
 * Reads what a program or library needs from its dynamic section (elf(5)), running nothing, so that
 * it also works for another machine's architecture.
 * @returns undefined when the bytes are no 64-bit little-endian ELF file of that architecture.
 */
export function readElfNeeds(bytes: Uint8Array, arch: MachineArch): ElfNeeds | undefined {
  const view = viewOf(bytes);
  const segments = readSegments(view, arch);
  if (segments === undefined) return undefined;
  const loader = segments.find(({ type }) => type === PT_INTERP);
  const entries = readDynamic(view, segments);
  const strings = entries.find(({ tag }) => tag === DT_STRTAB);
  const table = strings === undefined ? undefined : fileOffset(segments, strings.value);
  const needed = table === undefined ? [] : entries.filter(({ tag }) => tag === DT_NEEDED);
  return {
    loader: loader === undefined ? undefined : readText(bytes, loader.offset),
    libraries: needed.map(({ value }) => readText(bytes, (table ?? 0) + value)),
  };
}

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function readSegments(view: DataView, arch: MachineArch): readonly Segment[] | undefined {
  if (view.byteLength < 64 || view.getUint32(0) !== MAGIC) return undefined;
  const is64BitLittleEndian = view.getUint8(4) === 2 && view.getUint8(5) === 1;
  if (!is64BitLittleEndian || view.getUint16(18, true) !== ARCH_WORDS[arch].elfMachine)
    return undefined;
  const offset = Number(view.getBigUint64(32, true));
  const size = view.getUint16(54, true);
  const count = view.getUint16(56, true);
  if (count > PROGRAM_HEADERS_MAX || offset + size * count > view.byteLength) return undefined;
  return Array.from({ length: count }, (_, index) => readSegment(view, offset + size * index));
}

function readSegment(view: DataView, header: number): Segment {
  const field = (at: number): number => Number(view.getBigUint64(header + at, true));
  return {
    type: view.getUint32(header, true),
    offset: field(8),
    address: field(16),
    size: field(32),
  };
}

function readDynamic(
  view: DataView,
  segments: readonly Segment[],
): readonly { readonly tag: number; readonly value: number }[] {
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  if (dynamic === undefined) return [];
  const entries = [];
  const end = Math.min(dynamic.offset + dynamic.size, view.byteLength);
  for (let at = dynamic.offset; at + 16 <= end; at += 16) {
    const tag = Number(view.getBigUint64(at, true));
    if (tag === DT_NULL || entries.length === DYNAMIC_ENTRIES_MAX) break;
    entries.push({ tag, value: Number(view.getBigUint64(at + 8, true)) });
  }
  return entries;
}

/** Where in the file that lies which will be at an address in memory. */
function fileOffset(segments: readonly Segment[], address: number): number | undefined {
  const holder = segments.find(
    (segment) =>
      segment.type === PT_LOAD &&
      address >= segment.address &&
      address < segment.address + segment.size,
  );
  return holder === undefined ? undefined : address - holder.address + holder.offset;
}

function readText(bytes: Uint8Array, offset: number): string {
  const rest = bytes.subarray(offset);
  const end = rest.indexOf(0);
  return Buffer.from(end < 0 ? rest : rest.subarray(0, end)).toString('latin1');
}
