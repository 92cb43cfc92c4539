import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasErrno } from '../src/lab/system/errno.ts';
import { HYPERVISOR_PACKAGES } from '../src/lab/system/hypervisor-packages.ts';
import { runCommand } from '../src/lab/system/run-command.ts';
import { installWithApt } from '../src/local/apt.ts';
import { readMachine } from '../src/local/machine.ts';
import { familyOf, installCommand, notInstalled } from '../src/local/packages.ts';

/** What tests of every change use beside a hypervisor, and what for. */
const QUICK_PACKAGES = [
  ...HYPERVISOR_PACKAGES.debian,
  'libxml2-utils', // xmllint, which holds our XML against libvirt's schemas
  'bzip2', // recorded machines are packed with it
  'cpio', // our archives are held against its
  'python3-libvirt', // our client is held against libvirt's own
  'hwloc-nox', // our topologies are held against lstopo's
  'openssh-server', // ways in to lab hosts
  'openssh-client',
  'openssl',
  'tcc', // compiles the shim of shown machines
  'gcc',
  'libc6-dev',
  'dnsmasq-base', // libvirt's networks
  'iptables',
  'iputils-ping', // lab networks that are cut
  'socat', // other ways to a daemon's socket
  'postgresql', // the store on several servers; a private cluster is made for each test
  'netcat-openbsd', // the far side's way to libvirt's socket where libvirt's own helper is missing
];
/** What only long tests use: they build a Debian host, look at its memory, and have metrics judged by promtool. */
const LONG_PACKAGES = ['mmdebstrap', 'e2fsprogs', 'zstd', 'numactl', 'prometheus'];
const QUERY_MS = 30_000;
const INSTALL_MS = 15 * 60_000;

/**
 * Installs the Debian packages that tests need, as root or in CI, saying so first. Elsewhere it
 * says what would be needed; the tests that lack something name it and are skipped.
 * @param signal is heeded until everything is downloaded: half configured packages help nobody.
 */
export async function installTestPackages(
  tiers: { readonly quick: boolean; readonly beyond: boolean },
  signal: AbortSignal,
): Promise<void> {
  const machine = await readMachine();
  if (familyOf(machine.os) !== 'debian') return;
  const argv = ['dpkg-query', '--show', '--showformat=${db:Status-Status} ${Package}\\n'] as const;
  const { stdout } = await runCommand(argv, { deadlineMs: QUERY_MS, signal });
  const wanted = [...QUICK_PACKAGES, ...(tiers.beyond ? LONG_PACKAGES : [])];
  const missing = notInstalled(wanted, stdout);
  if (missing.length === 0) return;
  if (machine.uid !== 0 && process.env['CI'] === undefined) {
    const command = installCommand('debian', missing, machine.uid);
    console.log(`some tests need packages that this machine lacks: ${command}`);
    return;
  }
  console.log(`installing Debian packages for the tests: ${missing.join(' ')}`);
  const become = machine.uid === 0 ? 'root' : 'sudo';
  const install = async (): Promise<void> =>
    installWithApt(missing, {
      become,
      terminal: false,
      detail: () => {},
      signal: AbortSignal.any([signal, AbortSignal.timeout(INSTALL_MS)]),
    });
  await withoutServices(POLICY, become, install);
}

/** What Debian's invoke-rc.d and deb-systemd-invoke ask before a package starts a service. */
const POLICY = '/usr/sbin/policy-rc.d';
/** 101: the action is forbidden by policy (invoke-rc.d(8)). */
const NO_SERVICES = '#!/bin/sh\n# Berth installs packages for its tests.\nexit 101\n';

/**
 * Does work during which packages start no services: tests need sshd's program, not a machine that
 * listens. A policy that the machine has already stays as it is; one that was left here by a run
 * that was killed is replaced, and removed as our own.
 */
export async function withoutServices(
  policy: string,
  become: 'root' | 'sudo',
  work: () => Promise<void>,
): Promise<void> {
  const before = await readPolicy(policy);
  if (before !== undefined && before !== NO_SERVICES) return work();
  const asRoot = async (program: string, ...args: readonly string[]): Promise<void> => {
    const argv = [program, ...args] as const;
    await runCommand(become === 'root' ? argv : ['sudo', '-n', ...argv], { deadlineMs: QUERY_MS });
  };
  const folder = await mkdtemp(join(tmpdir(), 'berth-policy-'));
  try {
    const file = join(folder, 'policy-rc.d');
    await writeFile(file, NO_SERVICES);
    await asRoot('install', '-m', '0755', file, policy);
    await work();
  } finally {
    if ((await readPolicy(policy)) === NO_SERVICES) await asRoot('rm', policy);
    await rm(folder, { recursive: true });
  }
}

/** @returns undefined where there is none; the empty text for one that may not be read. */
async function readPolicy(policy: string): Promise<string | undefined> {
  try {
    return await readFile(policy, 'utf8');
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined;
    if (hasErrno(error, 'EACCES')) return '';
    throw error;
  }
}
