import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { berthError } from '../../base/errors.ts';
import { compileC } from '../system/c-compiler.ts';
import { identifyProcess, type ProcessIdentity } from '../system/process-identity.ts';
import { lastLines } from '../system/run-command.ts';
import { readIfThere } from '../system/read-if-there.ts';
import { SYSTEM_PATH } from '../system/system-path.ts';
import type { FaultNetwork, FaultWork } from './fault-target.ts';
import { processesBeside } from './host-processes.ts';

const START_DEADLINE_MS = 10_000;
const LOG_LINES_SHOWN = 5;

/** Found from the sources and from the compiled files alike; the compiler copies no C. */
const SOURCE = fileURLToPath(new URL('../../../src/lab/fault/wire.c', import.meta.url));

/** A compiler may be there without these; one of the C library and one of the kernel. */
const HEADERS = ['/usr/include/stdio.h', '/usr/include/linux/if_tun.h'];

/** How bad a cable is. */
export interface WireOptions {
  readonly delayMs: number;
  readonly dropPercent: number;
  /** Which frames are lost: the same for the same seed. */
  readonly seed: number;
}

/** The link that a wire makes, to be put on the bridge in the place of the host's own. */
export function wireTap({ link }: FaultNetwork): string {
  return `w${link}`;
}

/**
 * Starts a wire on a host's link, see wire.c. It ends with the lab, with the link, or when it is
 * killed; its TAP goes with it.
 * @param folder where its log goes.
 * @throws BERTH_PACKAGES_NEEDED without a compiler or the C library's headers;
 *   BERTH_COMMAND_FAILED when it does not begin, BERTH_DEADLINE, BERTH_INTERRUPTED.
 */
export async function startWire(
  network: FaultNetwork,
  options: WireOptions,
  { cache, folder }: { readonly cache: string; readonly folder: string },
  work: FaultWork,
): Promise<ProcessIdentity> {
  const program = await buildWire(cache, work);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'wire.log');
  const log = await open(path, 'w', 0o600);
  try {
    return await spawnWire([program, ...wireArguments(network, options)], network, log.fd, path);
  } finally {
    await log.close();
  }
}

/** The wires on a host's link that run, whoever started them: by their command lines. */
export async function findWires(network: FaultNetwork): Promise<readonly ProcessIdentity[]> {
  const found = (await processesBeside(network.keeper)).map(async ({ identity }) => {
    const command = await readFile(`/proc/${identity.pid}/cmdline`, 'utf8').catch(() => '');
    const [, link, tap] = command.split('\0');
    return link === network.link && tap === wireTap(network) ? [identity] : [];
  });
  return (await Promise.all(found)).flat();
}

async function buildWire(cache: string, { signal }: FaultWork): Promise<string> {
  for (const header of HEADERS) {
    if ((await readIfThere(header)) !== undefined) continue;
    throw berthError('BERTH_PACKAGES_NEEDED', {
      packages: ['libc6-dev'],
      remedy: 'install the headers of the C library; on Debian: apt-get install libc6-dev',
    });
  }
  const options = { dir: cache, ...(signal === undefined ? {} : { signal }) };
  return compileC({ source: SOURCE, kind: 'program' }, options);
}

function wireArguments(network: FaultNetwork, options: WireOptions): readonly string[] {
  const numbers = [options.delayMs, options.dropPercent, options.seed];
  return [network.link, wireTap(network), ...numbers.map(String)];
}

/** In the lab's namespaces and left to its keeper: the shell in between ends at once. */
async function spawnWire(
  argv: readonly string[],
  { keeper }: FaultNetwork,
  log: number,
  logPath: string,
): Promise<ProcessIdentity> {
  const within = [`--net=/proc/${keeper}/ns/net`, `--pid=/proc/${keeper}/ns/pid`, '--'];
  const child = spawn('nsenter', [...within, 'sh', '-c', '"$@" &', 'sh', ...argv], {
    detached: true,
    cwd: '/',
    env: { PATH: SYSTEM_PATH, LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', log],
  });
  const { stdout } = child;
  if (stdout === null) throw berthError('BERTH_INTERNAL', { what: 'a process without a pipe' });
  try {
    const pid = Number(/^ready (\d+)$/.exec(await firstLine(child, stdout))?.[1]);
    const identity = await identifyProcess(pid);
    if (identity !== undefined) return identity;
    const output = lastLines(await readFile(logPath, 'utf8'), LOG_LINES_SHOWN);
    throw berthError('BERTH_COMMAND_FAILED', { command: 'wire', status: 'ended', output });
  } finally {
    stdout.destroy();
  }
}

/** What a process says first; empty when it ends without a word. */
async function firstLine(child: ChildProcess, stdout: Readable): Promise<string> {
  const line = Promise.withResolvers<string>();
  child.once('error', line.reject);
  const lines = createInterface({ input: stdout });
  lines.once('line', line.resolve);
  lines.once('close', () => line.resolve(''));
  const deadline = setTimeout(() => {
    line.reject(berthError('BERTH_DEADLINE', { what: 'the wire', afterMs: START_DEADLINE_MS }));
  }, START_DEADLINE_MS);
  try {
    return await line.promise;
  } finally {
    clearTimeout(deadline);
    lines.close();
  }
}
