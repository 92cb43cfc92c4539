import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { readTar } from '../xml/tar.ts';

type Entry = { readonly text: string } | { readonly link: string } | Folder;
interface Folder {
  readonly names: Map<string, Entry>;
}

const UNPACKED_MAX = 1024 ** 3;
const LINKS_MAX = 16;

/** A recorded file tree, read from an archive without unpacking it to disk; links are followed. */
export class RecordedTree {
  readonly #root: Folder = { names: new Map() };

  /** @param archive a `.tar.gz` or `.tar.bz2`, the latter unpacked by the bzip2 command. */
  constructor(archive: string) {
    const bytes = archive.endsWith('.bz2')
      ? unpackBzip2(archive)
      : gunzipSync(readFileSync(archive));
    for (const entry of readTar(bytes)) {
      const parts = entry.name.split('/').filter(Boolean);
      const file = parts.pop() ?? '';
      this.#folder(parts).names.set(
        file,
        entry.link === undefined ? { text: entry.bytes.toString('utf8') } : { link: entry.link },
      );
    }
  }

  names(folder: string): readonly string[] {
    const found = this.#find(folder.split('/').filter(Boolean));
    return found !== undefined && 'names' in found ? [...found.names.keys()] : [];
  }

  /** The text of a file by its path in the archive. */
  text(file: string): string | undefined {
    const found = this.#find(file.split('/').filter(Boolean));
    return found !== undefined && 'text' in found ? found.text : undefined;
  }

  /** Texts of all files below `root` that match one of the patterns, by their path below it. */
  collect(patterns: readonly string[], root: string): Readonly<Record<string, string>> {
    const found: [string, string][] = [];
    for (const pattern of patterns) {
      for (const file of this.#expand(pattern.split('/'), root, '')) {
        const text = this.text(`${root}/${file}`);
        if (text !== undefined) found.push([file, text]);
      }
    }
    return Object.fromEntries(found);
  }

  #expand(segments: readonly string[], root: string, done: string): readonly string[] {
    const [segment, ...rest] = segments;
    if (segment === undefined) return [done.slice(1)];
    const [before = '', after] = segment.split('*');
    if (after === undefined) return this.#expand(rest, root, `${done}/${segment}`);
    return this.names(root + done)
      .filter((name) => name.startsWith(before) && name.endsWith(after))
      .flatMap((name) => this.#expand(rest, root, `${done}/${name}`));
  }

  #folder(parts: readonly string[]): Folder {
    let at = this.#root;
    for (const part of parts) {
      const next = at.names.get(part);
      const folder: Folder = next !== undefined && 'names' in next ? next : { names: new Map() };
      at.names.set(part, folder);
      at = folder;
    }
    return at;
  }

  #find(parts: readonly string[], links = 0): Entry | undefined {
    let at: Entry | undefined = this.#root;
    for (const [index, part] of parts.entries()) {
      if (at === undefined || !('names' in at)) return undefined;
      at = at.names.get(part);
      if (at === undefined || !('link' in at)) continue;
      if (links > LINKS_MAX) return undefined;
      const target = path.posix.join(...parts.slice(0, index), at.link, ...parts.slice(index + 1));
      return this.#find(target.split('/').filter(Boolean), links + 1);
    }
    return at;
  }
}

function unpackBzip2(archive: string): Buffer {
  const { stdout, status, error } = spawnSync('bzip2', ['-dc', archive], {
    maxBuffer: UNPACKED_MAX,
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`bzip2 ended with ${status} on ${archive}`);
  return stdout;
}
