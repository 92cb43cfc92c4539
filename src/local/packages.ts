import { access } from 'node:fs/promises';
import { berthError } from '../base/errors.ts';
import { HYPERVISOR_PACKAGES, type DistributionFamily } from '../lab/system/hypervisor-packages.ts';
import { runCommand } from '../lab/system/run-command.ts';
import { missingPrograms } from '../lab/system/system-path.ts';
import type { OsRelease } from './machine.ts';

const QUERY_DEADLINE_MS = 30_000;

/** The families whose packages can be named; Berth itself installs Debian's only. */
export type PackageFamily = DistributionFamily | 'alpine';

/** What brings everything needed, per family. Alpine's names are from its package index, untried. */
const PACKAGES: Readonly<Record<PackageFamily, readonly string[]>> = {
  ...HYPERVISOR_PACKAGES,
  alpine: [
    'libvirt-daemon',
    'libvirt-client',
    'libvirt-qemu',
    'qemu-system-x86_64',
    'qemu-img',
    'iproute2',
    'util-linux',
    'kmod',
    'busybox-static',
  ],
};

/** What a private hypervisor and its guests cannot do without; QEMU is looked for apart. */
const PROGRAMS: readonly string[] = ['libvirtd', 'unshare', 'mount', 'ip', 'setsid'];

const INSTALL_COMMANDS: Readonly<Record<PackageFamily, string>> = {
  debian: 'apt-get install --no-install-recommends',
  fedora: 'dnf install',
  suse: 'zypper install',
  arch: 'pacman -S',
  alpine: 'apk add',
};

/** Words of ID and ID_LIKE that tell a family; derivatives name their parent there. */
const FAMILY_WORDS: ReadonlyMap<string, PackageFamily> = new Map([
  ['debian', 'debian'],
  ['ubuntu', 'debian'],
  ['fedora', 'fedora'],
  ['rhel', 'fedora'],
  ['centos', 'fedora'],
  ['suse', 'suse'],
  ['opensuse', 'suse'],
  ['sles', 'suse'],
  ['arch', 'arch'],
  ['alpine', 'alpine'],
]);

/** The family a distribution belongs to; undefined for one that is not known. */
export function familyOf(os: OsRelease): PackageFamily | undefined {
  for (const word of [os.id, ...os.idLike]) {
    const family = FAMILY_WORDS.get(word) ?? FAMILY_WORDS.get(word.replace(/-.*$/, ''));
    if (family !== undefined) return family;
  }
  return undefined;
}

/** The command that a person would type to install packages. */
export function installCommand(
  family: PackageFamily,
  packages: readonly string[],
  uid: number,
): string {
  return `${uid === 0 ? '' : 'sudo '}${INSTALL_COMMANDS[family]} ${packages.join(' ')}`;
}

/** Those of the packages of a private hypervisor, and of some more, that are not installed. */
export async function missingDebianPackages(
  more: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const argv = ['dpkg-query', '--show', '--showformat=${db:Status-Status} ${Package}\\n'] as const;
  const { stdout } = await runCommand(argv, { deadlineMs: QUERY_DEADLINE_MS, signal });
  return notInstalled([...new Set([...PACKAGES.debian, ...more])], stdout);
}

/** @param statuses lines of `STATUS PACKAGE`, as dpkg-query shows them. */
export function notInstalled(wanted: readonly string[], statuses: string): readonly string[] {
  const installed = new Set(
    statuses
      .split('\n')
      .flatMap((line) => (line.startsWith('installed ') ? [line.slice('installed '.length)] : [])),
  );
  return wanted.filter((name) => !installed.has(name));
}

/**
 * Makes sure, on a distribution whose packages Berth does not install, that what a private
 * hypervisor needs is there.
 * @throws BERTH_PACKAGES_NEEDED with that distribution's packages, as far as they are known.
 */
export async function checkPrograms(os: OsRelease, uid: number): Promise<void> {
  const missing = [...(await missingPrograms(PROGRAMS))];
  if (!(await hasQemu())) missing.push('qemu-system-x86_64');
  if (missing.length > 0) throw packagesNeeded(os, uid, missing);
}

/** The refusal that names what to install on this distribution. */
export function packagesNeeded(os: OsRelease, uid: number, programs: readonly string[]): Error {
  const family = familyOf(os);
  if (family === undefined) {
    return berthError('BERTH_PACKAGES_NEEDED', {
      packages: programs,
      remedy: `the packages for ${os.name} are not known: install libvirt with its QEMU driver, QEMU, iproute2 and util-linux, then run berth up again`,
    });
  }
  const packages = PACKAGES[family];
  return berthError('BERTH_PACKAGES_NEEDED', {
    packages,
    remedy: `install them with: ${installCommand(family, packages, uid)}; then run berth up again`,
  });
}

/** Red Hat's QEMU is no command, it stands where only libvirt looks for it. */
async function hasQemu(): Promise<boolean> {
  if ((await missingPrograms(['qemu-system-x86_64'])).length === 0) return true;
  return access('/usr/libexec/qemu-kvm').then(
    () => true,
    () => false,
  );
}
