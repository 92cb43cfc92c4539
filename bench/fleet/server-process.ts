import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Client } from '../../src/api/client.ts';
import { apiSocket } from '../../src/local/api-socket.ts';

const ENTRY = fileURLToPath(new URL('../../src/main/berth.mjs', import.meta.url));
/** Kernel's clock ticks a second, as every architecture of Linux tells them (USER_HZ). */
const TICKS = 100;
const KIB = 1024;

/** A server in a process of its own, as people run it. */
export class ServerProcess implements AsyncDisposable {
  readonly home: string;
  readonly client: Client;
  readonly #process: ChildProcess;

  private constructor(home: string, process: ChildProcess) {
    this.home = home;
    this.client = new Client({ socket: apiSocket(home) });
    this.#process = process;
  }

  /** Starts it on a state folder; returns at once, before it answers. */
  static async start(home: string): Promise<ServerProcess> {
    await mkdir(home, { recursive: true, mode: 0o700 });
    const log = openSync(`${home}.log`, 'a', 0o600);
    const started = spawn(process.execPath, [ENTRY, 'serve'], {
      env: { ...process.env, BERTH_HOME: home },
      stdio: ['ignore', log, log],
    });
    return new ServerProcess(home, started);
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get socket(): string {
    return apiSocket(this.home);
  }

  /** Resident memory in bytes. */
  residentBytes(): number {
    const status = readFileSync(`/proc/${this.#process.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * KIB;
  }

  /** CPU time since its start, of user and kernel, in milliseconds. */
  cpuMs(): number {
    const stat = readFileSync(`/proc/${this.#process.pid}/stat`, 'utf8');
    // Fields 14 and 15 of proc(5); the name in field 2 may have spaces in it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await ended;
  }
}
