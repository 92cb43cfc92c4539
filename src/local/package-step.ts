import { berthError, isBerthError } from '../base/errors.ts';
import { installWithApt, type AptOptions } from './apt.ts';
import type { Outcome } from './checklist.ts';
import type { Machine } from './machine.ts';
import { checkPrograms, familyOf, installCommand, missingDebianPackages } from './packages.ts';

/**
 * Asks a person whether all the items may be done; false for no. Where nobody can be asked it may
 * also throw BERTH_USAGE.
 */
export type Confirm = (question: string, items: readonly string[]) => Promise<boolean>;

export interface PackageOptions {
  readonly machine: Machine;
  /** The command that asks, to be typed again: `berth up`. */
  readonly command: string;
  /** Debian's packages that are needed beside those of a private hypervisor. */
  readonly more?: readonly string[];
  /** Asks nothing. */
  readonly yes: boolean;
  readonly confirm: Confirm;
  readonly detail: (text: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Makes sure that what a private hypervisor needs is installed. Packages that were installed stay,
 * whatever happens later.
 * @throws BERTH_PACKAGES_NEEDED on another distribution than Debian's family, or when nobody agreed.
 */
export async function ensurePackages(options: PackageOptions): Promise<Outcome<void>> {
  const { machine, yes, signal } = options;
  if (familyOf(machine.os) !== 'debian') {
    await checkPrograms(machine.os, machine.uid);
    return { value: undefined, changed: false, note: 'the programs needed are there' };
  }
  const missing = await missingDebianPackages(options.more ?? [], signal);
  if (missing.length === 0) {
    return { value: undefined, changed: false, note: 'all are installed' };
  }
  options.detail(missing.join(', '));
  if (!yes && !(await agrees(options.confirm, missing))) {
    throw berthError('BERTH_PACKAGES_NEEDED', {
      packages: missing,
      remedy: `run: ${options.command} --yes, or install them yourself: ${installCommand('debian', missing, machine.uid)}`,
    });
  }
  await installWithApt(missing, aptOptions(options));
  return { value: undefined, changed: true, note: `installed ${missing.join(', ')}` };
}

async function agrees(confirm: Confirm, packages: readonly string[]): Promise<boolean> {
  try {
    return await confirm('Install these Debian packages with apt-get?', packages);
  } catch (error) {
    if (isBerthError(error, 'BERTH_USAGE')) return false;
    throw error;
  }
}

/** How this user runs apt. */
export function aptOptions(
  options: Pick<PackageOptions, 'machine' | 'detail' | 'signal'>,
): AptOptions {
  return {
    become: options.machine.uid === 0 ? 'root' : 'sudo',
    terminal: process.stdin.isTTY,
    detail: options.detail,
    signal: options.signal,
  };
}
