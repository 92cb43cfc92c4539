import { berthError, isBerthError } from '../base/errors.ts';
import type { PrivateHost } from '../lab/private-host/private-host.ts';
import type { ProcessIdentity } from '../lab/system/process-identity.ts';
import { Checklist, type Outcome } from './checklist.ts';
import { isOff } from './first-vm.ts';
import { HELLO } from './hello.ts';
import { endAllLabs } from './lab-up.ts';
import { findPrivateHost } from './hypervisor.ts';
import {
  readLocalRecord,
  writeLocalRecord,
  type HypervisorKind,
  type LocalRecord,
} from './local-record.ts';
import { readMachine } from './machine.ts';
import type { Confirm } from './package-step.ts';
import type { UpProgress } from './progress.ts';
import type { KnownVm, ServerPort } from './server-port.ts';
import { askServer, findServer, stopServer } from './server-process.ts';
import {
  checkOwner,
  codedFileErrors,
  isStateFolder,
  removeStateFolder,
  stateFolder,
  type StateFolder,
} from './state-folder.ts';
import { lockState } from './state-lock.ts';

/** How long guests have to end by themselves before a private hypervisor ends with them. */
export const GUEST_GRACE_MS = 30_000;
/** Ending or removing the first VM, which needs no asking. */
const HELLO_MS_MAX = 60_000;

export interface DownOptions {
  /** The state folder, BERTH_HOME. */
  readonly home: string;
  /** Deletes the state folder too. */
  readonly purge: boolean;
  /** Asks nothing. */
  readonly yes: boolean;
  readonly confirm: Confirm;
  readonly progress: UpProgress;
  readonly signal: AbortSignal;
  readonly server: ServerPort;
}

export interface DownResult {
  /** False when nothing ran, and nothing was to be deleted. */
  readonly changed: boolean;
}

/** What all steps work with. */
interface Run extends DownOptions {
  readonly folder: StateFolder;
  readonly checklist: Checklist;
  readonly record: LocalRecord | undefined;
  /** Undefined when the guests run on the machine's own libvirt, or when it does not run. */
  readonly privateHost: PrivateHost | undefined;
  readonly serverProcess: ProcessIdentity | undefined;
}

/**
 * Ends what `up` started. On a private hypervisor all guests end, after those with anything to lose
 * were asked to; the next `up` starts them again. On the machine's own libvirt only the first VM
 * ends. A person can stop it while guests are waited for; then everything runs on.
 * @throws BERTH_BUSY, BERTH_USAGE when a purge is not agreed to, BERTH_INTERRUPTED,
 *   BERTH_PERMISSION, BERTH_DEADLINE when a process does not end.
 */
export async function down(options: DownOptions): Promise<DownResult> {
  const folder = stateFolder(options.home);
  const checklist = new Checklist('berth down', options.progress, options.signal);
  if (!(await isStateFolder(folder.home))) {
    options.progress.begin('state', 'State folder');
    options.progress.skip('state', `there is none at ${folder.home}, so nothing runs`);
    return { changed: false };
  }
  const { uid } = await readMachine();
  await checkOwner(folder.home, uid);
  if (options.purge) await agreeToPurge(options);
  using _lock = lockState(folder);
  await codedFileErrors(folder.home, async () => {
    const record = await readLocalRecord(folder);
    const kind = record?.kind ?? (uid === 0 ? 'namespace' : 'session');
    await allSteps({ ...options, ...(await whatRuns(options, folder, kind)), checklist, record });
  });
  return { changed: checklist.changed };
}

/** Their processes would outlive the folder that tells of them. */
async function labsOutcome({ folder }: Run): Promise<Outcome<void>> {
  const hosts = await endAllLabs(folder.home);
  const changed = hosts.length > 0;
  return { value: undefined, changed, note: changed ? `ended ${hosts.join(', ')}` : 'none' };
}

async function agreeToPurge({ confirm, home, yes }: DownOptions): Promise<void> {
  const items = [home, 'with its VM definitions, disks, images, labs and logs'];
  if (yes || (await confirm('Delete the state folder?', items))) return;
  throw berthError('BERTH_USAGE', {
    problem: 'nothing was changed, for deleting the state folder was not agreed to',
    usage: 'to be asked nothing: berth down --purge --yes',
  });
}

async function whatRuns(
  { server, signal }: DownOptions,
  folder: StateFolder,
  kind: HypervisorKind,
): Promise<Pick<Run, 'folder' | 'privateHost' | 'serverProcess'>> {
  return {
    folder,
    privateHost: await findPrivateHost(folder, kind),
    serverProcess: await findServer(folder, server, signal),
  };
}

async function allSteps(run: Run): Promise<void> {
  const { checklist, folder, record } = run;
  if (record !== undefined) await checklist.step('vms', 'VMs', async () => vmsOutcome(run, record));
  await checklist.step('server', 'Server', async () => serverOutcome(run));
  if (record?.kind !== 'system') {
    await checklist.step('hypervisor', 'Hypervisor', async () => hypervisorOutcome(run));
  }
  if (!run.purge) return;
  await checklist.step('labs', 'Labs', async () => labsOutcome(run));
  await checklist.step('purge', 'State folder', async () => {
    await removeStateFolder(folder.home);
    return { value: undefined, changed: true, note: `deleted ${folder.home}` };
  });
}

async function vmsOutcome(run: Run, record: LocalRecord): Promise<Outcome<void>> {
  const vms = await runningVms(run, record);
  if (vms === undefined) {
    const note = 'the server does not run, so it cannot tell of any';
    if (record.kind === 'system') run.progress.warn(`${HELLO} may run on: see virsh list`);
    return { value: undefined, changed: false, note };
  }
  return record.kind === 'system' ? endHello(run, vms) : endGuests(run, record, vms);
}

/** All VMs of this machine that are not off; undefined when nobody can tell. */
async function runningVms(
  { server, signal }: Run,
  { hostName }: LocalRecord,
): Promise<readonly KnownVm[] | undefined> {
  if ((await askServer(server, signal)) === undefined) return undefined;
  return (await server.vms(signal)).filter((vm) => vm.host === hostName && !isOff(vm));
}

async function endHello(run: Run, running: readonly KnownVm[]): Promise<Outcome<void>> {
  const { progress, purge, server } = run;
  const others = running.filter((vm) => vm.managed && vm.name !== HELLO).map((vm) => vm.name);
  if (others.length > 0) {
    progress.warn(`these run on, on this machine’s own libvirt: ${others.join(', ')}`);
  }
  const options = { force: true, signal: AbortSignal.timeout(HELLO_MS_MAX) };
  const runs = running.some((vm) => vm.name === HELLO);
  if (purge) {
    const removed = await unlessMissing(server.removeVm(HELLO, options));
    return { value: undefined, changed: removed, note: removed ? `removed ${HELLO}` : 'none' };
  }
  if (runs) await server.stopVm(HELLO, options);
  return { value: undefined, changed: runs, note: runs ? `ended ${HELLO}` : `${HELLO} is off` };
}

async function unlessMissing(removal: Promise<void>): Promise<boolean> {
  try {
    await removal;
    return true;
  } catch (error) {
    if (isBerthError(error, 'BERTH_NOT_FOUND')) return false;
    throw error;
  }
}

/** Guests of a private hypervisor end with it; `hello` has nothing to lose by that. */
async function endGuests(
  run: Run,
  record: LocalRecord,
  running: readonly KnownVm[],
): Promise<Outcome<void>> {
  const { checklist, folder, progress, signal } = run;
  const names = running.map((vm) => vm.name);
  const others = names.filter((name) => name !== HELLO);
  if (others.length > 0) {
    progress.detail('vms', `waiting for ${others.join(', ')} to end`);
    const limit = AbortSignal.any([signal, AbortSignal.timeout(GUEST_GRACE_MS)]);
    await Promise.allSettled(
      others.map(async (name) => run.server.stopVm(name, { force: false, signal: limit })),
    );
    if (signal.aborted) progress.warn('those that were asked to end may still do so');
    checklist.throwIfInterrupted();
  }
  if (!run.purge) await writeLocalRecord(folder, { ...record, resume: others });
  const note = names.length === 0 ? 'none runs' : names.join(', ');
  return { value: undefined, changed: names.length > 0, note };
}

async function serverOutcome({ folder, serverProcess }: Run): Promise<Outcome<void>> {
  if (serverProcess === undefined) return { value: undefined, changed: false, note: 'it is off' };
  await stopServer(folder, serverProcess);
  return { value: undefined, changed: true, note: `ended process ${serverProcess.pid}` };
}

async function hypervisorOutcome({ privateHost }: Run): Promise<Outcome<void>> {
  if (privateHost === undefined) return { value: undefined, changed: false, note: 'it is off' };
  await privateHost.stop();
  return { value: undefined, changed: true, note: 'ended, with all its guests' };
}
