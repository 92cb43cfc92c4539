import { berthError } from '../base/errors.ts';

/** The ways to a daemon that libvirt's URIs name. */
export type TransportName = 'unix' | 'tcp' | 'tls' | 'ssh' | 'libssh' | 'libssh2' | 'ext';

const TRANSPORTS: readonly string[] = ['unix', 'tcp', 'tls', 'ssh', 'libssh', 'libssh2', 'ext'];

/** Longest URI that is looked at. */
export const URI_CHARS_MAX = 4096;

/** A libvirt URI taken apart: `driver[+transport]://[user@][host][:port]/path[?parameters]`. */
export interface LibvirtUri {
  /** As it was given. */
  readonly text: string;
  readonly driver: string;
  readonly transport: TransportName;
  readonly user: string | undefined;
  /** Without the brackets of an IPv6 address; undefined for this machine. */
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly path: string;
  /** What the way in is told: `socket`, `keyfile`, `no_verify` and the like. */
  readonly transportParameters: ReadonlyMap<string, string>;
  /** What the daemon is asked to open: no transport, no host, none of the parameters above. */
  readonly name: string;
}

const HAS_CONTROLS = /\p{Cc}/u;

/** Parameters that the client keeps to itself; all others belong to the daemon's driver. */
const TRANSPORT_PARAMETERS: ReadonlySet<string> = new Set([
  'name',
  'command',
  'socket',
  'auth',
  'netcat',
  'keyfile',
  'pkipath',
  'tls_priority',
  'known_hosts',
  'known_hosts_verify',
  'sshauth',
  'no_sanity',
  'no_verify',
  'no_tty',
  'no_autostart',
  'mode',
  'proxy',
  'debug',
]);

/** Words that stand before `://` elsewhere and are easily taken for a driver; none is one. */
const FOREIGN_SCHEMES: ReadonlySet<string> = new Set([
  ...TRANSPORTS,
  'http',
  'https',
  'ws',
  'wss',
  'ftp',
  'sftp',
  'file',
  'libvirt',
  'kvm',
]);

/** What the QEMU driver can be asked to open; an empty path is left to the daemon to judge. */
const QEMU_PATHS: readonly string[] = ['', '/', '/system', '/session', '/embed'];

const FORM =
  /^([a-z][a-z0-9-]*)(?:\+([a-z0-9-]+))?:\/\/(?:([^@/?#]+)@)?(\[[^\]/?#]*\]|[^:@/?#[\]]*)(?::(\d{1,5}))?(\/[^?#]*)?(?:\?([^#]*))?$/i;

/**
 * Takes a libvirt URI apart. Without a transport, an empty host means this machine's unix socket
 * and any other means TLS, as in libvirt.
 * @throws BERTH_URI_INVALID for anything that is not such a URI.
 */
export function parseUri(text: string): LibvirtUri {
  if (typeof text !== 'string') throw invalid(String(text), 'a URI is a string');
  if (HAS_CONTROLS.test(text)) throw invalid(text, 'it has control characters in it');
  const match = text.length > URI_CHARS_MAX ? null : FORM.exec(text);
  if (match === null) throw invalid(text, 'this is no libvirt URI');
  const [, driver = '', transport, user, bracketed = '', portText, path = '', query = ''] = match;
  const host = decode(text, bracketed.replace(/^\[(.*)\]$/, '$1'));
  const port = portText === undefined ? undefined : Number(portText);
  if (port !== undefined && (port < 1 || port > 65_535)) throw invalid(text, `no port ${port}`);
  const parameters = parseParameters(text, query);
  checkDriver(text, { driver: driver.toLowerCase(), user, host: bracketed, portText });
  checkPath(text, driver.toLowerCase(), path, parameters);
  return {
    text,
    driver: driver.toLowerCase(),
    transport: transportOf(text, transport, host),
    user: user === undefined ? undefined : decode(text, user),
    host: host === '' ? undefined : host,
    port,
    path,
    transportParameters: new Map(parameters.filter(([key]) => TRANSPORT_PARAMETERS.has(key))),
    name: daemonName(driver.toLowerCase(), path, parameters),
  };
}

interface Authority {
  readonly driver: string;
  readonly user: string | undefined;
  readonly host: string;
  readonly portText: string | undefined;
}

/** Refuses `ssh://host` and the like: as a driver's name it would mean TLS to that host. */
function checkDriver(text: string, { driver, user, host, portText }: Authority): void {
  if (!FOREIGN_SCHEMES.has(driver)) return;
  const isWay = isTransport(driver) && driver !== 'ext';
  const way = host === '' ? '' : `+${isWay && driver !== 'unix' ? driver : 'ssh'}`;
  const port = isWay && portText !== undefined ? `:${portText}` : '';
  const meant = `qemu${way}://${user === undefined ? '' : `${user}@`}${host}${port}/system`;
  throw invalid(text, `"${driver}" is no hypervisor driver; did you mean ${meant}?`);
}

/** Whoever gives a `name=` asks for that, whatever the path. */
function checkPath(
  text: string,
  driver: string,
  path: string,
  parameters: readonly (readonly [string, string])[],
): void {
  const opened = decode(text, path);
  if (driver !== 'qemu' || QEMU_PATHS.includes(opened)) return;
  if (parameters.some(([key]) => key === 'name')) return;
  throw invalid(text, `the QEMU driver opens /system, /session or /embed, not ${opened}`);
}

function transportOf(text: string, name: string | undefined, host: string): TransportName {
  const transport = name?.toLowerCase() ?? (host === '' ? 'unix' : 'tls');
  if (!isTransport(transport)) throw invalid(text, `"${transport}" is no way to a daemon`);
  if (transport === 'unix' && host !== '') {
    throw invalid(text, 'a unix socket is on this machine, so no host can be named');
  }
  return transport;
}

function isTransport(word: string): word is TransportName {
  return TRANSPORTS.includes(word);
}

function parseParameters(text: string, query: string): readonly (readonly [string, string])[] {
  return query
    .split(/[&;]/)
    .filter((part) => part !== '')
    .map((part) => {
      const equals = part.indexOf('=');
      const key = equals === -1 ? part : part.slice(0, equals);
      const value = equals === -1 ? '' : part.slice(equals + 1);
      const name = decode(text, key);
      const own = name.toLowerCase();
      return [TRANSPORT_PARAMETERS.has(own) ? own : name, decode(text, value)] as const;
    });
}

/** Nothing that is meant has control characters, and programs cannot be handed a NUL byte. */
function decode(text: string, part: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(part);
  } catch {
    throw invalid(text, `"${part}" has a broken percent sign`);
  }
  if (HAS_CONTROLS.test(decoded)) throw invalid(text, 'it has control characters in it');
  return decoded;
}

/** `name=` overrides all of it, as in libvirt. */
function daemonName(
  driver: string,
  path: string,
  parameters: readonly (readonly [string, string])[],
): string {
  const given = parameters.find(([key]) => key === 'name')?.[1];
  if (given !== undefined) return given;
  const kept = parameters
    .filter(([key]) => !TRANSPORT_PARAMETERS.has(key))
    .map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`);
  return `${driver}://${path}${kept.length === 0 ? '' : `?${kept.join('&')}`}`;
}

function invalid(uri: string, problem: string): Error {
  const clean = uri.replaceAll(/\p{Cc}/gu, '\u{fffd}'); // what a terminal would obey is not shown
  const shown = clean.length > 200 ? `${clean.slice(0, 200)}...` : clean;
  return berthError('BERTH_URI_INVALID', { uri: shown, problem });
}
