import { quoteWord } from '../../base/quote-word.ts';
import { berthError } from '../../base/errors.ts';
import type { LibvirtUri } from '../uri.ts';
import { daemonSocketNames, isSession, refuseReadOnly } from './socket-location.ts';
import { parameter } from './ssh-options.ts';

/** The word by which a script on the far side says that it is done. */
export const READY = 'berth-ready';

/** What the far side says, as a line of its own, when the next byte is the daemon's. */
export const READY_LINE = `${READY}\n`;

/** How the far side's script ends when it finds no way; no shell and no ssh uses these. */
export const FarStatus = { noTool: 93, noSocket: 94, noPermission: 95 } as const;

/** What precedes the socket that `noTool` tells of. */
export const SOCKET_WORD = 'berth-socket=';

/** The ways to libvirt's socket from the far side's shell, as libvirt's `proxy=` names them. */
type FarWay = 'auto' | 'native' | 'netcat';

/** What is run on the far side. */
export interface FarCommand {
  /** For the far side's shell: fixed text and quoted words. */
  readonly line: string;
  /** True when it begins with READY_LINE. */
  readonly greets: boolean;
  /** True where nobody asked for nc: its lack leaves the way of a forwarded socket. */
  readonly mayForward: boolean;
}

/**
 * The script of the far side, for whatever POSIX shell is there. The helper knows best where the
 * daemon listens, and starts that of a session; nc is told the first socket that exists. Whether an
 * nc knows -U and -q is in what it says of itself. Login shells are of many kinds, and what
 * they do inside single quotes differs for "!", backslashes, quotes and line ends: there are none.
 *
 * Arguments: way, URI, "-r" or nothing, nc, system or session, sockets.
 */
const SCRIPT = [
  'way=$1 uri=$2 ro=$3 nc=$4 place=$5; shift 5;',
  'case $way in netcat) ;; *) if command -v virt-ssh-helper >/dev/null 2>&1; then',
  `echo ${READY}; exec virt-ssh-helper $ro "$uri"; fi;; esac;`,
  'dir=/run/libvirt; [ -d "$dir" ] || dir=/var/run/libvirt;',
  'case $place-$(id -u) in system-* | session-0) ;; *)',
  'dir=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/libvirt;',
  '[ -d "$dir" ] || dir=${XDG_CACHE_HOME:-$HOME/.cache}/libvirt;; esac;',
  'for s in "$@"; do case $s in /*) ;; *) s=$dir/$s;; esac; [ -S "$s" ] && break; done;',
  `[ -S "$s" ] || { echo "there is no socket $s" >&2; exit ${FarStatus.noSocket}; };`,
  `[ -w "$s" ] || { echo "$s is not for $(id -un)" >&2; exit ${FarStatus.noPermission}; };`,
  'help=$("$nc" -h 2>&1 </dev/null); ask=$("$nc" -q 2>&1 </dev/null);',
  `case $help in *-U*) ;; *) echo "${SOCKET_WORD}$s"; exit ${FarStatus.noTool};; esac;`,
  `echo ${READY};`,
  'case $ask in *requires*) exec "$nc" -q0 -U "$s";; *) exec "$nc" -U "$s";; esac',
].join(' ');

/**
 * What to run on the far side to be connected to the daemon. libvirt's parameters choose:
 * `proxy=auto|native|netcat`; `netcat=` and `socket=` mean nc, since the helper takes neither; so
 * does a `mode=`.
 * @throws BERTH_URI_INVALID.
 */
export function farCommand(uri: LibvirtUri, readOnly: boolean): FarCommand {
  const way = farWay(uri);
  if (isSession(uri)) refuseReadOnly(uri, readOnly);
  const name = `${uri.driver}://${uri.path}`;
  const flags = readOnly ? ['-r'] : [];
  if (way === 'native') {
    // Nothing but the helper: keys may be bound to that command alone.
    const line = ['virt-ssh-helper', ...flags, name].map(quoteWord).join(' ');
    return { line, greets: false, mayForward: false };
  }
  const words = [way, name, readOnly ? '-r' : '', parameter(uri, 'netcat') ?? 'nc'];
  const place = isSession(uri) ? 'session' : 'system';
  const sockets = farSockets(uri, readOnly);
  const line = `sh -c '${SCRIPT}' berth ${[...words, place, ...sockets].map(quoteWord).join(' ')}`;
  const mayForward = parameter(uri, 'proxy') !== 'netcat' && parameter(uri, 'netcat') === undefined;
  return { line, greets: true, mayForward };
}

function farWay(uri: LibvirtUri): FarWay {
  const proxy = parameter(uri, 'proxy') ?? 'auto';
  if (proxy !== 'auto' && proxy !== 'native' && proxy !== 'netcat') {
    const problem = `proxy "${proxy}" is not one of auto, native, netcat`;
    throw berthError('BERTH_URI_INVALID', { uri: uri.text, problem });
  }
  if (proxy !== 'auto') return proxy;
  const isAway = ['netcat', 'socket'].some((key) => parameter(uri, key) !== undefined);
  return isAway || (parameter(uri, 'mode') ?? 'auto') !== 'auto' ? 'netcat' : 'auto';
}

function farSockets(uri: LibvirtUri, readOnly: boolean): readonly string[] {
  const given = parameter(uri, 'socket');
  if (given === undefined) return daemonSocketNames(uri, readOnly);
  if (given.startsWith('/')) return [given];
  const problem = `the socket "${given}" is not an absolute path`;
  throw berthError('BERTH_URI_INVALID', { uri: uri.text, problem });
}
