import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../../src/lab/system/run-command.ts';

const BUILD_WAIT = { deadlineMs: 600_000 };

/** What a task took; which of these there are depends on the task. */
export interface Answer {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly mib: number;
  readonly found: number;
  readonly params: number;
  readonly tookMs: readonly number[];
}

export type ClientName = 'berth' | 'python';

/** The commands of the clients that are compared: processes that take tasks line by line. */
export type Clients = Readonly<Record<ClientName, readonly [program: string, script: string]>>;

/**
 * Ours is taken from the built package, as those have it who install it: Node's own stripping of
 * types would add 25 MB and its time to what is measured.
 */
export async function prepareClients(dir: string): Promise<Clients> {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  await runCommand([process.execPath, tsc, '-b', join(root, 'src/libvirt')], BUILD_WAIT);
  const source = await readFile(new URL('client.ts', import.meta.url), 'utf8');
  const script = join(dir, 'client.mjs');
  const built = (_: string, path: string): string => `'${join(root, 'dist', path)}.js'`;
  await writeFile(
    script,
    stripTypeScriptTypes(source).replaceAll(/'\.\.\/\.\.\/src\/(.+)\.ts'/g, built),
  );
  return {
    berth: [process.execPath, script],
    python: ['/usr/bin/python3', fileURLToPath(new URL('client.py', import.meta.url))],
  };
}

/** One process of a client. */
export class Worker implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #answers: AsyncIterator<string>;

  constructor([program, script]: Clients[ClientName]) {
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
  clients: Clients,
  uri: string,
  use: (workers: Readonly<Record<ClientName, Worker>>) => Promise<T>,
): Promise<T> {
  await using berth = new Worker(clients.berth);
  await using python = new Worker(clients.python);
  await berth.ask('open', uri);
  await python.ask('open', uri);
  return await use({ berth, python }); // before they end
}
