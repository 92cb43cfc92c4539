import { HYPERVISOR_PACKAGES } from '../src/lab/system/hypervisor-packages.ts';
import { runCommand } from '../src/lab/system/run-command.ts';
import { installWithApt } from '../src/local/apt.ts';
import { readMachine } from '../src/local/machine.ts';
import { familyOf, installCommand, notInstalled } from '../src/local/packages.ts';

/**
 * What tests use beside a hypervisor: libvirt's schemas are checked with xmllint, recorded machines
 * are packed with bzip2, our cpio archives are held against cpio, and our client against python's.
 */
const TEST_PACKAGES = [
  ...HYPERVISOR_PACKAGES.debian,
  'libxml2-utils',
  'bzip2',
  'cpio',
  'python3-libvirt',
];
const QUERY_MS = 30_000;

/**
 * Installs the Debian packages that tests need, as root or in CI, saying so first. Elsewhere it
 * says what would be needed; the tests that lack something name it and are skipped.
 */
export async function installTestPackages(): Promise<void> {
  const machine = await readMachine();
  if (familyOf(machine.os) !== 'debian') return;
  const argv = ['dpkg-query', '--show', '--showformat=${db:Status-Status} ${Package}\\n'] as const;
  const { stdout } = await runCommand(argv, { deadlineMs: QUERY_MS });
  const missing = notInstalled(TEST_PACKAGES, stdout);
  if (missing.length === 0) return;
  if (machine.uid !== 0 && process.env['CI'] === undefined) {
    const command = installCommand('debian', missing, machine.uid);
    console.log(`some tests need packages that this machine lacks: ${command}`);
    return;
  }
  console.log(`installing Debian packages for the tests: ${missing.join(' ')}`);
  await installWithApt(missing, {
    become: machine.uid === 0 ? 'root' : 'sudo',
    terminal: false,
    detail: () => {},
    signal: AbortSignal.timeout(15 * 60_000),
  });
}
