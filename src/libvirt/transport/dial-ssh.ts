import type { Duplex } from 'node:stream';
import type { Clock } from '../rpc/clock.ts';
import { FRAME_BYTES_MAX } from '../rpc/frame.ts';
import { shareWait, within, type Wait } from '../rpc/wait.ts';
import type { LibvirtUri } from '../uri.ts';
import { FarStatus, READY_LINE, SOCKET_WORD, farCommand } from './far-side.ts';
import { SshChild, type SshEnding } from './ssh-child.ts';
import { noise, noWay, sshFailure } from './ssh-failure.ts';
import { forwardSocket } from './ssh-forward.ts';
import { readGreeting } from './ssh-greeting.ts';
import { sshProgram, type SshProgram } from './ssh-options.ts';
import { SshStream } from './ssh-stream.ts';

/** The first byte of the longest message; what a shell says begins with a higher one. */
const FIRST_BYTE_MAX = FRAME_BYTES_MAX >>> 24;

/**
 * Connects by the system's own ssh, with the user's configuration, keys and jumps. One login tries
 * libvirt's helper and then nc on the far side; only where neither is there does a second one
 * forward the socket.
 * @throws BERTH_URI_INVALID, BERTH_UNSUPPORTED, BERTH_PACKAGES_NEEDED without ssh, BERTH_HOST_NAME,
 * BERTH_HOST_KEY, BERTH_PERMISSION, BERTH_NO_WAY_IN, BERTH_PROTOCOL for a login that talks,
 * BERTH_CONNECTION_CLOSED, BERTH_DEADLINE, BERTH_INTERRUPTED.
 */
export async function dialSsh(
  uri: LibvirtUri,
  readOnly: boolean,
  clock: Clock,
  wait: Wait,
): Promise<Duplex> {
  const ssh = sshProgram(uri);
  const far = farCommand(uri, readOnly);
  const rest = shareWait(clock, wait, `connecting to ${uri.text}`);
  const options = [...ssh.options, '-o', 'ClearAllForwardings=yes'];
  const child = new SshChild(ssh.program, [...options, '--', ssh.host, far.line], clock);
  // Without a greeting nothing is said before the daemon speaks: failures come with the first call.
  if (!far.greets) return streamOf(ssh, child, clock);
  const found = await meet(ssh, child, clock, rest());
  if (found.isReady) return streamOf(ssh, child, clock);
  if (!far.mayForward) throw noWay(ssh.host, '');
  return forwardSocket(uri, ssh, found.socket, clock, rest());
}

function streamOf(ssh: SshProgram, child: SshChild, clock: Clock): Duplex {
  const { host } = ssh;
  return new SshStream({
    child,
    input: child.input,
    output: child.output,
    clock,
    judge: (first) => ((first[0] ?? 0) > FIRST_BYTE_MAX ? noise(host, first) : undefined),
    reason: (ending, hasSpoken) => sshFailure(ssh, ending, hasSpoken),
  });
}

type Found = { readonly isReady: true } | { readonly isReady: false; readonly socket: string };

/** Waits until the far side is ready, or has told of a socket that it has no tool for. */
async function meet(ssh: SshProgram, child: SshChild, clock: Clock, wait: Wait): Promise<Found> {
  try {
    const greeting = readGreeting(child, READY_LINE);
    const met = await within(greeting, `entering ${ssh.host} by SSH`, clock, wait);
    if (met.kind === 'ready') return { isReady: true };
    if (met.kind === 'noise') throw noise(ssh.host, met.said);
    return { isReady: false, socket: socketTold(ssh, met.ending, met.said) };
  } catch (error) {
    child.stop();
    throw error;
  }
}

function socketTold(ssh: SshProgram, ending: SshEnding, said: Buffer): string {
  if (ending.status !== FarStatus.noTool) throw sshFailure(ssh, ending, false);
  const line = said.toString('utf8');
  if (!line.startsWith(SOCKET_WORD)) throw noise(ssh.host, said);
  return line.slice(SOCKET_WORD.length).replace(/\n$/, '');
}
