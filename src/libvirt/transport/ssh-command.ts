import { berthError } from '../../base/errors.ts';
import { systemClock, type Clock } from '../rpc/clock.ts';
import { checkWait, interrupted, within, type Wait } from '../rpc/wait.ts';
import type { LibvirtUri } from '../uri.ts';
import { SshChild } from './ssh-child.ts';
import { SSH_FAILED, sshFailure } from './ssh-failure.ts';
import { sshProgram } from './ssh-options.ts';

/** What is run on the machine that a URI leads to by SSH. */
export interface SshCommand {
  /** What it is for, as errors say it. */
  readonly what: string;
  /** For the login shell there: fixed text. What comes from anywhere else goes into `input`. */
  readonly line: string;
  /** What it reads from its standard input, which then ends. */
  readonly input: string;
  /** It is ended when it writes more than this. */
  readonly outputBytesMax: number;
}

/** How a command on the far side ended. */
export interface SshOutcome {
  readonly status: number;
  readonly output: Buffer;
  /** The end of its standard error, with what the login there said. */
  readonly stderr: string;
}

/**
 * Runs one command on the machine that a `+ssh` URI leads to, by the same ssh, with the same options
 * and as the same user as the connection to libvirt. Nothing of it is left when this is over.
 * @throws BERTH_URI_INVALID, BERTH_UNSUPPORTED, BERTH_PACKAGES_NEEDED without ssh, BERTH_HOST_NAME,
 * BERTH_HOST_KEY, BERTH_PERMISSION, BERTH_CONNECTION_CLOSED, BERTH_TOO_LARGE for its output,
 * BERTH_DEADLINE, BERTH_INTERRUPTED.
 */
export async function runBySsh(
  uri: LibvirtUri,
  command: SshCommand,
  wait: Wait,
  clock: Clock = systemClock,
): Promise<SshOutcome> {
  const ssh = sshProgram(uri);
  const what = `${command.what} on ${ssh.host}`;
  checkWait(wait, what);
  if (wait.signal?.aborted === true) throw interrupted(what, wait);
  const options = [...ssh.options, '-o', 'ClearAllForwardings=yes'];
  const child = new SshChild(ssh.program, [...options, '--', ssh.host, command.line], clock);
  try {
    child.input.end(command.input);
    const over = Promise.all([child.ended, readAll(child, what, command.outputBytesMax)]);
    const [ending, output] = await within(over, what, clock, wait);
    const { status, stderr } = ending;
    if (status === undefined || status === SSH_FAILED) throw sshFailure(ssh, ending, false);
    return { status, output, stderr };
  } finally {
    child.stop();
  }
}

/** All that it writes until it has ended. @throws BERTH_TOO_LARGE */
async function readAll(child: SshChild, what: string, max: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const parts: Buffer[] = [];
  let size = 0;
  child.output.on('data', (part: Buffer) => {
    parts.push(part);
    size += part.length;
    if (size <= max) return;
    parts.length = 0;
    reject(berthError('BERTH_TOO_LARGE', { what: `the output of ${what} in bytes`, size, max }));
  });
  child.whenEnded(() => resolve(Buffer.concat(parts)));
  return promise;
}
