import { setTimeout as delay } from 'node:timers/promises';
import { berthError, isBerthError } from '../base/errors.ts';
import { Undo } from '../base/undo.ts';
import type { Accelerator } from '../lab/system/accelerator.ts';
import { machineArch, type MachineArch } from '../lab/system/machine-arch.ts';
import { updateAptLists } from './apt.ts';
import { Checklist, type Outcome } from './checklist.ts';
import { ensureFirstVm, ensureGuestImage, isOff, type BootFiles } from './first-vm.ts';
import { HELLO } from './hello.ts';
import {
  acceleratorOfMachine,
  ensureHypervisor,
  planHypervisor,
  type Hypervisor,
  type HypervisorPlan,
} from './hypervisor.ts';
import {
  readLocalRecord,
  restoreLocalRecord,
  writeLocalRecord,
  type LocalRecord,
} from './local-record.ts';
import { readMachine, type Machine } from './machine.ts';
import { aptOptions, ensurePackages, type Confirm } from './package-step.ts';
import { familyOf } from './packages.ts';
import type { UpProgress } from './progress.ts';
import type { ServerPort } from './server-port.ts';
import {
  askServer,
  findServer,
  HUNG_END_MS_MAX,
  startServer,
  stopServer,
} from './server-process.ts';
import {
  codedFileErrors,
  openStateFolder,
  removeStateFolder,
  stateFolder,
  type StateFolder,
} from './state-folder.ts';
import { lockState } from './state-lock.ts';
import { knockAtSystemLibvirt } from './system-libvirt.ts';

/** How long the server may take to connect to this machine's hypervisor. */
const CONNECT_MS_MAX = 30_000;
const LOOK_AGAIN_MS = 50;
/** Starting a VM again that ran before the last `down`. */
const RESUME_MS_MAX = 120_000;
/** Taking the first VM back. */
const REMOVE_MS_MAX = 60_000;

export interface UpOptions {
  /** The state folder, BERTH_HOME. */
  readonly home: string;
  /** Asks nothing. */
  readonly yes: boolean;
  /** How guests are to run; without it as an earlier `up` was told, else as is best. */
  readonly accel?: Accelerator;
  readonly confirm: Confirm;
  readonly progress: UpProgress;
  readonly signal: AbortSignal;
  /** Starts the server in the foreground: a program and its arguments, with absolute paths. */
  readonly serverCommand: readonly string[];
  readonly server: ServerPort;
}

export interface UpResult {
  /** This machine's name in the registry. */
  readonly hostName: string;
  readonly vm: typeof HELLO;
  /** False when everything was there and ran. */
  readonly changed: boolean;
}

/** What all steps work with. */
interface Run extends UpOptions {
  readonly arch: MachineArch;
  readonly machine: Machine;
  readonly folder: StateFolder;
  readonly checklist: Checklist;
  readonly undo: Undo;
}

/**
 * Makes this machine ready: packages, a hypervisor, the server, and a first VM that runs. Each step
 * looks first and does only what is missing, so `up` also mends what a crash or a reboot broke.
 * When a step fails, or a person stops the work, what was begun is taken back; what stays is whole:
 * packages and, after a failure, images and logs in the state folder.
 * @throws BERTH_BUSY, BERTH_INTERRUPTED, BERTH_PACKAGES_NEEDED, BERTH_PERMISSION, BERTH_DISK_FULL,
 *   BERTH_CONFLICT, BERTH_UNSUPPORTED, and what the hypervisor and the server answer.
 */
export async function up(options: UpOptions): Promise<UpResult> {
  const run: Run = {
    ...options,
    arch: supportedArch(),
    machine: await readMachine(),
    folder: stateFolder(options.home),
    checklist: new Checklist('berth up', options.progress, options.signal),
    undo: new Undo(),
  };
  const made = await stateStep(run);
  using _lock = lockState(run.folder);
  try {
    if (made) run.undo.add('remove the state folder', async () => removeIfUnwanted(run));
    const hostName = await codedFileErrors(run.folder.home, async () => allSteps(run));
    run.undo.commit();
    return { hostName, vm: HELLO, changed: run.checklist.changed };
  } catch (error) {
    await takeBack(run);
    if (!run.signal.aborted) throw error;
    throw berthError('BERTH_INTERRUPTED', { what: 'berth up' }); // the person is the whole cause
  }
}

async function allSteps(run: Run): Promise<string> {
  const record = await readLocalRecord(run.folder);
  const wanted = run.accel ?? record?.accel;
  const plan = await planSteps(run, record, wanted);
  const hostName = record?.hostName ?? run.machine.hostname;
  const hypervisor = await hypervisorStep(run, plan, { hostName, wanted });
  const settled: LocalRecord = {
    kind: plan.kind,
    ...(wanted === undefined ? {} : { accel: wanted }),
    hostName,
    resume: record?.resume ?? [],
  };
  await writeLocalRecord(run.folder, settled);
  run.undo.add('restore the record', async () => restoreLocalRecord(run.folder, record));
  const boot = await imageStep(run, hypervisor);
  await serverStep(run);
  const registered = await hostStep(run, { name: hostName, uri: hypervisor.uri });
  await firstVmStep(run, registered, boot);
  await resumeStep(run, settled.resume);
  run.checklist.throwIfInterrupted();
  await writeLocalRecord(run.folder, { ...settled, hostName: registered, resume: [] });
  return registered;
}

function supportedArch(): MachineArch {
  const arch = machineArch(process.arch);
  if (process.platform === 'linux' && arch === 'x86_64') return arch;
  throw berthError('BERTH_UNSUPPORTED', {
    what: 'berth up',
    why: `it makes x86-64 Linux machines ready, and this is ${process.platform} on ${process.arch}`,
  });
}

async function stateStep({ checklist, folder, machine }: Run): Promise<boolean> {
  return checklist.step('state', 'State folder', async () => {
    const made = await openStateFolder(folder, machine.uid);
    return { value: made, changed: made, note: folder.home };
  });
}

/** Settles how guests run and what runs them, with the packages that this takes. */
async function planSteps(
  run: Run,
  record: LocalRecord | undefined,
  wanted: Accelerator | undefined,
): Promise<HypervisorPlan> {
  const { checklist, machine, signal } = run;
  const choice = await checklist.decide('accelerator', 'Accelerator', async () => {
    const value = await acceleratorOfMachine(wanted);
    return { value, note: value.reason };
  });
  const plan = async (): Promise<HypervisorPlan> => {
    const system = await knockAtSystemLibvirt(machine.uid, signal);
    return planHypervisor({ uid: machine.uid, system, choice, wanted, settled: record?.kind });
  };
  const before = await plan();
  const installed = await checklist.step('packages', 'Packages', async (detail) =>
    packagesOutcome(run, before, detail),
  );
  return installed ? plan() : before; // a service of the new packages may answer now
}

async function packagesOutcome(
  run: Run,
  plan: HypervisorPlan,
  detail: (text: string) => void,
): Promise<Outcome<boolean>> {
  if (plan.kind === 'system') return { value: false, changed: false, note: plan.reason };
  const outcome = await ensurePackages({ ...run, command: 'berth up', detail });
  return { ...outcome, value: outcome.changed };
}

async function hypervisorStep(
  run: Run,
  plan: HypervisorPlan,
  options: { readonly hostName: string; readonly wanted: Accelerator | undefined },
): Promise<Hypervisor> {
  return run.checklist.step('hypervisor', 'Hypervisor', async (detail) => {
    const { hypervisor, started } = await ensureHypervisor(plan, {
      folder: run.folder,
      name: options.hostName,
      wanted: options.wanted,
      signal: run.signal,
      progress: detail,
    });
    if (started) run.undo.add('end the hypervisor', hypervisor.stop);
    return { value: hypervisor, changed: started, note: plan.reason };
  });
}

async function imageStep(run: Run, hypervisor: Hypervisor): Promise<BootFiles> {
  const { arch, checklist, machine, signal } = run;
  return checklist.step('image', 'Guest image', async (detail) => {
    try {
      return await ensureGuestImage(hypervisor, arch, signal, detail);
    } catch (error) {
      if (!mayLackAptLists(error, machine)) throw error;
      await updateAptLists(aptOptions({ machine, detail, signal }));
      return ensureGuestImage(hypervisor, arch, signal, detail);
    }
  });
}

/** Where no package was ever installed, apt has no lists to find the guest's kernel in. */
function mayLackAptLists(error: unknown, { os, uid }: Machine): boolean {
  const noParts =
    isBerthError(error, 'BERTH_COMMAND_FAILED') ||
    isBerthError(error, 'BERTH_PACKAGES_NEEDED') ||
    isBerthError(error, 'BERTH_UNSUPPORTED');
  return noParts && uid === 0 && familyOf(os) === 'debian';
}

async function serverStep(run: Run): Promise<void> {
  const { checklist, folder, progress, server, signal } = run;
  await checklist.step('server', 'Server', async (detail) => {
    const running = await findServer(folder, server, signal);
    if (running !== undefined) {
      if ((await askServer(server, signal)) !== undefined) {
        return { value: undefined, changed: false, note: `process ${running.pid}` };
      }
      progress.warn(`the server, process ${running.pid}, does not answer: it is started anew`);
      await stopServer(folder, running, HUNG_END_MS_MAX);
    }
    detail('starting');
    const started = await startServer(folder, run.serverCommand, server, signal);
    run.undo.add('end the server', async () => stopServer(folder, started));
    return { value: undefined, changed: true, note: `process ${started.pid}` };
  });
}

/** @returns the name the hypervisor is registered by, which may be an older one. */
async function hostStep(
  { checklist, server, signal }: Run,
  host: { readonly name: string; readonly uri: string },
): Promise<string> {
  return checklist.step('host', 'Host', async (detail) => {
    const known = (await server.hosts(signal)).find(({ uri }) => uri === host.uri);
    if (known === undefined) await server.addHost(host, signal);
    const name = known?.name ?? host.name;
    detail('connecting');
    await untilConnected(server, { ...host, name }, signal);
    return { value: name, changed: known === undefined, note: `${name}, ${host.uri}` };
  });
}

/** Only of a connected host the server knows all VMs. */
async function untilConnected(
  server: ServerPort,
  { name, uri }: { readonly name: string; readonly uri: string },
  signal: AbortSignal,
): Promise<void> {
  const end = performance.now() + CONNECT_MS_MAX;
  for (;;) {
    const host = (await server.hosts(signal)).find((known) => known.name === name);
    if (host?.state === 'connected') return;
    if (performance.now() > end) {
      const reason = host?.reason ?? `the server did not connect in ${CONNECT_MS_MAX} ms`;
      throw berthError('BERTH_HOST_UNREACHABLE', { host: name, uri, reason });
    }
    await delay(LOOK_AGAIN_MS, undefined, { signal });
  }
}

async function firstVmStep(run: Run, hostName: string, boot: BootFiles): Promise<void> {
  const { checklist, machine, server, signal, undo } = run;
  const { created } = await checklist.step('vm', `First VM, ${HELLO}`, async (detail) =>
    ensureFirstVm({
      port: server,
      hostName,
      boot,
      onlineCpus: machine.onlineCpus,
      signal,
      detail,
    }),
  );
  if (created) {
    undo.add(`remove ${HELLO}`, async () =>
      server.removeVm(HELLO, { force: true, signal: AbortSignal.timeout(REMOVE_MS_MAX) }),
    );
  }
  checklist.throwIfInterrupted();
}

/** Starts what ran before the last `down`. One that does not start is no reason to end the others. */
async function resumeStep(run: Run, names: readonly string[]): Promise<void> {
  const { checklist, progress, server, signal } = run;
  const off = (await server.vms(signal)).filter((vm) => isOff(vm) && names.includes(vm.name));
  if (off.length === 0) return;
  await checklist.step('resume', 'VMs that ran before', async (detail) => {
    for (const { name } of off) {
      checklist.throwIfInterrupted();
      detail(name);
      try {
        await server.startVm(name, { signal: AbortSignal.timeout(RESUME_MS_MAX) });
      } catch (error) {
        if (!isBerthError(error)) throw error;
        progress.warn(`${name} does not start: ${error.message}`);
      }
    }
    return { value: undefined, changed: true, note: off.map(({ name }) => name).join(', ') };
  });
}

/** After a failure the state folder stays, for the logs in it. */
async function removeIfUnwanted({ folder, signal }: Run): Promise<void> {
  if (signal.aborted) await removeStateFolder(folder.home);
}

/** Undoes what was done; what cannot be undone is told, since the first error is the one thrown. */
async function takeBack({ progress, undo }: Run): Promise<void> {
  try {
    await undo.run();
  } catch (error) {
    const failures: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
    for (const failure of failures) progress.warn(sentence(failure));
  }
}

function sentence(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure);
  return failure.cause instanceof Error
    ? `${failure.message}: ${failure.cause.message}`
    : failure.message;
}
