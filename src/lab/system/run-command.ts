import { spawn, type ChildProcess } from 'node:child_process';
import { statfs } from 'node:fs/promises';
import { berthError, type BerthError } from '../../base/errors.ts';
import { KIB, MIB } from '../../base/units.ts';
import { hasErrno } from './errno.ts';

/** Most that a command may write to its standard output. */
export const COMMAND_OUTPUT_BYTES_MAX = 16 * MIB;
/** How much of the end of its standard error is kept for the message. */
const STDERR_TAIL_BYTES = 16 * KIB;
/** How many of its last lines an error shows. */
const STDERR_LINES_SHOWN = 8;
/** How long a command has to end by SIGTERM before SIGKILL. */
const TERMINATE_GRACE_MS = 2_000;
/** A command that failed on a file system with less than this free is taken to have filled it. */
const DISK_FULL_BYTES = 2 * MIB;

/** The program first; nothing of it ever passes through a shell. */
export type Argv = readonly [program: string, ...args: readonly string[]];

export interface CommandOptions {
  readonly signal?: AbortSignal;
  /** The command is ended after this. */
  readonly deadlineMs: number;
  readonly cwd?: string;
  /** The whole environment; without it the caller's own, with messages in English. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Hears every line of both outputs as it comes, for progress. */
  readonly onLine?: (line: string) => void;
  /** The folder it writes to; a failure with that file system full becomes BERTH_DISK_FULL. */
  readonly writesTo?: string;
  /** Packages that bring the program, named when it is missing. */
  readonly packages?: readonly string[];
  /** Gives it this process's terminal (sudo asks there); then nothing is captured. */
  readonly terminal?: boolean;
}

export interface CommandOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program of this machine to its end. Whatever `lab` and `local` run to its end goes through
 * here; processes that live longer are started where they belong. On abort or deadline its whole
 * process group gets SIGTERM, and SIGKILL two seconds later; with a terminal only the program
 * itself, as the terminal signals its group. Without one the end is also that of both outputs: a
 * process that the program leaves in the background is waited for as long as it holds them.
 * @throws BERTH_COMMAND_FAILED with the last lines of its error output, for a status other than 0.
 * @throws BERTH_PACKAGES_NEEDED when there is no such program, BERTH_PERMISSION when it may not run.
 * @throws BERTH_DISK_FULL, BERTH_TOO_LARGE, BERTH_DEADLINE, BERTH_INTERRUPTED.
 */
export async function runCommand(argv: Argv, options: CommandOptions): Promise<CommandOutput> {
  const [program, ...args] = argv;
  if (options.signal?.aborted === true) throw berthError('BERTH_INTERRUPTED', { what: program });
  const terminal = options.terminal === true;
  const child = spawn(program, args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: options.env ?? { ...process.env, LC_ALL: 'C' },
    stdio: terminal ? 'inherit' : 'pipe',
    detached: !terminal,
  });
  const output = new CapturedOutput(child, options.onLine);
  child.stdin?.on('error', ignoreClosedInput).end(options.input ?? '');
  const stop = new StopReason(child, terminal, program, options);
  try {
    const ended = await endOf(child);
    if (stop.error !== undefined) throw stop.error;
    if (output.tooLarge !== undefined) throw output.tooLarge;
    if (ended !== 'exit 0') throw await failure(argv, ended, output.stderr, options);
    return { stdout: output.stdout, stderr: output.stderr };
  } catch (error) {
    throw hasErrno(error, 'ENOENT', 'EACCES') ? cannotStart(error, program, options) : error;
  } finally {
    stop.clear();
  }
}

/** Collects what a child writes, within the limits. */
class CapturedOutput {
  readonly #stdout: Buffer[] = [];
  #stdoutBytes = 0;
  #stderr = Buffer.alloc(0);
  tooLarge: BerthError | undefined;

  constructor(child: ChildProcess, onLine: ((line: string) => void) | undefined) {
    child.stdout?.on('data', (chunk: Buffer) => {
      this.#keepStdout(child, chunk);
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = Buffer.concat([this.#stderr, chunk]).subarray(-STDERR_TAIL_BYTES);
    });
    if (onLine !== undefined) {
      child.stdout?.on('data', lineSplitter(onLine));
      child.stderr?.on('data', lineSplitter(onLine));
    }
  }

  get stdout(): string {
    return Buffer.concat(this.#stdout).toString('utf8');
  }

  get stderr(): string {
    return this.#stderr.toString('utf8');
  }

  #keepStdout(child: ChildProcess, chunk: Buffer): void {
    this.#stdoutBytes += chunk.length;
    if (this.#stdoutBytes <= COMMAND_OUTPUT_BYTES_MAX) {
      this.#stdout.push(chunk);
      return;
    }
    this.tooLarge ??= berthError('BERTH_TOO_LARGE', {
      what: `the output of ${child.spawnfile}`,
      size: this.#stdoutBytes,
      max: COMMAND_OUTPUT_BYTES_MAX,
    });
    child.kill('SIGKILL');
  }
}

/** Ends a child on abort or at its deadline; the first reason is the one that is reported. */
class StopReason {
  error: BerthError | undefined;
  readonly #child: ChildProcess;
  readonly #terminal: boolean;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: () => void;

  constructor(child: ChildProcess, terminal: boolean, what: string, options: CommandOptions) {
    this.#child = child;
    this.#terminal = terminal;
    this.#signal = options.signal;
    this.#onAbort = (): void => {
      this.#stop(berthError('BERTH_INTERRUPTED', { what }));
    };
    const onDeadline = (): void => {
      this.#stop(berthError('BERTH_DEADLINE', { what, afterMs: options.deadlineMs }));
    };
    options.signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.#timers.push(setTimeout(onDeadline, options.deadlineMs));
  }

  clear(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }

  #stop(error: BerthError): void {
    if (this.error !== undefined) return;
    this.error = error;
    this.#send('SIGTERM');
    this.#timers.push(setTimeout(() => this.#send('SIGKILL'), TERMINATE_GRACE_MS));
  }

  #send(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(this.#terminal ? pid : -pid, signal);
    } catch (error) {
      if (!hasErrno(error, 'ESRCH')) throw error;
    }
  }
}

/** A program may end without reading its input; its status tells whether that was an error. */
function ignoreClosedInput(error: Error): void {
  if (!hasErrno(error, 'EPIPE', 'ECONNRESET')) throw error;
}

async function endOf(child: ChildProcess): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  child.on('error', reject);
  child.on('close', (code, signal) => {
    resolve(signal === null ? `exit ${code}` : `ended by ${signal}`);
  });
  return promise;
}

function lineSplitter(onLine: (line: string) => void): (chunk: Buffer) => void {
  let rest = '';
  return (chunk) => {
    const lines = (rest + chunk.toString('utf8')).split(/[\r\n]+/);
    rest = (lines.pop() ?? '').slice(-KIB);
    for (const line of lines) if (line !== '') onLine(line);
  };
}

async function failure(
  argv: Argv,
  status: string,
  stderr: string,
  options: CommandOptions,
): Promise<BerthError> {
  const [program] = argv;
  const path = options.writesTo;
  if (path !== undefined && (await isFull(path))) {
    return berthError('BERTH_DISK_FULL', { what: `the output of ${program}`, path });
  }
  return berthError('BERTH_COMMAND_FAILED', {
    command: program,
    status,
    output: lastLines(stderr, STDERR_LINES_SHOWN),
  });
}

async function isFull(path: string): Promise<boolean> {
  try {
    const { bavail, bsize, ffree, files } = await statfs(path);
    return bavail * bsize < DISK_FULL_BYTES || (files > 0 && ffree === 0);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

/** The last lines of a text that hold anything. */
export function lastLines(text: string, count: number): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.slice(-count).join('\n');
}

function cannotStart(error: unknown, program: string, options: CommandOptions): BerthError {
  if (hasErrno(error, 'EACCES')) {
    return berthError(
      'BERTH_PERMISSION',
      { what: `running ${program}`, reason: 'the file may not be executed', remedy: 'ask root' },
      { cause: error },
    );
  }
  const packages = options.packages ?? [];
  return berthError(
    'BERTH_PACKAGES_NEEDED',
    {
      packages: packages.length === 0 ? [program] : packages,
      remedy: `install what brings the program "${program}", then try again`,
    },
    { cause: error },
  );
}
