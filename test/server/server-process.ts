import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '../../src/api/client.ts';

const READY_MS = 30_000;

/** A server in a process of its own, as people start it. */
export class ServerProcess implements AsyncDisposable {
  readonly client: Client;
  readonly #home: string;
  readonly #child: ChildProcess;

  private constructor(home: string, child: ChildProcess) {
    this.#home = home;
    this.#child = child;
    this.client = new Client({ socket: join(home, 'run', 'api.sock') });
  }

  /** @param store the URL of the database that it shares with others */
  static async start(store: string): Promise<ServerProcess> {
    const home = await mkdtemp(join(tmpdir(), 'berth-server-'));
    const child = spawn(process.execPath, ['src/main/berth.mjs', 'serve'], {
      env: { ...process.env, BERTH_HOME: home, BERTH_STORE: store },
      stdio: ['ignore', 'ignore', process.env['BERTH_DEBUG'] === undefined ? 'ignore' : 'inherit'],
    });
    const server = new ServerProcess(home, child);
    await server.client.ready(READY_MS);
    return server;
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill(signal);
    await once(this.#child, 'exit');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGTERM');
    await rm(this.#home, { recursive: true, force: true });
  }
}
