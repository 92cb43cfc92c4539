import type { Connection } from './connection.ts';
import { DaemonConnection } from './daemon-connection.ts';
import { openCallWire, openStreamWire } from './open-wire.ts';
import { systemClock, type Clock } from './rpc/clock.ts';
import { KEEPALIVE_DEFAULT, type KeepaliveRhythm } from './rpc/keepalive.ts';
import type { Wait } from './rpc/wait.ts';
import { checkBounds, STREAM_BOUNDS_DEFAULT, StreamPool } from './streams/stream-pool.ts';
import type { StreamBounds } from './streams/stream-pool.ts';
import type { DialOptions } from './transport/dial.ts';
import { parseUri, type LibvirtUri } from './uri.ts';

/** What a connection is opened with. */
export interface ConnectOptions extends DialOptions {
  /** How a dead peer is noticed, 5 questions 5 s apart unless said otherwise. */
  readonly keepalive?: KeepaliveRhythm | 'off' | undefined;
  /** How many connections its streams may take; STREAM_BOUNDS_DEFAULT unless said otherwise. */
  readonly streams?: StreamBounds | undefined;
  readonly clock?: Clock | undefined;
}

/**
 * Connects to the daemon of a libvirt URI such as `qemu:///system`. The wait covers everything up
 * to the open connection. It does not come back when it has ended: `lastingConnection` does.
 * @throws BERTH_URI_INVALID, BERTH_UNSUPPORTED for a way in that this build lacks,
 * BERTH_TOO_LARGE for a socket path over 107 bytes, BERTH_CONNECTION_CLOSED where nothing listens,
 * BERTH_PERMISSION, BERTH_PROTOCOL where something else than libvirt answers, BERTH_DEADLINE,
 * BERTH_INTERRUPTED, BERTH_SPEC_INVALID for options or a wait that cannot be, and LibvirtError where the daemon cannot open the URI.
 */
export async function connect(
  uri: string,
  options: ConnectOptions | undefined,
  wait: Wait,
): Promise<Connection> {
  return openConnection(parseUri(uri), options ?? {}, wait);
}

/** As `connect`, with what the client itself needs of a connection. */
export async function openConnection(
  uri: LibvirtUri,
  options: ConnectOptions,
  wait: Wait,
): Promise<DaemonConnection> {
  const { clock = systemClock, keepalive = KEEPALIVE_DEFAULT } = options;
  const bounds = checkBounds(options.streams ?? STREAM_BOUNDS_DEFAULT);
  const wireOptions = { ...options, clock, keepalive };
  const wire = await openCallWire(uri, wireOptions, wait);
  const connect = async (wait: Wait) => openStreamWire(uri, wireOptions, wait);
  return new DaemonConnection(wire, new StreamPool({ clock, bounds, connect }));
}
