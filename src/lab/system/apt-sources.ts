import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { berthError } from '../../base/errors.ts';
import { hasErrno } from './errno.ts';

const FOLDER = '/etc/apt';

/** What this machine's own apt is set to. */
export interface AptSettings {
  /** Texts of sources.list and of the `*.list` files. */
  readonly lists: readonly string[];
  /** Texts of the `*.sources` files (deb822, sources.list(5)). */
  readonly stanzaFiles: readonly string[];
  /** Text of /etc/os-release. */
  readonly osRelease: string;
}

/** Reads what this machine's apt is set to; empty where there is no apt. */
export async function readAptSettings(): Promise<AptSettings> {
  const folder = join(FOLDER, 'sources.list.d');
  const names = (await orEmpty(readdir(folder), [])).toSorted();
  const read = async (suffix: string): Promise<readonly string[]> =>
    Promise.all(
      names
        .filter((name) => name.endsWith(suffix))
        .map(async (name) => readFile(join(folder, name), 'utf8')),
    );
  return {
    lists: [
      await orEmpty(readFile(join(FOLDER, 'sources.list'), 'utf8'), ''),
      ...(await read('.list')),
    ],
    stanzaFiles: await read('.sources'),
    osRelease: await orEmpty(readFile('/etc/os-release', 'utf8'), ''),
  };
}

/**
 * Where to get another suite of this machine's distribution: the archives that this machine uses
 * itself, so that a mirror, or a copy of the archive without a way out, serves as well. Of each
 * source for this machine's release (`bookworm`, `bookworm-updates`, `bookworm-security`, the old
 * `bookworm/updates`) it gives the same of `suite`; other vendors' sources are left out, and so are
 * all components but main.
 * @returns text for a file that ends in `.sources`.
 * @throws BERTH_UNSUPPORTED when the machine has no such source.
 */
export function sourcesForSuite(settings: AptSettings, suite: string): string {
  const release = /^VERSION_CODENAME=(\S+)$/m.exec(settings.osRelease)?.[1];
  const sources = [
    ...settings.stanzaFiles.flatMap((text) => text.split(/\n\s*\n/)).map(readStanza),
    ...settings.lists.flatMap((text) => text.split('\n')).map(readListLine),
  ];
  const wanted = sources.flatMap((source) => ofSuite(source, release, suite));
  if (wanted.length > 0) return wanted.map(writeStanza).join('\n');
  throw berthError('BERTH_UNSUPPORTED', {
    what: `a Debian ${suite} image`,
    why: `apt has no source on this machine for its own release${release === undefined ? '' : ` ${release}`}`,
  });
}

interface AptSource {
  readonly types: readonly string[];
  readonly uris: readonly string[];
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** A path, or a key whose lines are kept as they are; undefined when apt's common keys serve. */
  readonly signedBy?: string;
}

/** Fields begin a line; what belongs to one goes on in lines that begin with a blank. */
function readStanza(text: string): AptSource | undefined {
  const lines = text.split('\n').filter((line) => !line.startsWith('#'));
  const fields = new Map<string, string>();
  for (const field of lines.join('\n').split(/\n(?![ \t])/)) {
    const match = /^([A-Za-z-]+):[ \t]*([\s\S]*)$/.exec(field);
    if (match?.[1] !== undefined) fields.set(match[1].toLowerCase(), match[2]?.trimEnd() ?? '');
  }
  if (fields.get('enabled') === 'no') return undefined;
  const signedBy = fields.get('signed-by');
  return {
    types: words(fields.get('types')),
    uris: words(fields.get('uris')),
    suites: words(fields.get('suites')),
    components: words(fields.get('components')),
    ...(signedBy === undefined ? {} : { signedBy }),
  };
}

/** `deb [signed-by=KEYRING] URI SUITE COMPONENT...` */
function readListLine(line: string): AptSource | undefined {
  const match = /^\s*(deb(?:-src)?)\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)([^#]*)/.exec(line);
  const [, type, options, uri, suite, components] = match ?? [];
  if (type === undefined || uri === undefined || suite === undefined) return undefined;
  const signedBy = /\bsigned-by=(\S+)/i.exec(options ?? '')?.[1];
  return {
    types: [type],
    uris: [uri],
    suites: [suite],
    components: words(components),
    ...(signedBy === undefined ? {} : { signedBy }),
  };
}

function ofSuite(
  source: AptSource | undefined,
  release: string | undefined,
  suite: string,
): readonly AptSource[] {
  if (source === undefined || release === undefined) return [];
  if (!source.types.includes('deb') || !source.components.includes('main')) return [];
  const suites = source.suites.flatMap((word) => {
    const pocket = word.startsWith(release) ? word.slice(release.length) : undefined;
    if (pocket === undefined || !POCKETS.has(pocket)) return [];
    return [`${suite}${pocket === '/updates' ? '-security' : pocket}`];
  });
  return suites.length === 0 ? [] : [{ ...source, types: ['deb'], suites, components: ['main'] }];
}

/** Parts of a release that every release has; `/updates` was how `-security` was spelled once. */
const POCKETS: ReadonlySet<string> = new Set(['', '-updates', '-security', '/updates']);

function writeStanza(source: AptSource): string {
  const fields = [
    `Types: ${source.types.join(' ')}`,
    `URIs: ${source.uris.join(' ')}`,
    `Suites: ${source.suites.join(' ')}`,
    `Components: ${source.components.join(' ')}`,
    ...(source.signedBy === undefined ? [] : [`Signed-By: ${source.signedBy}`]),
  ];
  return fields.map((field) => `${field.replace(': \n', ':\n')}\n`).join('');
}

function words(text: string | undefined): readonly string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '');
}

async function orEmpty<T>(reading: Promise<T>, empty: T): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return empty;
    throw error;
  }
}
