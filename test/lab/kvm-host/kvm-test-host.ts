import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HostLink } from '../../../src/host/host-link.ts';
import { observeTopology, readFixture } from '../../../src/host/observe.ts';
import {
  startKvmHost,
  stopKvmHost,
  type KvmHost,
  type KvmHostOptions,
} from '../../../src/lab/kvm-host/kvm-host.ts';
import { openGuestShell } from '../../../src/lab/guest/open-guest-shell.ts';
import { runCommand } from '../../../src/lab/system/run-command.ts';
import { missingPrograms } from '../../../src/lab/system/system-path.ts';
import type { HostTopology } from '../../../src/model/topology.ts';

const CACHE =
  process.env['BERTH_TEST_CACHE'] ?? fileURLToPath(new URL('../../../.cache', import.meta.url));

/** A machine in a machine in a machine, on two cores with other things to do. */
export const SLOW = { deadlineMs: 240_000 } as const;

/** What this machine lacks for KVM hosts; false when nothing. */
export async function kvmHostSkip(): Promise<string | false> {
  if (process.getuid?.() !== 0) return 'needs: root';
  const programs = ['qemu-system-x86_64', 'qemu-img', 'virsh', 'ssh', 'mmdebstrap', 'mke2fs'];
  const missing = await missingPrograms([...programs, 'apt-get', 'ip']);
  return missing.length === 0 ? false : `needs: ${missing.join(', ')}`;
}

/** A new folder for a host, short enough for its socket; `dropHost` ends the host and removes it. */
export async function hostFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'berth-kvm-'));
}

export async function dropHost(dir: string): Promise<void> {
  await stopKvmHost(dir);
  await rm(dir, { recursive: true, force: true });
}

/** Starts a host that ends with this process, from what the cache holds or by building that. */
export async function startTestHost(
  options: Pick<KvmHostOptions, 'dir' | 'release'> & Partial<KvmHostOptions>,
): Promise<KvmHost> {
  const name = `kvm-${options.release}`;
  return startKvmHost({ name, cache: CACHE, endsWithCaller: true, ...options });
}

/** Runs a script on the host; what it wrote. */
export async function onHost(host: KvmHost, script: string): Promise<string> {
  return (await host.run(['sh', '-euc', script], SLOW)).stdout.trim();
}

/** Gives virsh a command, from outside of the host. */
export async function virshOn(host: KvmHost, ...args: readonly string[]): Promise<string> {
  const argv = ['virsh', '-q', '-c', host.uri, ...args] as const;
  return (await runCommand(argv, SLOW)).stdout.trim();
}

/** Domain XML that boots the tiny guest by KVM, with the host's processor. */
export function kvmGuestXml(
  host: KvmHost,
  name: string,
  parts = { head: '', devices: '' },
): string {
  return `<domain type='kvm'><name>${name}</name><memory unit='MiB'>128</memory>
<vcpu>2</vcpu>${parts.head}<os><type arch='x86_64' machine='q35'>hvm</type>
<kernel>${host.guest.kernel}</kernel><initrd>${host.guest.initrd}</initrd>
<cmdline>console=ttyS0 quiet berth.hostname=${name}</cmdline></os>
<features><acpi/></features><cpu mode='host-passthrough'/><devices>
<serial type='pty'><target port='0'/></serial><memballoon model='virtio'/>${parts.devices}
</devices></domain>`;
}

/** Boots a guest on the host, lets `look` at it, and ends it. */
export async function withGuest(
  host: KvmHost,
  xml: string,
  look: (name: string) => Promise<void>,
): Promise<void> {
  const name = /<name>([^<]+)</.exec(xml)?.[1] ?? '';
  const file = join(host.dir, `${name}.xml`);
  await writeFile(file, xml);
  await virshOn(host, 'create', file);
  try {
    await look(name);
  } finally {
    await virshOn(host, 'destroy', name);
  }
}

/** What a script in a guest of the host writes, once the guest has booted. */
export async function inGuest(host: KvmHost, guest: string, script: string): Promise<string> {
  await using shell = await openGuestShell({ uri: host.uri, guest }, SLOW);
  return (await shell.script(script, SLOW)).output.trim();
}

/** The host's topology as the server would see it. */
export async function observed(host: KvmHost): Promise<HostTopology> {
  const address = { name: host.name, uri: host.uri, environment: { uid: 0 } };
  await using link = await HostLink.open(address, SLOW);
  return await observeTopology(link, await readFixture(link, SLOW), SLOW);
}
