import { join, relative } from 'node:path';
import { berthError, isBerthError } from '../base/errors.ts';
import { buildGuestImage } from '../lab/guest/guest-image.ts';
import type { MachineArch } from '../lab/system/machine-arch.ts';
import type { Outcome } from './checklist.ts';
import { HELLO, HELLO_PROMPT, helloDocument } from './hello.ts';
import type { Hypervisor } from './hypervisor.ts';
import type { KnownVm, ServerPort } from './server-port.ts';
import { closedFolderOnTheWay } from './state-folder.ts';

/** Creating and starting `hello` takes a few seconds; also what Ctrl-C may have to wait for. */
const OPERATION_MS_MAX = 180_000;

/** It boots in 3 s on an idle machine; one that takes longer than this is only mentioned. */
const PROMPT_MS_MAX = 60_000;

/** The boot files of the tiny guest, as the hypervisor sees them. */
export interface BootFiles {
  readonly kernel: string;
  readonly initrd: string;
}

/** Builds the tiny guest's image where the hypervisor finds it, unless it is there. */
export async function ensureGuestImage(
  hypervisor: Hypervisor,
  arch: MachineArch,
  signal: AbortSignal,
  detail: (text: string) => void,
): Promise<Outcome<BootFiles>> {
  const { outside, inside } = hypervisor.images;
  if (hypervisor.kind === 'system') await checkWayIn(outside);
  let built = false;
  const image = await buildGuestImage({
    dir: outside,
    arch,
    signal,
    progress: (step) => {
      built = true;
      detail(step);
    },
  });
  const seen = (path: string): string => join(inside, relative(outside, path));
  return {
    value: { kernel: seen(image.kernel), initrd: seen(image.initrd) },
    changed: built,
    note: `Linux ${image.version}`,
  };
}

/** A system libvirt's QEMU runs as a user of its own, who must be able to reach the files. */
async function checkWayIn(images: string): Promise<void> {
  const closed = await closedFolderOnTheWay(images);
  if (closed === undefined) return;
  throw berthError('BERTH_PERMISSION', {
    what: `guest images in ${images}`,
    reason: `this machine’s QEMU runs as a user of its own, who may not pass through ${closed}`,
    remedy: `set BERTH_HOME to a folder such as /var/lib/berth, or: chmod o+x ${closed}`,
  });
}

/** What making the first VM run needs. */
export interface FirstVmOptions {
  readonly port: ServerPort;
  readonly hostName: string;
  readonly boot: BootFiles;
  readonly onlineCpus: number;
  readonly signal: AbortSignal;
  readonly detail: (text: string) => void;
}

/**
 * Creates `hello` where it is missing, starts it where it is off, and waits for its prompt, so that
 * whoever types into its console next is answered. An operation that was begun is
 * seen through even when the signal is aborted: then its outcome is known, and can be taken back.
 * @returns `created` tells a VM that this call made.
 */
export async function ensureFirstVm(
  options: FirstVmOptions,
): Promise<Outcome<{ readonly created: boolean }>> {
  const { port, signal } = options;
  const known = (await port.vms(signal)).find((vm) => vm.name === HELLO);
  if (known === undefined) {
    const note = `${await createHello(options)}; ${await promptOf(options)}`;
    return { value: { created: true }, changed: true, note };
  }
  if (!isOff(known)) {
    return { value: { created: false }, changed: false, note: `it is ${known.state}` };
  }
  await port.startVm(HELLO, following(options));
  const note = `started; ${await promptOf(options)}`;
  return { value: { created: false }, changed: true, note };
}

/** True for a VM that has to be started to run; a paused one is as somebody wants it. */
export function isOff(vm: KnownVm): boolean {
  return vm.state === 'shutoff' || vm.state === 'crashed';
}

/** A CPU of its own, if the machine has one to spare: what is refused one shares. */
async function createHello(options: FirstVmOptions): Promise<string> {
  const { port, hostName, boot, onlineCpus } = options;
  const create = async (policy: 'shared' | 'dedicated'): Promise<void> => {
    const document = helloDocument(hostName, boot, policy);
    await port.createVm(document, { start: true, ...following(options) });
  };
  if (onlineCpus >= 2) {
    try {
      await create('dedicated');
      return 'created, with a CPU of its own';
    } catch (error) {
      if (!isBerthError(error, 'BERTH_REFUSED')) throw error;
    }
  }
  await create('shared');
  return 'created, on CPUs it shares';
}

async function promptOf({ port, signal, detail }: FirstVmOptions): Promise<string> {
  detail('waiting for its prompt');
  const wait = { deadlineMs: PROMPT_MS_MAX, signal };
  return (await port.consoleShows(HELLO, HELLO_PROMPT, wait))
    ? 'its console answers'
    : 'its console does not answer yet';
}

function following({ detail }: FirstVmOptions): {
  readonly signal: AbortSignal;
  readonly onStep: (step: string) => void;
} {
  return { signal: AbortSignal.timeout(OPERATION_MS_MAX), onStep: detail };
}
