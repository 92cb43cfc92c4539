import { readFile, readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { berthError } from '../../base/errors.ts';
import { InitProcess } from '../private-host/init-process.ts';
import {
  identifyProcess,
  isRunning,
  killProcess,
  type ProcessIdentity,
} from '../system/process-identity.ts';
import { SYSTEM_PATH } from '../system/system-path.ts';
import { networkOf, NETWORKS_MAX, networkNumber } from './lab-network.ts';

const START_DEADLINE_MS = 30_000;
const END_DEADLINE_MS = 30_000;

const LAB_INIT_SCRIPT = fileURLToPath(
  new URL('../../../src/lab/fleet/lab-init.sh', import.meta.url),
);

/** The process that a lab is: pid 1 of its namespaces, which end with it. */
export interface Keeper {
  readonly process: ProcessIdentity;
  /** The number of the lab's network, see lab-network.ts. */
  readonly network: number;
}

/**
 * Starts the keeper of a lab on a network that no other lab of this machine has: the numbers in use
 * stand in the command lines of the keepers. Two labs that start at once may take the same, so that
 * is looked at again once the keeper runs, and the younger one takes another.
 * @param wish the number to begin with, so that a lab tends to get the same one again.
 * @param remember called with the keeper before it may outlive this process.
 * @throws BERTH_HYPERVISOR_FAILED, BERTH_INTERRUPTED.
 */
export async function startKeeper(
  dir: string,
  wish: number,
  signal: AbortSignal,
  remember: (keeper: Keeper) => Promise<void>,
): Promise<Keeper> {
  const tried = new Set<number>();
  for (;;) {
    const network = await freeNetwork(wish, tried);
    tried.add(network);
    const child = new InitProcess({
      what: 'the lab',
      script: [LAB_INIT_SCRIPT, 'start', networkOf(network).prefix],
      dir,
      env: { PATH: SYSTEM_PATH, LC_ALL: 'C', BERTH_DIR: dir },
    });
    try {
      const stopped = rejectOnAbort(signal);
      stopped.catch(() => undefined); // not always awaited any more when it fires
      child.say('enter');
      const process = await identifyProcess(await Promise.race([child.mainPid, stopped]));
      if (process === undefined) return await child.failed;
      await Promise.race([child.made, stopped]);
      if (await isTakenByElder(network, process)) {
        await child.kill();
        continue;
      }
      const keeper = { process, network };
      await remember(keeper);
      child.say('start');
      child.say('keep');
      child.release();
      return keeper;
    } catch (error) {
      await child.kill();
      throw error;
    }
  }
}

/** What it awaits takes milliseconds; a machine on which it takes longer is stuck. */
async function rejectOnAbort(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  const what = 'the start of the lab';
  const end = AbortSignal.timeout(START_DEADLINE_MS);
  end.addEventListener('abort', () => {
    reject(berthError('BERTH_DEADLINE', { what, afterMs: START_DEADLINE_MS }));
  });
  const interrupt = (): void => reject(berthError('BERTH_INTERRUPTED', { what }));
  if (signal.aborted) interrupt();
  signal.addEventListener('abort', interrupt, { once: true });
  return promise;
}

/** True while the lab's namespaces are there. */
export async function keeperRuns(keeper: Keeper): Promise<boolean> {
  return isRunning(keeper.process);
}

/** Ends every process of the lab at once. */
export async function endKeeper(keeper: Keeper): Promise<void> {
  await killProcess(keeper.process, END_DEADLINE_MS);
}

async function freeNetwork(wish: number, tried: ReadonlySet<number>): Promise<number> {
  const taken = new Set((await runningKeepers()).map(({ network }) => network));
  for (let step = 0; step < NETWORKS_MAX; step++) {
    const network = (wish + step) % NETWORKS_MAX;
    if (!taken.has(network) && !tried.has(network)) return network;
  }
  throw berthError('BERTH_CONFLICT', {
    what: 'the network of a new lab',
    why: `all ${NETWORKS_MAX} that there are belong to labs of this machine`,
    remedy: 'end a lab that is not needed any more',
  });
}

async function isTakenByElder(network: number, own: ProcessIdentity): Promise<boolean> {
  const others = (await runningKeepers()).filter(
    (keeper) => keeper.network === network && keeper.process.pid !== own.pid,
  );
  return others.some(({ process }) => isElder(process, own));
}

/** Of two of the same clock tick the lower number counts as the elder. */
function isElder(one: ProcessIdentity, other: ProcessIdentity): boolean {
  const byAge = Number(one.startTicks) - Number(other.startTicks);
  return byAge === 0 ? one.pid < other.pid : byAge < 0;
}

/** All keepers of this machine, whoever started them. */
async function runningKeepers(): Promise<readonly Keeper[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map(keeperAt));
  return found.filter((keeper) => keeper !== undefined);
}

async function keeperAt(pid: number): Promise<Keeper | undefined> {
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  const [, script = '', verb, prefix = ''] = command.split('\0');
  if (!script.endsWith('/lab-init.sh') || verb !== 'keep') return undefined;
  const network = networkNumber(prefix);
  const process = await identifyProcess(pid);
  return network === undefined || process === undefined ? undefined : { process, network };
}
