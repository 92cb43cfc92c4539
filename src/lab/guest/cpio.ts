/**
 * One entry of an archive. Every parent folder must come before what is in it: the kernel makes
 * entries in the order of the archive and skips what has no place.
 */
export type CpioEntry =
  | { readonly kind: 'folder'; readonly path: string }
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly mode: number;
      readonly data: Uint8Array;
    }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  | {
      readonly kind: 'device';
      readonly path: string;
      readonly mode: number;
      readonly device: readonly [major: number, minor: number];
    };

const FOLDER = 0o040_000;
const FILE = 0o100_000;
const LINK = 0o120_000;
const CHARACTER_DEVICE = 0o020_000;

const TRAILER = 'TRAILER!!!';

/**
 * Writes a cpio archive in the "newc" format, the one the kernel unpacks as an initramfs
 * (Documentation/driver-api/early-userspace/buffer-format.rst). All entries belong to root and have
 * the time 0, so the same entries always give the same bytes. Paths are relative, without `./`.
 */
export function writeCpio(entries: readonly CpioEntry[]): Uint8Array {
  const parts = entries.flatMap((entry, index) => writeEntry(entry, index + 1));
  parts.push(...writeRecord({ inode: 0, mode: 0, path: TRAILER, data: new Uint8Array() }));
  return Buffer.concat(parts);
}

function writeEntry(entry: CpioEntry, inode: number): readonly Uint8Array[] {
  const { path } = entry;
  const none = new Uint8Array();
  switch (entry.kind) {
    case 'folder':
      return writeRecord({ inode, path, mode: FOLDER | 0o755, data: none });
    case 'file':
      return writeRecord({ inode, path, mode: FILE | entry.mode, data: entry.data });
    case 'link':
      return writeRecord({ inode, path, mode: LINK | 0o777, data: Buffer.from(entry.target) });
    case 'device':
      return writeRecord({
        inode,
        path,
        mode: CHARACTER_DEVICE | entry.mode,
        data: none,
        device: entry.device,
      });
  }
}

/** A header of 13 hexadecimal fields, the path ending in a zero byte, the data; each padded to 4 bytes. */
function writeRecord(record: {
  readonly inode: number;
  readonly mode: number;
  readonly path: string;
  readonly data: Uint8Array;
  readonly device?: readonly [number, number];
}): readonly Uint8Array[] {
  const name = Buffer.from(`${record.path}\0`);
  const [major, minor] = record.device ?? [0, 0];
  const links = 1;
  const fields = [
    record.inode,
    record.mode,
    0, // user
    0, // group
    links,
    0, // time
    record.data.length,
    0, // major and
    0, // minor number of the device that the entry lay on
    major,
    minor,
    name.length,
    0, // checksum, unused in this variant
  ];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`;
  return [padded(Buffer.concat([Buffer.from(header), name])), padded(record.data)];
}

function padded(bytes: Uint8Array): Uint8Array {
  const rest = bytes.length % 4;
  return rest === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(4 - rest)]);
}
