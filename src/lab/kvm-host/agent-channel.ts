import { setTimeout as delay } from 'node:timers/promises';
import { berthError } from '../../base/errors.ts';
import { lastLines } from '../system/run-command.ts';
import { JsonChannel, type JsonObject, type Wait } from './json-channel.ts';

/** The agent tells nothing by itself: whether a command has ended must be asked. */
const ASK_AGAIN_MS = 40;
const OUTPUT_LINES_SHOWN = 8;

/**
 * The way into a machine before it has an address: QEMU's guest agent (docs/interop/qemu-ga-ref),
 * which answers on a serial port once it runs.
 */
export class AgentChannel {
  readonly #channel: JsonChannel;

  private constructor(channel: JsonChannel) {
    this.#channel = channel;
  }

  /**
   * Connects to the socket of the agent's port and waits until the agent answers: QEMU holds back
   * what is sent until somebody in the guest opens the port.
   * @throws BERTH_CONNECTION_CLOSED, BERTH_DEADLINE, BERTH_INTERRUPTED.
   */
  static async connect(dir: string, name: string, wait: Wait): Promise<AgentChannel> {
    const channel = await JsonChannel.connect(dir, name, 'the guest agent');
    try {
      await channel.request({ execute: 'guest-sync', arguments: { id: 1 } }, wait);
    } catch (error) {
      channel.close();
      throw error;
    }
    return new AgentChannel(channel);
  }

  /**
   * Runs a shell script in the machine as root and returns what it wrote.
   * @param args become `$1` and on.
   * @param input is its standard input; the agent logs arguments, but not this.
   * @throws BERTH_COMMAND_FAILED with the end of its error output; BERTH_CONNECTION_CLOSED,
   *   BERTH_DEADLINE, BERTH_INTERRUPTED.
   */
  async runScript(
    script: string,
    args: readonly string[],
    wait: Wait & { readonly what: string; readonly input?: string },
  ): Promise<string> {
    const started = await this.#execute(
      'guest-exec',
      {
        path: '/bin/sh',
        arg: ['-euc', script, 'berth', ...args],
        'capture-output': true,
        'input-data': toBase64(wait.input ?? ''),
      },
      wait,
    );
    const end = performance.now() + wait.deadlineMs;
    for (;;) {
      const status = await this.#execute('guest-exec-status', { pid: started['pid'] }, wait);
      if (status['exited'] === true) return outcome(status, wait.what);
      if (performance.now() > end) {
        throw berthError('BERTH_DEADLINE', { what: wait.what, afterMs: wait.deadlineMs });
      }
      await delay(ASK_AGAIN_MS);
    }
  }

  close(): void {
    this.#channel.close();
  }

  async #execute(command: string, args: JsonObject, wait: Wait): Promise<JsonObject> {
    const answer = await this.#channel.request({ execute: command, arguments: args }, wait);
    if ('refusal' in answer) throw failed(command, 'refused', answer.refusal);
    const { value } = answer;
    return typeof value === 'object' && value !== null ? (value as JsonObject) : {};
  }
}

/** @throws BERTH_COMMAND_FAILED unless the command ended well. */
function outcome(status: JsonObject, what: string): string {
  const { exitcode } = status;
  if (exitcode === 0) return fromBase64(status['out-data']);
  const ended = typeof exitcode === 'number' ? `exit ${exitcode}` : 'ended by a signal';
  throw failed(what, ended, lastLines(fromBase64(status['err-data']), OUTPUT_LINES_SHOWN));
}

function failed(command: string, status: string, output: string): Error {
  return berthError('BERTH_COMMAND_FAILED', { command, status, output });
}

function toBase64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function fromBase64(data: unknown): string {
  return typeof data === 'string' ? Buffer.from(data, 'base64').toString('utf8') : '';
}
