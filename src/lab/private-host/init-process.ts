import { spawn, type ChildProcess } from 'node:child_process';
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
export const HOST_INIT_SCRIPT = fileURLToPath(
  new URL('../../../src/lab/private-host/host-init.sh', import.meta.url),
);

/** What the starter says to the first process; see host-init.sh. */
export type Word = 'enter' | 'start' | 'keep' | 'bind';

/**
 * The script hears its starter on what is descriptor 3 here: Node closes a process's standard input
 * once that process has ended, though it may have left it to another.
 */
const ASIDE: readonly string[] = ['sh', '-c', 'exec "$@" <&3 3<&-', 'sh'];

/** As `ASIDE`, but left in the background by a shell that ends at once. */
export const LEFT_BEHIND: readonly string[] = ['sh', '-c', '"$@" <&3 3<&- &', 'sh'];

/** What is to be started. */
export interface InitProcessOptions {
  /** What is said to have failed, when it does: `the hypervisor`. */
  readonly what: string;
  /** The script and its arguments. */
  readonly script: readonly string[];
  /** A command that starts the script in other namespaces than ours, and gives it descriptor 3. */
  readonly within?: readonly string[];
  /** Where its log goes, and libvirtd's. */
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * The process that a host or a lab begins with, while it is being started. It lives in its own
 * session, so Ctrl-C does not reach it, and it ends by itself when this process dies before `keep`.
 */
export class InitProcess {
  /** The pid, seen from here, of the process that the script begins in. */
  readonly begun: Promise<number>;
  /** The pid that outlives the start and that all other processes of the host end with. */
  readonly mainPid: Promise<number>;
  /** Settles when its namespaces and mounts are made. */
  readonly made: Promise<void>;
  /** Rejects when it ends, or libvirtd does, before the host was kept; never resolves. */
  readonly failed: Promise<never>;
  readonly #child: ChildProcess;
  /** Settles when it has ended, and whatever speaks for it. */
  readonly #closed: Promise<void>;
  #hasClosed = false;
  #letGo = false;

  constructor(options: InitProcessOptions) {
    const [program, ...args] = [...(options.within ?? ASIDE), 'sh', ...options.script];
    const logs = ['libvirtd.log', 'init.log'].map((name) => join(options.dir, name));
    const log = openSync(join(options.dir, 'init.log'), 'w', 0o600);
    this.#child = spawn(program ?? 'sh', args, {
      detached: true,
      env: options.env,
      stdio: ['ignore', 'pipe', log, 'pipe'],
    });
    closeSync(log);
    // Its end is only seen by who reads, though nothing ever comes this way.
    this.#words.on('error', ignoreBrokenPipe).resume();
    const begun = Promise.withResolvers<number>();
    const pid = Promise.withResolvers<number>();
    const made = Promise.withResolvers<undefined>();
    const failed = Promise.withResolvers<never>();
    const fail = (problem: string): void => {
      void explain(`${options.what} did not start: ${problem}`, logs).then(
        failed.reject,
        failed.reject,
      );
    };
    this.begun = Promise.race([begun.promise, failed.promise]);
    this.mainPid = Promise.race([pid.promise, failed.promise]);
    this.made = Promise.race([made.promise, failed.promise]);
    this.failed = failed.promise;
    // Whichever is not awaited when the host fails must not count as unhandled.
    for (const promise of [this.begun, this.mainPid, this.made, this.failed])
      promise.catch(() => undefined);
    this.#child.on('error', (error) => fail(error.message));
    const closed = Promise.withResolvers<undefined>();
    this.#closed = closed.promise;
    // Not `exit`: what it was started within may end before it.
    this.#child.on('close', (code) => {
      this.#hasClosed = true;
      closed.resolve(undefined);
      if (!this.#letGo) fail(`it ended with status ${code}`);
    });
    const lines = createInterface({ input: this.#stdout });
    lines.on('line', (line) => {
      const [word, value] = line.split(' ');
      if (word === 'begun') begun.resolve(Number(value));
      if (word === 'pid') pid.resolve(Number(value));
      if (word === 'made') made.resolve(undefined);
      if (word === 'ended') fail(`libvirtd ended with status ${value}`);
    });
  }

  say(word: Word): void {
    this.#words.write(`${word}\n`);
  }

  /** Lets it live on without this process; the last thing said must have been `keep`. */
  release(): void {
    this.#letGo = true;
    this.#words.destroy();
    this.#stdout.destroy();
    this.#child.unref();
  }

  /** Leaves it tied to this process, which need not stay for it; the last thing said was `bind`. */
  hold(): void {
    this.#letGo = true;
    this.#words.unref();
    this.#stdout.unref();
    this.#child.unref();
  }

  /** Ends it, and by that everything that it started, and waits until it is gone. */
  async kill(): Promise<void> {
    const { pid } = this.#child;
    // All of the group has ended when nothing speaks for it any more; its number may be another's.
    if (pid === undefined || this.#hasClosed) return;
    try {
      process.kill(-pid, 'SIGKILL'); // the group that it leads, or led
    } catch (error) {
      if (!hasErrno(error, 'ESRCH')) throw error;
    }
    await this.#closed;
  }

  get #stdout(): Socket {
    return asSocket(this.#child.stdio[1]);
  }

  get #words(): Socket {
    return asSocket(this.#child.stdio[3]);
  }
}

function asSocket(pipe: unknown): Socket {
  if (pipe instanceof Socket) return pipe;
  throw berthError('BERTH_INTERNAL', { what: 'a process without a pipe' });
}

/** It may end while it is being spoken to; its end is what gets reported. */
function ignoreBrokenPipe(error: Error): void {
  if (!hasErrno(error, 'EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED')) throw error;
}

async function explain(problem: string, logs: readonly string[]): Promise<BerthError> {
  const tails = await Promise.all(logs.map(async (log) => tailOf(log)));
  const tail = tails.find((text) => text !== '') ?? '';
  return berthError('BERTH_HYPERVISOR_FAILED', {
    problem: `${problem}${tail === '' ? '' : `\n${tail}`}`,
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
