import { berthError } from '../../base/errors.ts';
import { JsonChannel, within, type JsonObject, type Wait } from './json-channel.ts';

const GREETING_DEADLINE_MS = 30_000;

/**
 * A client of QEMU's machine protocol (docs/interop/qmp-spec): commands by name, and events that
 * are remembered until somebody waits for them.
 */
export class Qmp {
  readonly #channel: JsonChannel;
  readonly #events: JsonObject[] = [];
  #heard = Promise.withResolvers<undefined>();

  private constructor(channel: JsonChannel) {
    this.#channel = channel;
    channel.onEvent = (event): void => {
      this.#events.push(event);
      this.#heard.resolve(undefined);
      this.#heard = Promise.withResolvers();
    };
  }

  /**
   * Connects to the monitor socket of that name in a folder, and ends the negotiation.
   * @throws BERTH_CONNECTION_CLOSED, BERTH_DEADLINE, BERTH_INTERRUPTED.
   */
  static async connect(dir: string, name: string, signal?: AbortSignal): Promise<Qmp> {
    const qmp = new Qmp(await JsonChannel.connect(dir, name, "QEMU's monitor"));
    const wait = { deadlineMs: GREETING_DEADLINE_MS, ...(signal === undefined ? {} : { signal }) };
    try {
      await qmp.execute('qmp_capabilities', {}, wait);
      return qmp;
    } catch (error) {
      qmp.close();
      throw error;
    }
  }

  /**
   * Gives a command and returns its result.
   * @throws BERTH_HYPERVISOR_FAILED when QEMU refuses it; BERTH_CONNECTION_CLOSED, BERTH_DEADLINE,
   *   BERTH_INTERRUPTED.
   */
  async execute(command: string, args: JsonObject, wait: Wait): Promise<unknown> {
    const answer = await this.#channel.request({ execute: command, arguments: args }, wait);
    if ('value' in answer) return answer.value;
    throw berthError('BERTH_HYPERVISOR_FAILED', {
      problem: `QEMU refused ${command}: ${answer.refusal}`,
      log: 'none',
    });
  }

  /**
   * Waits for an event that a test accepts; those that came before count too, each once.
   * @throws BERTH_DEADLINE, BERTH_INTERRUPTED.
   */
  async event(
    name: string,
    accepts: (data: JsonObject) => boolean,
    wait: Wait,
  ): Promise<JsonObject> {
    const found = this.#next(name, accepts);
    return within(wait, `QEMU's event ${name}`, found);
  }

  close(): void {
    this.#channel.close();
  }

  async #next(name: string, accepts: (data: JsonObject) => boolean): Promise<JsonObject> {
    for (;;) {
      const heard = this.#heard.promise;
      for (let event = this.#events.shift(); event !== undefined; event = this.#events.shift()) {
        const data = dataOf(event);
        if (event['event'] === name && accepts(data)) return data;
      }
      await heard;
    }
  }
}

function dataOf({ data }: JsonObject): JsonObject {
  return typeof data === 'object' && data !== null ? (data as JsonObject) : {};
}
