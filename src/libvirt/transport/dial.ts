import type { Duplex } from 'node:stream';
import { berthError } from '../../base/errors.ts';
import type { Clock } from '../rpc/clock.ts';
import type { Wait } from '../rpc/wait.ts';
import type { LibvirtUri } from '../uri.ts';
import { dialSsh } from './dial-ssh.ts';
import { dialTcp } from './dial-tcp.ts';
import { dialUnix } from './dial-unix.ts';
import { processEnvironment } from './process-environment.ts';
import { isSession, socketCandidates, type Environment } from './socket-location.ts';

/** What the way to a daemon depends on. */
export interface DialOptions {
  /** Who asks, and where; this process unless said otherwise. */
  readonly environment?: Environment | undefined;
  /** Uses the read-only socket; calls that change something are refused with code 29. */
  readonly readOnly?: boolean | undefined;
  /** Allows `+tcp`, which is neither encrypted nor sure of who is at the other end. */
  readonly plainTcp?: boolean | undefined;
}

/**
 * Opens the byte stream to the daemon of a URI, up to where the first message can be sent.
 * @throws BERTH_URI_INVALID, BERTH_UNSUPPORTED, BERTH_TOO_LARGE, BERTH_CONNECTION_CLOSED,
 * BERTH_PERMISSION, BERTH_HOST_NAME, BERTH_HOST_KEY, BERTH_NO_WAY_IN, BERTH_CERTIFICATE,
 * BERTH_PROTOCOL, BERTH_PACKAGES_NEEDED, BERTH_DEADLINE, BERTH_INTERRUPTED.
 */
export async function dial(
  uri: LibvirtUri,
  { environment = processEnvironment(), readOnly = false, plainTcp = false }: DialOptions,
  clock: Clock,
  wait: Wait,
): Promise<Duplex> {
  switch (uri.transport) {
    case 'unix':
      return dialUnix(
        socketCandidates(uri, environment, readOnly),
        startOf(uri, environment),
        clock,
        wait,
      );
    case 'ssh':
      return dialSsh(uri, readOnly, clock, wait);
    case 'tls': {
      // Node's TLS and cryptography take 7 MB and 10 ms to load, which other ways in can do without.
      const { dialTls } = await import('./dial-tls.ts');
      return dialTls(uri, environment, clock, wait);
    }
    case 'tcp':
      if (plainTcp) return dialTcp(uri, clock, wait);
      throw unsupported(
        uri,
        'plain TCP is neither encrypted nor sure of who answers; use qemu+tls:// or qemu+ssh://, or ask for it: plainTcp',
      );
    case 'libssh':
    case 'libssh2':
      throw unsupported(
        uri,
        `${uri.transport} is a library; qemu+ssh:// runs the system's own ssh, with the same parameters`,
      );
    case 'ext':
      throw unsupported(
        uri,
        "programs of one's own are not run for a URI; qemu+ssh:// runs ssh, and command= names another one like it",
      );
  }
}

/** How a daemon of this machine is started. No library starts processes that outlive its caller. */
function startOf(uri: LibvirtUri, { uid }: Environment): string {
  return isSession(uri) && uid !== 0
    ? 'start one for this user: virsh -c qemu:///session version, or virtqemud (libvirtd) --daemon --timeout=120'
    : 'check that it runs: systemctl status virtqemud.socket (libvirtd.socket where one daemon serves all)';
}

function unsupported(uri: LibvirtUri, why: string): Error {
  return berthError('BERTH_UNSUPPORTED', { what: `connecting to ${uri.text}`, why });
}
