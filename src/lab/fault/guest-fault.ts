import { berthError, isBerthError } from '../../base/errors.ts';
import { killProcess } from '../system/process-identity.ts';
import type { FaultTarget, FaultWork } from './fault-target.ts';
import { hostProcesses } from './host-processes.ts';

const COMMAND_DEADLINE_MS = 30_000;
const KILL_DEADLINE_MS = 30_000;

/** Where libvirt keeps a file NAME.pid for each VM that runs (libvirt 9.0, qemu_conf.c). */
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
  if (!known.includes(domain)) {
    throw berthError('BERTH_NOT_FOUND', { kind: 'running VM', name: domain, known });
  }
  const pid = (await target.run(['cat', `${PID_FOLDER}/${domain}.pid`], waiting)).stdout.trim();
  if (target.kind === 'kvm') {
    await target.run(['kill', '-9', pid], waiting);
    return;
  }
  const processes = await hostProcesses(target);
  const guest = processes.find(
    ({ inside, name }) => `${inside}` === pid && name.startsWith('qemu'),
  );
  if (guest !== undefined) await killProcess(guest.identity, KILL_DEADLINE_MS);
}

async function runningGuests(
  target: FaultTarget,
  waiting: { readonly deadlineMs: number },
): Promise<readonly string[]> {
  try {
    const { stdout } = await target.run(['ls', PID_FOLDER], waiting);
    return stdout.split('\n').flatMap((name) => /^(.*)\.pid$/.exec(name)?.[1] ?? []);
  } catch (error) {
    if (isBerthError(error, 'BERTH_COMMAND_FAILED')) return []; // no guest has run yet
    throw error;
  }
}
