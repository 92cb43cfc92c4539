import { berthError } from '../../base/errors.ts';
import type { LibvirtUri } from '../uri.ts';

/** What the rules for finding a socket depend on, passed in so that they can be tested. */
export interface Environment {
  /** The user's number; 0 has no session daemon and always means the system one. */
  readonly uid: number;
  /** `$XDG_RUNTIME_DIR`. */
  readonly runtimeDir?: string | undefined;
  /** `$XDG_CACHE_HOME`, the fallback for a missing runtime directory as in GLib. */
  readonly cacheDir?: string | undefined;
  /** `$HOME`. */
  readonly home?: string | undefined;
  /** Where system daemons keep their sockets; `/run/libvirt` when left out. */
  readonly systemDir?: string | undefined;
}

/** Longest path of a unix socket on Linux: sun_path less its closing NUL (unix(7)). */
export const SOCKET_PATH_BYTES_MAX = 107;

const SYSTEM_DIR = '/run/libvirt';

/** The daemon that serves a driver where libvirt runs as separate daemons. */
const MODULAR_DAEMONS: ReadonlyMap<string, string> = new Map([
  ['qemu', 'virtqemud'],
  ['network', 'virtnetworkd'],
  ['storage', 'virtstoraged'],
  ['nodedev', 'virtnodedevd'],
  ['secret', 'virtsecretd'],
  ['nwfilter', 'virtnwfilterd'],
  ['interface', 'virtinterfaced'],
  ['xen', 'virtxend'],
  ['lxc', 'virtlxcd'],
  ['ch', 'virtchd'],
  ['vbox', 'virtvboxd'],
]);

/**
 * The sockets to try, best first. `socket=` names one outright; otherwise the driver's own daemon
 * comes before the one that serves all drivers (`mode=direct` and `mode=legacy` keep one of them).
 * @throws BERTH_URI_INVALID, BERTH_UNSUPPORTED, BERTH_TOO_LARGE for a path that is too long.
 */
export function socketCandidates(
  uri: LibvirtUri,
  environment: Environment,
  readOnly: boolean,
): readonly string[] {
  const given = uri.transportParameters.get('socket');
  const paths = given === undefined ? defaultPaths(uri, environment, readOnly) : [given];
  for (const path of paths) checkPath(uri, path);
  return paths;
}

function defaultPaths(
  uri: LibvirtUri,
  environment: Environment,
  readOnly: boolean,
): readonly string[] {
  const session = isSession(uri) && environment.uid !== 0;
  if (session) refuseReadOnly(uri, readOnly);
  const directory = session ? sessionDirectory(environment) : (environment.systemDir ?? SYSTEM_DIR);
  return daemonSocketNames(uri, readOnly).map((name) => `${directory}/${name}`);
}

/** True for the daemon of a user; root has none, and gets the system's. */
export function isSession({ path }: LibvirtUri): boolean {
  return path === '/session';
}

/** @throws BERTH_UNSUPPORTED where it is read-only. */
export function refuseReadOnly(uri: LibvirtUri, readOnly: boolean): void {
  if (!readOnly) return;
  throw berthError('BERTH_UNSUPPORTED', {
    what: `a read-only connection to ${uri.text}`,
    why: 'a session daemon has no read-only socket',
  });
}

/** The names of the sockets to try, best first. @throws BERTH_URI_INVALID for another mode. */
export function daemonSocketNames(uri: LibvirtUri, readOnly: boolean): readonly string[] {
  const suffix = readOnly ? '-sock-ro' : '-sock';
  return daemons(uri).map((daemon) => `${daemon}${suffix}`);
}

function daemons(uri: LibvirtUri): readonly string[] {
  const own = MODULAR_DAEMONS.get(uri.driver);
  const mode = uri.transportParameters.get('mode') ?? 'auto';
  if (mode === 'legacy' || own === undefined) return ['libvirt'];
  if (mode === 'direct') return [own];
  if (mode === 'auto') return [own, 'libvirt'];
  throw berthError('BERTH_URI_INVALID', {
    uri: uri.text,
    problem: `mode "${mode}" is not one of auto, direct, legacy`,
  });
}

function sessionDirectory({ runtimeDir, cacheDir, home }: Environment): string {
  if (given(runtimeDir)) return `${runtimeDir}/libvirt`;
  if (given(cacheDir)) return `${cacheDir}/libvirt`;
  if (given(home)) return `${home}/.cache/libvirt`;
  throw berthError('BERTH_UNSUPPORTED', {
    what: 'a session connection',
    why: 'neither XDG_RUNTIME_DIR nor HOME is set, so its socket has no place',
  });
}

function given(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}

function checkPath(uri: LibvirtUri, path: string): void {
  if (!path.startsWith('/')) {
    throw berthError('BERTH_URI_INVALID', {
      uri: uri.text,
      problem: `the socket "${path}" is not an absolute path`,
    });
  }
  const size = Buffer.byteLength(path);
  if (size > SOCKET_PATH_BYTES_MAX) {
    throw berthError('BERTH_TOO_LARGE', {
      what: `the path of the socket ${path} in bytes`,
      size,
      max: SOCKET_PATH_BYTES_MAX,
    });
  }
}
