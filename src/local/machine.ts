import { readFile } from 'node:fs/promises';
import { arch, hostname } from 'node:os';
import { parseIntSet } from '../base/int-set.ts';
import { hasErrno } from '../lab/system/errno.ts';

/** Longest hostname label that DNS, and Berth's own names, allow. */
const LABEL_LENGTH_MAX = 63;

/** Which distribution this is, as os-release(5) says. */
export interface OsRelease {
  /** `debian`, `fedora`, …; `linux` where the file does not say. */
  readonly id: string;
  /** Distributions it descends from, nearest first. */
  readonly idLike: readonly string[];
  /** For people. */
  readonly name: string;
}

/** What has to be known of this machine to make it ready. */
export interface Machine {
  /** The user that Berth runs as; 0 is root. */
  readonly uid: number;
  /** Short name, fit to be the name of a host. */
  readonly hostname: string;
  readonly os: OsRelease;
  /** CPU architecture by Node's names: `x64`, `arm64`, … */
  readonly arch: string;
  readonly onlineCpus: number;
}

/** Reads the facts of the machine this process runs on. */
export async function readMachine(): Promise<Machine> {
  const online = await readFile('/sys/devices/system/cpu/online', 'utf8');
  return {
    uid: process.geteuid?.() ?? 0,
    hostname: shortHostname(hostname()),
    os: parseOsRelease(await readOsRelease()),
    arch: arch(),
    onlineCpus: parseIntSet(online.trim(), 'the online CPUs').length,
  };
}

/** The first label of a hostname, without what a host's name may not have; `localhost` if nothing is left. */
export function shortHostname(name: string): string {
  const [label = ''] = name.split('.');
  const plain = label.replace(/[^A-Za-z0-9-]/g, '-').replace(/^-+|-+$/g, '');
  return plain.slice(0, LABEL_LENGTH_MAX).replace(/-+$/, '') || 'localhost';
}

/** Reads os-release(5): lines of NAME=value, the value quoted as in a shell. */
export function parseOsRelease(text: string): OsRelease {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^\s*([A-Z0-9_]+)=(.*)$/.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) values.set(match[1], unquote(match[2]));
  }
  const id = values.get('ID') ?? 'linux';
  return {
    id,
    idLike: (values.get('ID_LIKE') ?? '').split(/\s+/).filter((word) => word !== ''),
    name: values.get('PRETTY_NAME') ?? id,
  };
}

function unquote(value: string): string {
  const trimmed = value.trim();
  const quote = trimmed[0];
  if ((quote !== '"' && quote !== "'") || !trimmed.endsWith(quote)) return trimmed;
  return trimmed.slice(1, -1).replaceAll(/\\(["'$`\\])/g, '$1');
}

async function readOsRelease(): Promise<string> {
  for (const path of ['/etc/os-release', '/usr/lib/os-release']) {
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      if (!hasErrno(error, 'ENOENT')) throw error;
    }
  }
  return '';
}
