import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

const BLOCK = 512;

/** One entry of an archive; a symbolic link has its target and no bytes. */
export interface TarEntry {
  readonly name: string;
  readonly bytes: Buffer;
  readonly link: string | undefined;
}

/** The regular files and symbolic links of a `.tar.gz`, read whole. */
export function readTarGz(file: string): readonly TarEntry[] {
  return readTar(gunzipSync(readFileSync(file)));
}

/** The regular files and symbolic links of a tar archive (ustar, and GNU's long names). */
export function readTar(archive: Buffer): readonly TarEntry[] {
  const entries: TarEntry[] = [];
  let long: { name?: string; link?: string } = {};
  for (let at = 0; at + BLOCK <= archive.length && archive[at] !== 0;) {
    const field = (from: number, length: number): string =>
      archive.toString('utf8', at + from, at + from + length).replace(/\0[^]*$/, '');
    const size = Number.parseInt(field(124, 12), 8);
    const bytes = archive.subarray(at + BLOCK, at + BLOCK + size);
    const prefix = field(257, 5) === 'ustar' && field(263, 2) === '00' ? field(345, 155) : '';
    const name = long.name ?? (prefix === '' ? field(0, 100) : `${prefix}/${field(0, 100)}`);
    const type = field(156, 1);
    if (type === 'L') long = { ...long, name: bytes.toString('utf8').replace(/\0+$/, '') };
    else if (type === 'K') long = { ...long, link: bytes.toString('utf8').replace(/\0+$/, '') };
    else {
      if (type === '0' || type === '') entries.push({ name, bytes, link: undefined });
      if (type === '2') entries.push({ name, bytes, link: long.link ?? field(157, 100) });
      long = {};
    }
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return entries;
}
