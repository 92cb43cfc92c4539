import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync, closeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { berthError, type BerthError } from '../../base/errors.ts';
import { hasErrno } from '../system/errno.ts';
import { lastLines } from '../system/run-command.ts';

const LOG_LINES_SHOWN = 5;

/** Found from the sources and from the compiled files alike; the compiler copies no scripts. */
const INIT_SCRIPT = fileURLToPath(
  new URL('../../../src/lab/private-host/host-init.sh', import.meta.url),
);

/** What the starter says to a host's first process; see host-init.sh. */
export type Word = 'enter' | 'start' | 'keep' | 'bind';

/**
 * The process that a host begins with, while it is being started. It lives in its own session, so
 * Ctrl-C does not reach it, and it ends by itself when this process dies before `keep`.
 */
export class HostProcess {
  /** The pid that outlives the start and that all other processes of the host end with. */
  readonly mainPid: Promise<number>;
  /** Settles when its namespaces and mounts are made. */
  readonly made: Promise<void>;
  /** Rejects when it ends, or libvirtd does, before the host was kept; never resolves. */
  readonly failed: Promise<never>;
  readonly #child: ChildProcess;

  /** @param verb which kind of host the init script is to make. */
  constructor(
    verb: 'namespace' | 'session',
    options: { readonly dir: string; readonly env: Readonly<Record<string, string>> },
  ) {
    const logs = ['libvirtd.log', 'init.log'].map((name) => join(options.dir, name));
    const log = openSync(join(options.dir, 'init.log'), 'w', 0o600);
    this.#child = spawn('sh', [INIT_SCRIPT, verb], {
      detached: true,
      env: options.env,
      stdio: ['pipe', 'pipe', log],
    });
    closeSync(log);
    this.#child.stdin?.on('error', ignoreBrokenPipe);
    const pid = Promise.withResolvers<number>();
    const made = Promise.withResolvers<undefined>();
    const failed = Promise.withResolvers<never>();
    const fail = (problem: string): void => {
      void explain(problem, logs).then(failed.reject, failed.reject);
    };
    this.mainPid = Promise.race([pid.promise, failed.promise]);
    this.made = Promise.race([made.promise, failed.promise]);
    this.failed = failed.promise;
    // Whichever is not awaited when the host fails must not count as unhandled.
    for (const promise of [this.mainPid, this.made, this.failed]) promise.catch(() => undefined);
    this.#child.on('error', (error) => fail(error.message));
    this.#child.on('exit', (code) => fail(`it ended with status ${code}`));
    const lines = createInterface({ input: this.#stdout });
    lines.on('line', (line) => {
      const [word, value] = line.split(' ');
      if (word === 'pid') pid.resolve(Number(value));
      if (word === 'made') made.resolve(undefined);
      if (word === 'ended') fail(`libvirtd ended with status ${value}`);
    });
  }

  /** The pid of the process itself, the outermost of the host. */
  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw berthError('BERTH_INTERNAL', { what: 'a process without a pid' });
    return pid;
  }

  say(word: Word): void {
    this.#child.stdin?.write(`${word}\n`);
  }

  /** Lets it live on without this process; the last thing said must have been `keep`. */
  release(): void {
    this.#child.removeAllListeners('exit');
    this.#child.stdin?.end();
    this.#stdout.destroy();
    this.#child.unref();
  }

  /** Leaves it tied to this process, which need not stay for it; the last thing said was `bind`. */
  hold(): void {
    this.#child.removeAllListeners('exit');
    for (const pipe of [this.#child.stdin, this.#child.stdout]) {
      if (pipe instanceof Socket) pipe.unref();
    }
    this.#child.unref();
  }

  /** Ends it, and by that everything that it started, and waits until it is gone. */
  async kill(): Promise<void> {
    if (this.#child.pid === undefined) return;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }

  get #stdout(): NodeJS.ReadableStream & { destroy(): void } {
    const { stdout } = this.#child;
    if (stdout === null) throw berthError('BERTH_INTERNAL', { what: 'a process without a pipe' });
    return stdout;
  }
}

/** It may end while it is being spoken to; its end is what gets reported. */
function ignoreBrokenPipe(error: Error): void {
  if (!hasErrno(error, 'EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED')) throw error;
}

async function explain(problem: string, logs: readonly string[]): Promise<BerthError> {
  const tails = await Promise.all(logs.map(async (log) => tailOf(log)));
  const tail = tails.find((text) => text !== '') ?? '';
  return berthError('BERTH_HYPERVISOR_FAILED', {
    problem: `the hypervisor did not start: ${problem}${tail === '' ? '' : `\n${tail}`}`,
    log: logs[0] ?? 'none',
  });
}

async function tailOf(log: string): Promise<string> {
  try {
    return lastLines(await readFile(log, 'utf8'), LOG_LINES_SHOWN);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return '';
    throw error;
  }
}
