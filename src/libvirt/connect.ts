import { berthError } from '../base/errors.ts';
import type { Connection } from './connection.ts';
import { ConnectFeature, ConnectFlag } from './flags/connect-flags.ts';
import {
  authList,
  authPolkit,
  connectGetLibVersion,
  connectOpen,
  connectSupportsFeature,
} from './procedures/connect.ts';
import { systemClock, type Clock } from './rpc/clock.ts';
import { KEEPALIVE_DEFAULT, type KeepaliveRhythm } from './rpc/keepalive.ts';
import { shareWait, type Wait } from './rpc/wait.ts';
import { dial, type DialOptions } from './transport/dial.ts';
import { parseUri, type LibvirtUri } from './uri.ts';
import { WireConnection } from './wire-connection.ts';

/** What a connection is opened with. */
export interface ConnectOptions extends DialOptions {
  /** How a dead peer is noticed, 5 questions 5 s apart unless said otherwise; `off` for streams. */
  readonly keepalive?: KeepaliveRhythm | 'off' | undefined;
  readonly clock?: Clock | undefined;
}

/** Numbers of the ways to authenticate (remote_auth_type). */
const AuthType = { none: 0, sasl: 1, polkit: 2 } as const;

/** Asked at the start; each answers for one trait of the daemon. */
const FEATURES_ASKED = [
  ConnectFeature.migrationParams,
  ConnectFeature.remoteEventCallback,
  ConnectFeature.remoteCloseCallback,
  ConnectFeature.networkUpdateOrder,
] as const;

/**
 * Connects to the daemon of a libvirt URI such as `qemu:///system`. The wait covers everything up
 * to the open connection.
 * @throws BERTH_URI_INVALID, BERTH_UNSUPPORTED for a way in that this build lacks,
 * BERTH_TOO_LARGE for a socket path over 107 bytes, BERTH_CONNECTION_CLOSED where nothing listens,
 * BERTH_PERMISSION, BERTH_PROTOCOL where something else than libvirt answers, BERTH_DEADLINE,
 * BERTH_INTERRUPTED, and LibvirtError where the daemon cannot open the URI.
 */
export async function connect(
  uri: string,
  options: ConnectOptions,
  wait: Wait,
): Promise<Connection> {
  return openAt(parseUri(uri), options, wait);
}

async function openAt(uri: LibvirtUri, options: ConnectOptions, wait: Wait): Promise<Connection> {
  const clock = options.clock ?? systemClock;
  const rest = shareWait(clock, wait, `connecting to ${uri.text}`);
  const socket = await dial(uri, options, clock, rest());
  const again = async (wait: Wait) => openAt(uri, { ...options, keepalive: 'off' }, wait);
  const connection = new WireConnection({ uri, socket, clock, again });
  try {
    await authenticate(connection, rest);
    await open(connection, options, rest);
    return connection;
  } catch (error) {
    connection.destroy('it could not be opened');
    throw error;
  }
}

async function authenticate(connection: WireConnection, rest: () => Wait): Promise<void> {
  const { types } = await connection.call(authList, {}, rest());
  if (types.length === 0 || types.includes(AuthType.none)) return;
  if (types.includes(AuthType.polkit)) {
    await connection.call(authPolkit, {}, rest());
    return;
  }
  throw berthError('BERTH_UNSUPPORTED', {
    what: `connecting to ${connection.uri.text}`,
    why: 'the daemon asks for SASL authentication',
  });
}

/** The order matters: keepalive can only be agreed on before the open (libvirt 9.0, remote_driver.c). */
async function open(
  connection: WireConnection,
  { readOnly = false, keepalive = KEEPALIVE_DEFAULT }: ConnectOptions,
  rest: () => Wait,
): Promise<void> {
  const alive =
    keepalive !== 'off' && (await supports(connection, ConnectFeature.keepalive, rest()));
  if (alive) connection.watch(keepalive);
  const flags = readOnly ? ConnectFlag.readOnly : 0;
  await connection.call(connectOpen, { name: connection.uri.name, flags }, rest());
  const [version, ...answers] = await Promise.all([
    connection.call(connectGetLibVersion, {}, rest()),
    ...FEATURES_ASKED.map(async (feature) => supports(connection, feature, rest())),
  ]);
  connection.introduce(
    Number(version.libVer), // three small numbers in decimal: far below 2^53
    [
      ...FEATURES_ASKED.filter((_, index) => answers[index] === true),
      ...(alive ? [ConnectFeature.keepalive] : []),
    ],
  );
}

async function supports(connection: WireConnection, feature: number, wait: Wait): Promise<boolean> {
  const { supported } = await connection.call(connectSupportsFeature, { feature }, wait);
  return supported;
}
