import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { berthError } from '../base/errors.ts';

/** One PostgreSQL server, of several that stand for one database. */
export interface PostgresHost {
  /** A name, an address, or the folder of a unix socket. */
  readonly host: string;
  readonly port: number;
}

/** Where the store is on PostgreSQL. */
export interface PostgresAddress {
  /** The same database on servers of which one is writable at a time. */
  readonly hosts: readonly PostgresHost[];
  readonly database?: string;
  readonly user?: string;
  readonly password?: string;
  readonly ssl: (host: PostgresHost) => ConnectionOptions | false;
  /** The address without its password, for people. */
  readonly shown: string;
}

const PORT = 5432;
const SSL_MODES = ['disable', 'require', 'verify-full'] as const;
type SslMode = (typeof SSL_MODES)[number];
const PARAMETERS = ['host', 'port', 'sslmode', 'sslrootcert'];

/** The one `@` ends the password: of a URL with another one, nobody could say what of it is secret. */
const URL_FORM =
  /^postgres(?:ql)?:\/\/(?:(?<user>[^:@/?]*)(?::(?<password>[^@/?]*))?@)?(?<hosts>[^/?@]*)(?:\/(?<database>[^/?@]*))?(?:\?(?<query>[^@]*))?$/;

/**
 * True for the URL of a PostgreSQL database, and for what is no file either: any other URL may be a
 * misspelt one with a password in it, which is refused without being shown.
 */
export function isPostgresUrl(address: string): boolean {
  return /^postgres(?:ql)?:|:\/\//i.test(address);
}

/**
 * Reads the URL of a database, in the form that libpq has for it (PostgreSQL manual, 34.1.1.2):
 * several hosts with commas between, a unix socket's folder as `%2Frun%2Fpostgresql` or `?host=`.
 * A server that is not on this machine is asked for TLS and its certificate is checked
 * (`sslmode=verify-full`) unless the URL says otherwise.
 * @throws BERTH_SPEC_INVALID, which never repeats a password
 */
export function parsePostgresUrl(url: string): PostgresAddress {
  const parts = URL_FORM.exec(url)?.groups;
  if (parts === undefined) throw invalid('it is no URL of a PostgreSQL database');
  const query = new URLSearchParams(parts['query'] ?? '');
  const unknown = [...query.keys()].find((key) => !PARAMETERS.includes(key));
  if (unknown !== undefined) {
    throw invalid(`there is no parameter "${unknown}"`, `one of ${PARAMETERS.join(', ')}`);
  }
  const names = query.get('host') ?? parts['hosts'] ?? '';
  const hosts = hostsOf(names, query.get('port') ?? '');
  const part = (name: 'user' | 'password' | 'database'): object => {
    const text = decoded(parts[name] ?? '');
    return text === '' ? {} : { [name]: text };
  };
  return {
    hosts,
    ...part('user'),
    ...part('password'),
    ...part('database'),
    ssl: sslOf(query),
    shown: `postgresql://${hosts.map(shownHost).join(',')}/${decoded(parts['database'] ?? '')}`,
  };
}

function hostsOf(names: string, ports: string): readonly PostgresHost[] {
  const portWords = ports.split(',');
  return (names === '' ? 'localhost' : names).split(',').map((word, index) => {
    const { name = '', port } =
      /^(?<name>\[[^\]]*\]|[^:]*)(?::(?<port>\d+))?$/.exec(word)?.groups ?? {};
    const host = decoded(name).replace(/^\[|\]$/g, '');
    if (host === '') throw invalid(`"${word}" names no host`);
    const portWord = port ?? portWords[index] ?? portWords[0] ?? '';
    const number = portWord === '' ? PORT : Number(portWord);
    if (!Number.isInteger(number) || number < 1 || number > 65_535) {
      throw invalid(`"${portWord}" is no port`);
    }
    return { host, port: number };
  });
}

function sslOf(query: URLSearchParams): PostgresAddress['ssl'] {
  const word = query.get('sslmode') ?? undefined;
  if (word !== undefined && !SSL_MODES.some((mode) => mode === word)) {
    throw invalid(`"${word}" is no sslmode`, `one of ${SSL_MODES.join(', ')}`);
  }
  const file = query.get('sslrootcert') ?? undefined;
  const ca = file === undefined ? undefined : readCertificate(file);
  return ({ host }) => {
    const mode = (word as SslMode | undefined) ?? (isHere(host) ? 'disable' : 'verify-full');
    if (mode === 'disable' || host.startsWith('/')) return false;
    const isChecked = mode === 'verify-full' || ca !== undefined;
    return { rejectUnauthorized: isChecked, ...(ca === undefined ? {} : { ca }) };
  };
}

function readCertificate(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw berthError('BERTH_FILE', { path, reason }, { cause: error });
  }
}

function isHere(host: string): boolean {
  return host.startsWith('/') || /^(localhost|127(\.\d+){3}|::1)$/.test(host);
}

function shownHost({ host, port }: PostgresHost): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return port === PORT ? name : `${name}:${port}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid('it has a "%" that is not followed by two hexadecimal digits');
  }
}

function invalid(
  problem: string,
  expected = 'a file, or postgresql://USER:PASSWORD@HOST[:PORT][,HOST...]/DATABASE',
): Error {
  return berthError('BERTH_SPEC_INVALID', { where: 'the address of the store', problem, expected });
}
