import type { Duplex } from 'node:stream';
import { berthError } from '../../base/errors.ts';
import type { Clock } from '../rpc/clock.ts';
import type { Wait } from '../rpc/wait.ts';
import type { LibvirtUri } from '../uri.ts';
import { dialUnix } from './dial-unix.ts';
import { socketCandidates, type Environment } from './socket-location.ts';

/** What the way to a daemon depends on. */
export interface DialOptions {
  readonly environment: Environment;
  /** Uses the read-only socket; calls that change something are refused with code 29. */
  readonly readOnly?: boolean | undefined;
}

/**
 * Opens the byte stream to the daemon of a URI, up to where the first message can be sent.
 * @throws BERTH_URI_INVALID, BERTH_UNSUPPORTED, BERTH_TOO_LARGE, BERTH_CONNECTION_CLOSED,
 * BERTH_PERMISSION, BERTH_DEADLINE, BERTH_INTERRUPTED.
 */
export async function dial(
  uri: LibvirtUri,
  { environment, readOnly = false }: DialOptions,
  clock: Clock,
  wait: Wait,
): Promise<Duplex> {
  if (uri.transport === 'unix') {
    return dialUnix(socketCandidates(uri, environment, readOnly), clock, wait);
  }
  throw berthError('BERTH_UNSUPPORTED', {
    what: `connecting to ${uri.text}`,
    why: `the transport "${uri.transport}" is not built in; only unix sockets are`,
  });
}
