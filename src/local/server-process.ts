import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { berthError, isBerthError } from '../base/errors.ts';
import { MIB } from '../base/units.ts';
import { hasErrno } from '../lab/system/errno.ts';
import {
  identifyProcess,
  isRunning,
  killProcess,
  type ProcessIdentity,
} from '../lab/system/process-identity.ts';
import { lastLines } from '../lab/system/run-command.ts';
import type { ServerPort } from './server-port.ts';
import type { StateFolder } from './state-folder.ts';

/** The server opens its store and connects to its hosts first; it takes 0.5 s on an idle machine. */
export const SERVER_READY_MS_MAX = 30_000;
/** A server that is there and well answers at once; one that does not in this time hangs. */
const ANSWER_MS_MAX = 5_000;
/** How long it may take to end its work when asked, before it is killed; its journal allows both. */
const END_MS_MAX = 15_000;
/** The same for one that does not answer any more. */
export const HUNG_END_MS_MAX = 2_000;
const KILL_MS_MAX = 5_000;
/** A log larger than this is set aside when the server starts; one such is kept. */
const LOG_BYTES_MAX = 16 * MIB;
const LOG_LINES_SHOWN = 5;
const LOOK_AGAIN_MS = 20;

const SERVE_NOTHING_MORE = {
  BERTH_LISTEN: '',
  BERTH_TLS_CERT: '',
  BERTH_TLS_KEY: '',
  BERTH_STORE: '',
};

/**
 * The server process that serves a state folder, by its record or, where a crash came before that
 * was written, by its own word; undefined when none runs.
 */
export async function findServer(
  folder: StateFolder,
  port: ServerPort,
  signal: AbortSignal,
): Promise<ProcessIdentity | undefined> {
  const recorded = await readRecord(folder);
  if (recorded !== undefined && (await isRunning(recorded))) return recorded;
  const answer = await askServer(port, signal);
  return answer === undefined ? undefined : identifyProcess(answer.pid);
}

/** The server's word, if it is there and well; undefined when it is not or does not answer in time. */
export async function askServer(
  port: ServerPort,
  signal: AbortSignal,
): Promise<{ readonly pid: number } | undefined> {
  const limit = AbortSignal.timeout(ANSWER_MS_MAX);
  try {
    return await port.ready(0, AbortSignal.any([signal, limit]));
  } catch (error) {
    if (limit.aborted && !signal.aborted) return undefined;
    if (isBerthError(error, 'BERTH_SERVER_UNREACHABLE')) return undefined;
    throw error;
  }
}

/**
 * Starts the server as a process that outlives this one, and waits until it answers. It must be
 * known that none runs: what a crashed one left is removed.
 * @param command absolute paths, since its working directory is the root.
 * @throws BERTH_COMMAND_FAILED with the end of its log when it ends instead; BERTH_SERVER_UNREACHABLE.
 */
export async function startServer(
  folder: StateFolder,
  command: readonly string[],
  port: ServerPort,
  signal: AbortSignal,
): Promise<ProcessIdentity> {
  await rm(folder.socket, { force: true });
  await setLogAside(folder.serverLog);
  const child = spawnDetached(folder, command);
  const giveUp = new AbortController();
  try {
    const ready = port.ready(SERVER_READY_MS_MAX, AbortSignal.any([signal, giveUp.signal]));
    await Promise.race([ready, earlyEnd(child, folder.serverLog)]);
    const identity = await identifyProcess(child.pid ?? 0);
    if (identity === undefined) throw await endedEarly('at once', folder.serverLog);
    await writeRecord(folder, identity);
    child.removeAllListeners();
    child.unref();
    return identity;
  } catch (error) {
    giveUp.abort();
    await endChild(child);
    await rm(folder.socket, { force: true });
    throw error;
  }
}

/**
 * Ends a server: it is asked to, and killed when it takes too long. Its socket and record go too.
 * @throws BERTH_DEADLINE when even the kernel cannot end it.
 */
export async function stopServer(
  folder: StateFolder,
  server: ProcessIdentity,
  graceMs = END_MS_MAX,
): Promise<void> {
  if (await isRunning(server)) {
    signalOrGone(server.pid, 'SIGTERM');
    const end = performance.now() + graceMs;
    while (performance.now() < end && (await isRunning(server))) await delay(LOOK_AGAIN_MS);
    await killProcess(server, KILL_MS_MAX);
  }
  await rm(folder.socket, { force: true });
  await rm(recordPath(folder), { force: true });
}

function recordPath({ run }: StateFolder): string {
  return join(run, 'server.pid');
}

/** The record as `startServer` wrote it; undefined when there is none or it is damaged. */
async function readRecord(folder: StateFolder): Promise<ProcessIdentity | undefined> {
  try {
    const [pid, startTicks, bootId] = (await readFile(recordPath(folder), 'utf8')).split(/\s+/);
    if (startTicks === undefined || bootId === undefined) return undefined;
    return { pid: Number(pid), startTicks, bootId };
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** The pid stands first and on a line of its own, as in any pid file. */
async function writeRecord(folder: StateFolder, server: ProcessIdentity): Promise<void> {
  const path = recordPath(folder);
  const text = `${server.pid}\n${server.startTicks} ${server.bootId}\n`;
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

function spawnDetached(folder: StateFolder, command: readonly string[]): ChildProcess {
  const [program = '', ...args] = command;
  const log = openSync(folder.serverLog, 'a', 0o600);
  try {
    return spawn(program, args, {
      cwd: '/',
      // What serve would take from the environment is not meant for the server of this machine alone.
      env: { ...process.env, ...SERVE_NOTHING_MORE, BERTH_HOME: folder.home },
      stdio: ['ignore', log, log],
      detached: true,
    });
  } finally {
    closeSync(log);
  }
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

async function earlyEnd(child: ChildProcess, log: string): Promise<never> {
  const { promise, resolve } = Promise.withResolvers<string>();
  child.once('error', (error) => resolve(error.message));
  child.once('exit', (code, killedBy) => resolve(killedBy ?? `exit ${code}`));
  throw await endedEarly(await promise, log);
}

async function endedEarly(status: string, log: string): Promise<Error> {
  const tail = lastLines(await readFile(log, 'utf8').catch(() => ''), LOG_LINES_SHOWN);
  return berthError('BERTH_COMMAND_FAILED', {
    command: 'the Berth server',
    status: `${status}, log: ${log}`,
    output: tail,
  });
}

async function setLogAside(log: string): Promise<void> {
  try {
    if ((await stat(log)).size > LOG_BYTES_MAX) await rename(log, `${log}.1`);
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error;
  }
}

function signalOrGone(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!hasErrno(error, 'ESRCH')) throw error;
  }
}
