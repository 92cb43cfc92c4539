import { berthError, isBerthError } from '../../base/errors.ts';
import { Undo } from '../../base/undo.ts';
import { onLabNetwork } from '../private-host/network-place.ts';
import { killProcess, type ProcessIdentity } from '../system/process-identity.ts';
import { runCommand } from '../system/run-command.ts';
import type { FaultNetwork, FaultTarget, FaultWork } from './fault-target.ts';
import { faultFolder } from './fault-record.ts';
import { findWires, startWire, wireTap, type WireOptions } from './wire.ts';

const IP_DEADLINE_MS = 10_000;
const KILL_DEADLINE_MS = 10_000;

/** A host's link on the lab's bridge, as it is now. */
interface LinkState {
  /** IFF_UP: it is not unplugged. */
  readonly isUp: boolean;
  /** False while a bad cable is in its place. */
  readonly isOnBridge: boolean;
}

/** Unplugs the host's link, or plugs it in. */
export async function plugNetwork(
  target: FaultTarget,
  plugged: boolean,
  work: FaultWork,
): Promise<void> {
  const network = networkOf(target);
  await ip(network, [`link set ${network.link} ${plugged ? 'up' : 'down'}`], work);
}

/** True while the host's link is unplugged. */
export async function isNetworkCut(target: FaultTarget): Promise<boolean> {
  return (await lookAtLink(target))?.isUp === false;
}

/**
 * Puts a bad cable in the place of the host's own.
 * @param remember called with the process of the cable before anything else changes.
 */
export async function layWire(
  target: FaultTarget,
  options: WireOptions,
  remember: (wire: ProcessIdentity) => Promise<void>,
  work: FaultWork,
): Promise<void> {
  const network = networkOf(target);
  const tap = wireTap(network);
  await using undo = new Undo();
  const places = { cache: target.cache, folder: faultFolder(target.dir) };
  const wire = await startWire(network, options, places, work);
  undo.add('take the bad cable away', async () => removeWire(target, wire, {}));
  await remember(wire);
  const { link, bridge } = network;
  const swap = [
    `link set ${link} nomaster`,
    `link set ${tap} master ${bridge}`,
    `link set ${tap} up`,
  ];
  await ip(network, swap, work);
  undo.commit();
}

/** Takes the bad cable away and puts the host's link on the bridge again. */
export async function removeWire(
  target: FaultTarget,
  wire: ProcessIdentity | undefined,
  work: FaultWork,
): Promise<void> {
  const network = networkOf(target);
  // One that was started by a command that was killed before it was remembered blocks the next.
  const wires = await findWires(network);
  for (const each of wire === undefined ? wires : [wire, ...wires]) {
    await killProcess(each, KILL_DEADLINE_MS);
  }
  await ip(network, [`link set ${network.link} master ${network.bridge}`], work);
}

/**
 * True while the bad cable is in place: its process may live a moment longer than the link. One that
 * has ended though the link is there has left the host cut off, which is no better.
 */
export async function isWireLaid(
  target: FaultTarget,
  wire: ProcessIdentity | undefined,
): Promise<boolean> {
  return wire !== undefined && (await lookAtLink(target))?.isOnBridge === false;
}

function networkOf({ name, network }: FaultTarget): FaultNetwork {
  if (network !== undefined) return network;
  throw berthError('BERTH_INTERNAL', { what: `a cable of ${name}, which is on no network` });
}

async function ip(
  { keeper }: FaultNetwork,
  commands: readonly string[],
  { signal }: FaultWork,
): Promise<void> {
  await runCommand([...onLabNetwork(keeper), 'ip', '-batch', '-'], {
    input: `${commands.join('\n')}\n`,
    deadlineMs: IP_DEADLINE_MS,
    packages: ['iproute2'],
    ...(signal === undefined ? {} : { signal }),
  });
}

/** Undefined when there is no such link, as after the host's end. */
async function lookAtLink({ network }: FaultTarget): Promise<LinkState | undefined> {
  if (network === undefined) return undefined;
  const { keeper, link, bridge } = network;
  try {
    const argv = [...onLabNetwork(keeper), 'ip', '-o', 'link', 'show', 'dev', link] as const;
    const { stdout } = await runCommand(argv, { deadlineMs: IP_DEADLINE_MS });
    const flags = /<([^>]*)>/.exec(stdout)?.[1]?.split(',') ?? [];
    const master = / master (\S+) /.exec(stdout)?.[1];
    return { isUp: flags.includes('UP'), isOnBridge: master === bridge };
  } catch (error) {
    if (isBerthError(error, 'BERTH_COMMAND_FAILED')) return undefined;
    throw error;
  }
}
