import { spawn, type ChildProcess } from 'node:child_process';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import type { Clock } from '../rpc/clock.ts';

/** How much of the end of its standard error is kept. */
const STDERR_TAIL_BYTES = 16 * 1024;
/** How long its last words are waited for after its end: another process may hold its output open. */
const LAST_WORDS_MS = 250;
/** How long it has to end by SIGTERM before SIGKILL. */
const TERMINATE_GRACE_MS = 2000;

/** How ssh ended. */
export interface SshEnding {
  /** Its status: 255 for what ssh itself failed at, else that of the command on the far side. */
  readonly status: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  /** It was told to end, so its status says nothing of why. */
  readonly isStopped: boolean;
  /** The end of its standard error. */
  readonly stderr: string;
  /** Why it could not be started at all. */
  readonly failure?: NodeJS.ErrnoException;
}

/**
 * The system's ssh as a child. It leads a session of its own: no terminal is its to ask at, and a
 * Ctrl-C that is meant for this process does not end it.
 */
export class SshChild {
  readonly input: Writable;
  readonly output: Readable;
  /** Settles once it has ended; it never fails. */
  readonly ended: Promise<SshEnding>;
  readonly #clock: Clock;
  readonly #pid: number | undefined;
  #hasEnded = false;
  #isStopped = false;

  constructor(program: string, args: readonly string[], clock: Clock) {
    const { promise, resolve } = Promise.withResolvers<SshEnding>();
    const child = start(program, args, (failure) => {
      resolve({ status: undefined, signal: undefined, isStopped: false, stderr: '', failure });
    });
    this.input = child?.stdin ?? new PassThrough();
    this.output = child?.stdout ?? new PassThrough();
    this.#clock = clock;
    this.#pid = child?.pid;
    this.input.on('error', ignoreClosedPipe);
    this.output.on('error', ignoreClosedPipe);
    let stderr = Buffer.alloc(0);
    const end = (status: number | null, signal: NodeJS.Signals | null): void => {
      const said = stderr.toString('utf8').trim();
      const isStopped = this.#isStopped;
      resolve({
        status: status ?? undefined,
        signal: signal ?? undefined,
        isStopped,
        stderr: said,
      });
    };
    child?.stderr?.on('data', (chunk: Buffer) => {
      stderr = Buffer.concat([stderr, chunk]).subarray(-STDERR_TAIL_BYTES);
    });
    child?.once('exit', (status, signal) => {
      const stopClock = clock.after(LAST_WORDS_MS, () => end(status, signal));
      child.once('close', () => {
        stopClock();
        end(status, signal);
      });
    });
    this.ended = promise.finally(() => {
      this.#hasEnded = true;
    });
  }

  /** Calls back once it has ended, as streams want to be told. */
  whenEnded(run: (ending: SshEnding) => void): void {
    void this.#tell(run);
  }

  /** Ends it and whatever it has started, such as the ssh of a ProxyJump. */
  stop(): void {
    if (this.#isStopped || this.#hasEnded) return;
    this.#isStopped = true;
    this.#send('SIGTERM');
    const stopClock = this.#clock.after(TERMINATE_GRACE_MS, () => this.#send('SIGKILL'));
    this.whenEnded(stopClock);
  }

  async #tell(run: (ending: SshEnding) => void): Promise<void> {
    run(await this.ended);
  }

  #send(signal: NodeJS.Signals): void {
    if (this.#pid === undefined) return;
    try {
      process.kill(-this.#pid, signal);
    } catch {
      // It has ended by itself meanwhile.
    }
  }
}

/**
 * Starts a program. Some failures Node throws, others it tells of later; where no file descriptor is
 * left it gives a child that lacks its pipes, whatever its types say.
 */
function start(
  program: string,
  args: readonly string[],
  fail: (failure: NodeJS.ErrnoException) => void,
): (Partial<ChildProcess> & Pick<ChildProcess, 'once'>) | undefined {
  try {
    return spawn(program, args, { stdio: 'pipe', detached: true }).once('error', fail);
  } catch (error) {
    fail(error as NodeJS.ErrnoException); // spawn throws nothing else
    return undefined;
  }
}

/** The end of the process tells why a pipe to it broke. */
function ignoreClosedPipe(): void {}
