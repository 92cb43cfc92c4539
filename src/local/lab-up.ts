import { isBerthError } from '../base/errors.ts';
import { buildGuestImage, type GuestImage } from '../lab/guest/guest-image.ts';
import { checkLabUser, downLab, upLab, type LabHostWish } from '../lab/fleet/lab.ts';
import { cacheOf, labNames } from '../lab/fleet/lab-folder.ts';
import type { LabHostInfo } from '../lab/fleet/lab-info.ts';
import { buildShim, type Shim } from '../lab/machine/build-shim.ts';
import { machineArch } from '../lab/system/machine-arch.ts';
import { Checklist } from './checklist.ts';
import { readMachine } from './machine.ts';
import { ensurePackages, type Confirm } from './package-step.ts';
import type { UpProgress } from './progress.ts';
import { codedFileErrors, openStateFolder, stateFolder } from './state-folder.ts';

/** What a KVM host is built with, beside a hypervisor. */
const KVM_PACKAGES: readonly string[] = ['mmdebstrap', 'e2fsprogs', 'openssh-client', 'zstd'];
/** What ways in to the hosts are made with. A daemon is not installed: it would serve the machine. */
const WAY_IN_PACKAGES: readonly string[] = ['openssh-client', 'openssl'];

export interface LabUpOptions {
  /** The state folder, BERTH_HOME. */
  readonly home: string;
  readonly name: string;
  /** Absent: the hosts that the lab has, or one. */
  readonly hosts?: readonly LabHostWish[];
  /** Pages of 2 MiB that the machine lends to the lab. */
  readonly pages?: number;
  /** Asks nothing. */
  readonly yes: boolean;
  readonly confirm: Confirm;
  readonly progress: UpProgress;
  readonly signal: AbortSignal;
}

/**
 * Brings a lab up on this machine, with all that it needs: packages, the tiny guest, the library
 * that stands in for CPUs that are not there. What cannot be had of the last two the lab does
 * without, and says so in its notes.
 * @returns whether anything had to be done.
 * @throws BERTH_PACKAGES_NEEDED, BERTH_PERMISSION, and what upLab does.
 */
export async function labUp(options: LabUpOptions): Promise<{ readonly changed: boolean }> {
  const { home, name, hosts, signal, progress } = options;
  const checklist = new Checklist('berth lab up', progress, signal);
  const folder = stateFolder(home);
  const machine = await readMachine();
  checkLabUser();
  const more = hosts?.some(({ kind }) => kind === 'kvm') === true ? KVM_PACKAGES : [];
  await checklist.step('packages', 'Packages', async (detail) =>
    ensurePackages({
      ...options,
      machine,
      command: 'berth lab up',
      more: [...WAY_IN_PACKAGES, ...more],
      detail,
    }),
  );
  await openStateFolder(folder, machine.uid);
  return codedFileErrors(home, async () => {
    const cache = cacheOf(home);
    const notes: string[] = [];
    const guest = await guestStep(checklist, cache, notes, signal);
    const shim = await shimStep(checklist, cache, notes, signal);
    return checklist.step('hosts', 'Hosts', async (detail) => {
      const up = (done: number, of: number): void => detail(`${done} of ${of} are up`);
      const { changed, hosts: count } = await upLab({
        home,
        name,
        ...(hosts === undefined ? {} : { hosts }),
        cache,
        notes,
        ...(guest === undefined ? {} : { guest }),
        ...(shim === undefined ? {} : { shim }),
        ...(options.pages === undefined ? {} : { pages: options.pages }),
        signal,
        progress: { up, detail: (host, step) => detail(`${host}: ${step}`) },
      });
      const note = `${count} ${count === 1 ? 'is' : 'are'} up`;
      return { value: { changed }, changed, note };
    });
  });
}

/** Ends labs of a home, for good. @returns the hosts that they had. */
export async function labDown(
  home: string,
  names: readonly string[],
): Promise<{
  readonly changed: boolean;
  readonly removed: readonly Pick<LabHostInfo, 'name' | 'uri'>[];
}> {
  const ended = [];
  for (const name of names) ended.push(await downLab(home, name));
  return {
    changed: ended.some((hosts) => hosts !== undefined),
    removed: ended.flatMap((hosts) => hosts ?? []),
  };
}

/** Ends every lab of a home, before the home itself is deleted. @returns names of their hosts. */
export async function endAllLabs(home: string): Promise<readonly string[]> {
  const { removed } = await labDown(home, await labNames(home));
  return removed.map(({ name }) => name);
}

async function guestStep(
  checklist: Checklist,
  cache: string,
  notes: string[],
  signal: AbortSignal,
): Promise<GuestImage | undefined> {
  return checklist.step('guest', 'Tiny guest', async (detail) => {
    let changed = false;
    const progress = (step: string): void => {
      changed = true;
      detail(step);
    };
    try {
      const arch = machineArch(process.arch);
      const value = await buildGuestImage({ dir: cache, arch, signal, progress });
      return { value, changed, note: `boots with vmlinuz and initrd.gz of every host's images` };
    } catch (error) {
      const why = isBerthError(error) ? error.message : undefined;
      if (why === undefined || isBerthError(error, 'BERTH_INTERRUPTED')) throw error;
      notes.push(`no tiny guest to boot: ${why}`);
      return { value: undefined, changed: false, note: why };
    }
  });
}

async function shimStep(
  checklist: Checklist,
  cache: string,
  notes: string[],
  signal: AbortSignal,
): Promise<Shim | undefined> {
  return checklist.step('shim', 'CPUs that are only shown', async () => {
    try {
      const value = await buildShim({ dir: cache, signal });
      return { value, changed: false, note: 'guests can be pinned to them' };
    } catch (error) {
      if (!isBerthError(error, 'BERTH_PACKAGES_NEEDED')) throw error;
      const why = 'no C compiler is there (Debian: tcc)';
      notes.push(`guests cannot be pinned to CPUs that are only shown, no clock be set: ${why}`);
      return { value: undefined, changed: false, note: why };
    }
  });
}
