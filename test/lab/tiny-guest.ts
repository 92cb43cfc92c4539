import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runCommand } from '../../src/lab/system/run-command.ts';
import type { GuestImage } from '../../src/lab/guest/guest-image.ts';
import type { LabHost } from './lab-host.ts';

/** A loaded machine boots the guest several times slower than an idle one. */
export const BOOT_DEADLINE_MS = 90_000;

/** Domain XML that boots the tiny guest under emulation, its console in `NAME.log` of the images. */
export function tinyGuestXml(
  lab: { image: Pick<GuestImage, 'kernel' | 'initrd'>; images: { inside: string } },
  name: string,
): string {
  return `<domain type='qemu'><name>${name}</name><memory unit='MiB'>128</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type><kernel>${lab.image.kernel}</kernel>
<initrd>${lab.image.initrd}</initrd>
<cmdline>console=ttyS0 quiet berth.hostname=${name} berth.dhcp</cmdline></os>
<features><acpi/></features><cpu mode='maximum'/><devices>
<serial type='pty'><log file='${lab.images.inside}/${name}.log'/><target port='0'/></serial>
<interface type='user'><model type='virtio'/></interface>
<memballoon model='virtio'/></devices></domain>`;
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
