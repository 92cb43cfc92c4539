import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { Client } from '../../src/api/client.ts';
import type { OperationView } from '../../src/api/resources.ts';

const READY_MS = 30_000;

/** A server in a process of its own that is killed with SIGKILL and started again on the same state. */
export class CrashingServer implements AsyncDisposable {
  readonly client: Client;
  readonly #home: string;
  #child: ChildProcess | undefined;

  private constructor(home: string) {
    this.#home = home;
    this.client = new Client({ socket: join(home, 'run', 'api.sock') });
  }

  static async start(): Promise<CrashingServer> {
    const server = new CrashingServer(await mkdtemp(join(tmpdir(), 'berth-crash-')));
    await server.#start();
    return server;
  }

  /** Kills it as soon as `steps` steps of the operation are done; the next one ends the operation. */
  async crashAfter(begun: OperationView, steps: number): Promise<OperationView> {
    return this.crashWhen(begun, ({ done }) => done >= steps);
  }

  /** The same as soon as the operation is such, or has ended. */
  async crashWhen(
    begun: OperationView,
    isTime: (operation: OperationView) => boolean,
  ): Promise<OperationView> {
    const watching = new AbortController();
    const watch = (operation: OperationView): void => {
      if (isTime(operation)) watching.abort();
    };
    await this.client.wait(begun, watch, watching.signal).catch(() => undefined);
    return this.#crash(begun);
  }

  /** The same at a moment, in milliseconds from now, whatever the operation is at then. */
  async crashAt(begun: OperationView, ms: number): Promise<OperationView> {
    await wait(ms);
    return this.#crash(begun);
  }

  /** What is claimed, as its store has it; it is ended for that. */
  async claimsAtEnd(): Promise<readonly unknown[]> {
    await this.#kill();
    const store = new DatabaseSync(join(this.#home, 'store.sqlite'), { readOnly: true });
    try {
      return store.prepare('select * from claims').all();
    } finally {
      store.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#kill();
    await rm(this.#home, { recursive: true });
  }

  async #crash({ id }: OperationView): Promise<OperationView> {
    await this.#kill();
    await this.#start();
    const found = (await this.client.operations()).find((operation) => operation.id === id);
    assert.ok(found, 'the journal knows the operation');
    return this.client.wait(found, () => {});
  }

  async #start(): Promise<void> {
    this.#child = spawn(process.execPath, ['src/main/berth.mjs', 'serve'], {
      env: { ...process.env, BERTH_HOME: this.#home },
      stdio: ['ignore', 'ignore', process.env['BERTH_DEBUG'] === undefined ? 'ignore' : 'inherit'],
    });
    await this.client.ready(READY_MS);
  }

  async #kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
}
