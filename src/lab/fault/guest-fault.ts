import { berthError, isBerthError } from '../../base/errors.ts';
import { killProcess } from '../system/process-identity.ts';
import type { Argv } from '../system/run-command.ts';
import type { FaultTarget, FaultWork } from './fault-target.ts';
import { hostProcesses } from './host-processes.ts';

const COMMAND_DEADLINE_MS = 30_000;
const KILL_DEADLINE_MS = 30_000;

/**
 * Where libvirt keeps NAME.pid and NAME.xml for each VM that runs (libvirt 9.0, qemu_process.c and
 * qemu_domain.c), and driver.pid with its own number (qemu_driver.c).
 */
const PID_FOLDER = '/run/libvirt/qemu';

/**
 * Kills the QEMU process of a VM.
 * @throws BERTH_NOT_FOUND, naming the VMs that run, when it is none of them.
 */
export async function killGuest(
  target: FaultTarget,
  domain: string,
  { signal }: FaultWork,
): Promise<void> {
  const waiting = { deadlineMs: COMMAND_DEADLINE_MS, ...(signal === undefined ? {} : { signal }) };
  const known = await runningGuests(target, waiting);
  if (!known.includes(domain)) throw notRunning(domain, known);
  const found =
    target.kind === 'kvm'
      ? await killOnMachine(target, domain, waiting)
      : await killInNamespace(target, domain, waiting);
  if (!found) throw notRunning(domain, known);
}

function notRunning(domain: string, known: readonly string[]): Error {
  return berthError('BERTH_NOT_FOUND', { kind: 'running VM', name: domain, known });
}

/** Undefined when there is none, as when the guest has just ended. */
async function pidOf(
  target: FaultTarget,
  domain: string,
  waiting: Waiting,
): Promise<string | undefined> {
  return outputOf(target, ['cat', `${PID_FOLDER}/${domain}.pid`], waiting);
}

/** False when no QEMU has the guest's number. */
async function killOnMachine(
  target: FaultTarget,
  domain: string,
  waiting: Waiting,
): Promise<boolean> {
  const pid = await pidOf(target, domain, waiting);
  const name = await outputOf(target, ['cat', `/proc/${pid ?? 0}/comm`], waiting);
  if (pid === undefined || name?.startsWith('qemu') !== true) return false;
  await target.run(['kill', '-9', pid], waiting);
  return true;
}

/** False when no QEMU has the guest's number. */
async function killInNamespace(
  target: FaultTarget,
  domain: string,
  waiting: Waiting,
): Promise<boolean> {
  const pid = await pidOf(target, domain, waiting);
  const guest = (await hostProcesses(target)).find(
    ({ inside, name }) => `${inside}` === pid && name.startsWith('qemu'),
  );
  if (guest === undefined) return false;
  await killProcess(guest.identity, KILL_DEADLINE_MS);
  return true;
}

interface Waiting {
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

/** What a command says; undefined when it fails. */
async function outputOf(
  target: FaultTarget,
  argv: Argv,
  waiting: Waiting,
): Promise<string | undefined> {
  try {
    return (await target.run(argv, waiting)).stdout.trim();
  } catch (error) {
    if (isBerthError(error, 'BERTH_COMMAND_FAILED')) return undefined;
    throw error;
  }
}

/** None when no guest has run yet and there is no such folder. */
async function runningGuests(target: FaultTarget, waiting: Waiting): Promise<readonly string[]> {
  const files = ((await outputOf(target, ['ls', PID_FOLDER], waiting)) ?? '').split('\n');
  return files.flatMap((file) => {
    const name = /^(.*)\.pid$/.exec(file)?.[1];
    return name !== undefined && files.includes(`${name}.xml`) ? [name] : [];
  });
}
