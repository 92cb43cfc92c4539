import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { startNamespaceHost } from '../../src/lab/private-host/namespace-host.ts';
import type { PrivateHost } from '../../src/lab/private-host/private-host.ts';
import {
  connect,
  type Connection,
  type ConnectOptions,
  type Wait,
} from '../../src/libvirt/index.ts';
import { labFolder, labSkip, withGuestImage, type LabHost } from '../lab/lab-host.ts';
import { isRelease, startReleaseHost } from './releases/release-host.ts';

/** Long enough for a machine that is busy with other tests; nothing here takes a second of its own. */
export const WAIT: Wait = { deadlineMs: 30_000 };

/** The unmet need for tests with a real libvirtd, or false. */
export const skip = await labSkip();

let shared: Promise<PrivateHost> | undefined;

/**
 * A libvirtd with KVM hidden, one per test process, ended with it. It is this machine's own, or that
 * of the Debian release that BERTH_TEST_RELEASE names.
 */
export function daemon(): Promise<PrivateHost> {
  shared ??= start();
  return shared;
}

/** The same daemon, with the tiny guest to boot on it. */
export async function guestDaemon(): Promise<LabHost> {
  return withGuestImage(await daemon());
}

async function start(): Promise<PrivateHost> {
  const release = process.env['BERTH_TEST_RELEASE'];
  if (isRelease(release)) return startReleaseHost(release);
  return startNamespaceHost({ dir: await labFolder(), name: 'wire', hideKvm: true });
}

/** The URI of a driver of that daemon, by its socket. */
export async function uriOf(driver: 'qemu' | 'test'): Promise<string> {
  const path = driver === 'qemu' ? '/system' : '/default';
  return `${driver}+unix://${path}?socket=${(await daemon()).socket}`;
}

/** A connection of a test, closed with it. */
export async function open(
  t: TestContext,
  driver: 'qemu' | 'test',
  options: Partial<ConnectOptions> = {},
): Promise<Connection> {
  const environment = { uid: 0 };
  const connection = await connect(await uriOf(driver), { environment, ...options }, WAIT);
  t.after(() => connection.close(WAIT));
  return connection;
}

/** What virsh says to a command, asked of the same daemon. */
export async function virsh(driver: 'qemu' | 'test', ...args: readonly string[]): Promise<string> {
  const { stdout, stderr, status } = spawnSync(
    'virsh',
    ['-q', '-c', await uriOf(driver), ...args],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`virsh ${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}

/**
 * What python3-libvirt says to an expression about `c`, a connection to the same daemon. Names from
 * the module `libvirt` stand for themselves; what is not JSON comes as its text.
 */
export async function python(driver: 'qemu' | 'test', expression: string): Promise<unknown> {
  const script = `import sys, json, libvirt; from libvirt import *
c = libvirt.open(sys.argv[1])
print(json.dumps(eval(sys.argv[2]), default=str))`;
  const argv = ['-c', script, await uriOf(driver), expression];
  const { stdout, stderr, status } = spawnSync('/usr/bin/python3', argv, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`python: ${expression}: ${stderr}`);
  return JSON.parse(stdout);
}

/** What a program writes that runs inside the host, where the same daemon runs. */
export async function inHost(...argv: readonly string[]): Promise<string> {
  const { pid } = await daemon();
  const enter = ['--target', `${pid}`, '--root', '--mount', '--net', '--uts', '--ipc', '--pid'];
  const { stdout, stderr, status } = spawnSync('nsenter', [...enter, '--', ...argv], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
  return stdout.trim();
}

/** The libvirtd itself, as seen from here: among all processes, the one of that pid in its namespace. */
export async function daemonPid(): Promise<number> {
  const { pid } = await daemon();
  const namespace = await readlink(`/proc/${pid}/ns/pid`);
  for (const entry of await readdir('/proc')) {
    const own = await readlink(`/proc/${entry}/ns/pid`).catch(() => '');
    const name = await readFile(`/proc/${entry}/comm`, 'utf8').catch(() => '');
    if (own === namespace && name.trim() === 'libvirtd') return Number(entry);
  }
  throw new Error('no libvirtd runs in the host');
}

/** A guest of 32 MiB without an operating system: it starts fast and does nothing. */
export function emptyGuestXml(name: string, devices = ''): string {
  return `<domain type='qemu'><name>${name}</name><memory unit='MiB'>32</memory><vcpu>2</vcpu>
<iothreads>1</iothreads><os><type arch='x86_64' machine='pc'>hvm</type></os>
<devices><serial type='pty'/><video><model type='vga'/></video>${devices}</devices></domain>`;
}

/** A folder pool, not yet started, with its folder made. */
export async function folderPoolXml(name: string): Promise<string> {
  const { images } = await daemon();
  await mkdir(join(images.outside, name), { recursive: true });
  await writeFile(join(images.outside, name, 'old.raw'), 'old');
  return `<pool type='dir'><name>${name}</name><target><path>${images.inside}/${name}</path></target></pool>`;
}
