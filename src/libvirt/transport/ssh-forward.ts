import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { berthError, type BerthError } from '../../base/errors.ts';
import type { Clock } from '../rpc/clock.ts';
import { shareWait, within, type Wait } from '../rpc/wait.ts';
import type { LibvirtUri } from '../uri.ts';
import { READY, READY_LINE } from './far-side.ts';
import { openSocket } from './open-socket.ts';
import { SshChild } from './ssh-child.ts';
import { noWay, sshFailure } from './ssh-failure.ts';
import { readGreeting } from './ssh-greeting.ts';
import type { SshProgram } from './ssh-options.ts';
import { SshStream } from './ssh-stream.ts';

/**
 * Lives as long as its input, which is as long as this process: `ssh -N` would stay on for ever when
 * this process is killed. It also tells that the login is done.
 */
const STAY = `sh -c 'echo ${READY}; exec cat'`;

/**
 * Connects to a socket of the far side that ssh forwards to one of ours. That one is in a folder
 * that only this user can enter, and both are gone again once the connection is there.
 */
export async function forwardSocket(
  uri: LibvirtUri,
  ssh: SshProgram,
  socket: string,
  clock: Clock,
  wait: Wait,
): Promise<Duplex> {
  const rest = shareWait(clock, wait, `connecting to ${uri.text}`);
  const folder = await mkdtemp(join(tmpdir(), 'berth-ssh-'));
  let child: SshChild | undefined;
  try {
    const local = join(folder, 'sock');
    const forward = `${forwardWord(uri, local)}:${forwardWord(uri, socket)}`;
    const options = [...ssh.options, '-o', 'ExitOnForwardFailure=yes', '-L', forward];
    child = new SshChild(ssh.program, [...options, '--', ssh.host, STAY], clock);
    const greeting = readGreeting(child, READY_LINE);
    const met = await within(greeting, `forwarding a socket of ${ssh.host}`, clock, rest());
    if (met.kind === 'ended') throw sshFailure(ssh, met.ending, false);
    const refusal = (error: Error) => brokenForward(ssh, error);
    const opening = { what: `connecting to ${socket} of ${ssh.host}`, refusal };
    const near = await openSocket(createConnection({ path: local }), opening, clock, rest());
    return streamOf(ssh, socket, near, child, clock);
  } catch (error) {
    child?.stop();
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function brokenForward({ host }: SshProgram, cause: Error): BerthError {
  const reason = `ssh does not forward to it: ${cause.message}`;
  return berthError('BERTH_CONNECTION_CLOSED', { where: host, reason }, { cause });
}

/** The far side says that it forwards nothing, or to nobody, by closing the channel. */
function streamOf(
  ssh: SshProgram,
  socket: string,
  near: Socket,
  child: SshChild,
  clock: Clock,
): Duplex {
  return new SshStream({
    child,
    input: near,
    output: near,
    clock,
    reason: (ending, hasSpoken) => {
      const refused = /open failed: .*/.exec(ending.stderr);
      if (hasSpoken || refused === null) return sshFailure(ssh, ending, hasSpoken);
      return noWay(ssh.host, `, and forwarding ${socket} is refused (${refused[0]})`);
    },
  });
}

/** A path as one side of `-L`, of which nothing is expanded (ssh(1), readconf.c of OpenSSH 9.2). */
function forwardWord(uri: LibvirtUri, path: string): string {
  if (path.includes('${')) {
    const problem = `ssh would take "\${" in the path "${path}" for a variable`;
    throw berthError('BERTH_URI_INVALID', { uri: uri.text, problem });
  }
  return path.replaceAll('%', '%%').replaceAll(/[\\:]/g, '\\$&');
}
