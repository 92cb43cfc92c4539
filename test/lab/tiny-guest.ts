import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runCommand } from '../../src/lab/system/run-command.ts';
import { DEBIAN_GUEST_CMDLINE } from '../../src/lab/guest/debian-guest.ts';
import type { GuestImage } from '../../src/lab/guest/guest-image.ts';
import type { DebianGuestFiles, LabHost } from './lab-host.ts';

/** A loaded machine boots the guest many times slower than an idle one, which takes 3 s. */
export const BOOT_DEADLINE_MS = 180_000;

/** What a guest with an agent needs for libvirt to speak with it. */
export const AGENT_CHANNEL =
  "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>";

/** Domain XML that boots the tiny guest under emulation, its console in `NAME.log` of the images. */
export function tinyGuestXml(
  lab: { image: Pick<GuestImage, 'kernel' | 'initrd'>; images: { inside: string } },
  name: string,
  devices = '',
): string {
  return `<domain type='qemu'><name>${name}</name><memory unit='MiB'>128</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type><kernel>${lab.image.kernel}</kernel>
<initrd>${lab.image.initrd}</initrd>
<cmdline>console=ttyS0 quiet berth.hostname=${name} berth.dhcp</cmdline></os>
<features><acpi/></features><cpu mode='maximum'/><devices>
<serial type='pty'><log file='${lab.images.inside}/${name}.log'/><target port='0'/></serial>
<interface type='user'><model type='virtio'/></interface>
<memballoon model='virtio'/>${devices}</devices></domain>`;
}

/** Domain XML that boots the small Debian guest under emulation, with an agent. */
export function debianGuestXml(image: DebianGuestFiles, name: string): string {
  return `<domain type='qemu'><name>${name}</name><memory unit='MiB'>256</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type><kernel>${image.kernel}</kernel>
<initrd>${image.initrd}</initrd>
<cmdline>${DEBIAN_GUEST_CMDLINE} systemd.hostname=${name}</cmdline></os>
<features><acpi/></features><cpu mode='maximum'/><devices>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='${image.disk}'/>
<target dev='vda' bus='virtio'/></disk>
<serial type='pty'><target port='0'/></serial>${AGENT_CHANNEL}
<interface type='user'><model type='virtio'/></interface></devices></domain>`;
}

/** Starts a guest that is gone once it ends. */
export async function startGuest(lab: LabHost, name: string, xml: string): Promise<void> {
  const path = join(lab.dir, `${name}.xml`);
  await writeFile(path, xml);
  await virsh(lab.uri, 'create', path);
}

export async function virsh(uri: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await runCommand(['virsh', '-q', '-c', uri, ...args], { deadlineMs: 60_000 });
  return stdout.trim();
}

/** What the guest has written to its console. */
export async function consoleLog(lab: LabHost, name: string): Promise<string> {
  return readLog(join(lab.images.outside, `${name}.log`));
}

/** A file that may not be there yet. */
export async function readLog(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

/** Waits until a condition holds, looking again and again: a file has no event of its content. */
export async function until(
  what: string,
  deadlineMs: number,
  holds: () => Promise<boolean>,
): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`${what} did not come within ${deadlineMs} ms`);
    await delay(25);
  }
}
