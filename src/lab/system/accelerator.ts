import { open, readFile } from 'node:fs/promises';
import { arch } from 'node:process';
import { berthError } from '../../base/errors.ts';
import { hasErrno } from './errno.ts';

/** How guests run: by the processor's own virtualization, or by emulation, some ten times slower. */
export type Accelerator = 'kvm' | 'tcg';

/** What the choice rests on. */
export interface AcceleratorFacts {
  /** Node's word for the architecture: `x64`, `arm64`, ... */
  readonly arch: string;
  /** Text of /proc/cpuinfo. */
  readonly cpuinfo: string;
  /** Whether /dev/kvm opens for reading and writing, for the user who asks. */
  readonly kvmNode: 'opens' | 'refused' | 'missing';
}

export interface AcceleratorChoice {
  readonly accel: Accelerator;
  /**
   * True when /dev/kvm must be kept from libvirt: it opens, but guests would not run by it, and
   * libvirt's tries of it take a minute at every start.
   */
  readonly hideKvm: boolean;
  /** One sentence for the person at the terminal. */
  readonly reason: string;
}

/**
 * Chooses between KVM and emulation. On x86 the processor must show `vmx` (Intel) or `svm` (AMD)
 * and /dev/kvm must open; a node that opens without such a flag belongs to a kernel whose KVM
 * cannot run an ordinary guest (seen on hosts that are guests themselves). On ARM no flag tells, and
 * the kernel makes the node only where the processor can (arch/arm64/kvm: EL2).
 * @param wanted what the person asked for; it wins if it is possible.
 * @throws BERTH_UNSUPPORTED when KVM is wanted where it is impossible.
 */
export function chooseAccelerator(
  facts: AcceleratorFacts,
  wanted?: Accelerator,
): AcceleratorChoice {
  const obstacle = kvmObstacle(facts);
  const hideKvm = facts.kvmNode === 'opens' && obstacle !== undefined;
  if (obstacle === undefined) {
    return wanted === 'tcg'
      ? { accel: 'tcg', hideKvm, reason: 'emulation, as asked, though KVM would work' }
      : { accel: 'kvm', hideKvm, reason: 'KVM: the processor can virtualize and /dev/kvm opens' };
  }
  if (wanted === 'kvm') throw berthError('BERTH_UNSUPPORTED', { what: 'KVM', why: obstacle });
  return { accel: 'tcg', hideKvm, reason: `emulation, which is slower: ${obstacle}` };
}

/** Looks at this machine, as the present user. */
export async function readAcceleratorFacts(): Promise<AcceleratorFacts> {
  return { arch, cpuinfo: await readFile('/proc/cpuinfo', 'utf8'), kvmNode: await openKvm() };
}

function kvmObstacle({ arch, cpuinfo, kvmNode }: AcceleratorFacts): string | undefined {
  const canVirtualize = arch !== 'x64' || /^flags\s*:.*\b(vmx|svm)\b/m.test(cpuinfo);
  switch (kvmNode) {
    case 'missing':
      return canVirtualize
        ? 'there is no /dev/kvm; load the kernel module kvm_intel or kvm_amd, or turn virtualization on in the firmware'
        : 'there is no /dev/kvm and the processor shows neither vmx nor svm';
    case 'refused':
      return 'this user may not open /dev/kvm; being in the group kvm usually allows it';
    case 'opens':
      return canVirtualize
        ? undefined
        : '/dev/kvm opens, but the processor shows neither vmx nor svm, so guests would hang';
  }
}

async function openKvm(): Promise<AcceleratorFacts['kvmNode']> {
  try {
    await (await open('/dev/kvm', 'r+')).close();
    return 'opens';
  } catch (error) {
    if (hasErrno(error, 'EACCES', 'EPERM', 'EROFS')) return 'refused';
    if (hasErrno(error, 'ENOENT', 'ENODEV', 'ENXIO')) return 'missing';
    throw error;
  }
}
