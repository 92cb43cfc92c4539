import { berthError } from '../../base/errors.ts';

/** Architectures that a guest image can be built for, by the kernel's and libvirt's word. */
export type MachineArch = 'x86_64' | 'aarch64';

interface ArchWords {
  /** Debian's word, in package names. */
  readonly debian: string;
  /** e_machine of ELF files (elf(5)). */
  readonly elfMachine: number;
}

export const ARCH_WORDS: Readonly<Record<MachineArch, ArchWords>> = {
  x86_64: { debian: 'amd64', elfMachine: 62 },
  aarch64: { debian: 'arm64', elfMachine: 183 },
};

/**
 * This machine's architecture from Node's word for it (`process.arch`).
 * @throws BERTH_UNSUPPORTED for one that Berth has no guest for.
 */
export function machineArch(word: string): MachineArch {
  if (word === 'x64') return 'x86_64';
  if (word === 'arm64') return 'aarch64';
  throw berthError('BERTH_UNSUPPORTED', {
    what: 'a guest image',
    why: `the architecture is ${word}; known are ${Object.keys(ARCH_WORDS).join(' and ')}`,
  });
}
