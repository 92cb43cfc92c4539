import { Agent, request } from 'node:http';

/** Requests over one kept connection to a server's unix socket, as a client that stays would make. */
export class Caller implements Disposable {
  readonly #socketPath: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** Asks for JSON. @throws for anything but a 200 */
  async get(path: string): Promise<unknown> {
    const chunks: Buffer[] = [];
    for await (const chunk of await this.#open(path)) chunks.push(chunk as Buffer);
    return JSON.parse(Buffer.concat(chunks).toString());
  }

  /** Events as they come: each whole, with the time at which its last byte was there. */
  async *events(path: string, signal: AbortSignal): AsyncGenerator<{ text: string; at: number }> {
    let rest = '';
    for await (const chunk of await this.#open(path, signal)) {
      const at = Number(process.hrtime.bigint()) / 1e6;
      const parts = `${rest}${String(chunk)}`.split('\n\n');
      rest = parts.pop() ?? '';
      for (const text of parts) yield { text, at };
    }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  async #open(path: string, signal?: AbortSignal): Promise<AsyncIterable<unknown>> {
    const { promise, resolve, reject } = Promise.withResolvers<AsyncIterable<unknown>>();
    const options = { socketPath: this.#socketPath, path, agent: this.#agent };
    const call = request(signal === undefined ? options : { ...options, signal }, (response) => {
      if (response.statusCode === 200) resolve(response);
      else reject(new Error(`${path} is answered ${response.statusCode}`));
    });
    call.on('error', reject);
    call.end();
    return promise;
  }
}
