import { berthError } from '../base/errors.ts';
import { ConnectFeature, ConnectFlag } from './flags/connect-flags.ts';
import { isLibvirtError } from './libvirt-error.ts';
import {
  authList,
  authPolkit,
  connectGetLibVersion,
  connectOpen,
  connectRegisterCloseCallback,
  connectSupportsFeature,
} from './procedures/connect.ts';
import type { Clock } from './rpc/clock.ts';
import type { KeepaliveRhythm } from './rpc/keepalive.ts';
import { shareWait, type Wait } from './rpc/wait.ts';
import { dial, type DialOptions } from './transport/dial.ts';
import type { LibvirtUri } from './uri.ts';
import { WireConnection } from './wire-connection.ts';

/** What a byte stream to a daemon is opened with. */
export interface WireOptions extends DialOptions {
  readonly keepalive: KeepaliveRhythm | 'off';
  readonly clock: Clock;
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
 * Opens one connection for calls, and learns what the daemon is and can.
 * @throws as `connect`.
 */
export async function openCallWire(
  uri: LibvirtUri,
  options: WireOptions,
  wait: Wait,
): Promise<WireConnection> {
  const rest = shareWait(options.clock, wait, `connecting to ${uri.text}`);
  return openThen(uri, options, rest, async (wire) => meet(wire, rest));
}

/**
 * Opens one connection for streams: without keepalive, and nothing is asked that is known already.
 * @throws as `connect`.
 */
export async function openStreamWire(
  uri: LibvirtUri,
  options: WireOptions,
  wait: Wait,
): Promise<WireConnection> {
  const rest = shareWait(options.clock, wait, `connecting to ${uri.text} for a stream`);
  return openThen(uri, { ...options, keepalive: 'off' }, rest, async () => undefined);
}

async function openThen(
  uri: LibvirtUri,
  options: WireOptions,
  rest: () => Wait,
  then: (wire: WireConnection) => Promise<void>,
): Promise<WireConnection> {
  const { clock } = options;
  const socket = await dial(uri, options, clock, rest());
  const wire = new WireConnection({ uri, socket, clock });
  try {
    await authenticate(wire, rest);
    await open(wire, options, rest);
    await then(wire);
    return wire;
  } catch (error) {
    wire.destroy('it could not be opened');
    throw error;
  }
}

async function authenticate(wire: WireConnection, rest: () => Wait): Promise<void> {
  const { types } = await wire.call(authList, {}, rest());
  if (types.length === 0 || types.includes(AuthType.none)) return;
  if (types.includes(AuthType.polkit)) {
    await wire.call(authPolkit, {}, rest());
    return;
  }
  throw berthError('BERTH_UNSUPPORTED', {
    what: `connecting to ${wire.uri.text}`,
    why: 'the daemon asks for SASL authentication',
  });
}

/** The order matters: keepalive can only be agreed on before the open (libvirt 9.0, remote_driver.c). */
async function open(
  wire: WireConnection,
  { readOnly = false, keepalive }: WireOptions,
  rest: () => Wait,
): Promise<void> {
  if (keepalive !== 'off' && (await supports(wire, ConnectFeature.keepalive, rest()))) {
    wire.watch(keepalive);
  }
  const flags = readOnly ? ConnectFlag.readOnly : 0;
  await wire.call(connectOpen, { name: wire.uri.name, flags }, rest());
}

/** The questions do not depend on each other, so that a long way costs one round for all. */
async function meet(wire: WireConnection, rest: () => Wait): Promise<void> {
  const [version, , ...answers] = await Promise.all([
    wire.call(connectGetLibVersion, {}, rest()),
    hearClosing(wire, rest()),
    ...FEATURES_ASKED.map(async (feature) => supports(wire, feature, rest())),
  ]);
  wire.introduce(
    Number(version.libVer), // three small numbers in decimal: far below 2^53
    FEATURES_ASKED.filter((_, index) => answers[index] === true),
  );
}

/** A daemon too old for it, or whose driver has nothing to tell, refuses: then it never tells. */
async function hearClosing(wire: WireConnection, wait: Wait): Promise<void> {
  try {
    await wire.call(connectRegisterCloseCallback, {}, wait);
  } catch (error) {
    if (!isLibvirtError(error)) throw error;
  }
}

async function supports(wire: WireConnection, feature: number, wait: Wait): Promise<boolean> {
  const { supported } = await wire.call(connectSupportsFeature, { feature }, wait);
  return supported;
}
