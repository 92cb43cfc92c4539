import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** What a task took; which of these there are depends on the task. */
export interface Answer {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly mib: number;
  readonly found: number;
  readonly params: number;
  readonly tookMs: readonly number[];
}

/** The clients that are compared: the command of a process that takes tasks line by line. */
export const CLIENTS = {
  berth: [process.execPath, fileURLToPath(new URL('client.ts', import.meta.url))],
  python: ['/usr/bin/python3', fileURLToPath(new URL('client.py', import.meta.url))],
} as const;

export type ClientName = keyof typeof CLIENTS;

/** One process of a client. */
export class Worker implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #answers: AsyncIterator<string>;

  constructor(client: ClientName) {
    const [program, script] = CLIENTS[client];
    this.#child = spawn(program, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#answers = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  /** Has a task done and gives what it took. */
  async ask(...words: readonly (string | number)[]): Promise<Answer> {
    this.#child.stdin.write(`${words.join(' ')}\n`);
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error(`the client ended in the task ${words.join(' ')}`);
    return JSON.parse(value) as Answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill();
    await once(this.#child, 'exit');
  }
}

/** Both clients with a connection each, for as long as `use` runs. */
export async function withBoth<T>(
  uri: string,
  use: (workers: Readonly<Record<ClientName, Worker>>) => Promise<T>,
): Promise<T> {
  await using berth = new Worker('berth');
  await using python = new Worker('python');
  await berth.ask('open', uri);
  await python.ask('open', uri);
  return await use({ berth, python }); // before they end
}
