import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { openGuestShell } from '../../../src/lab/guest/open-guest-shell.ts';
import type { GuestShell } from '../../../src/lab/guest/guest-shell.ts';
import { runCommand } from '../../../src/lab/system/run-command.ts';
import {
  connect,
  domainCreateWithFlags,
  domainDefineXmlFlags,
  type Connection,
  type Domain,
  type EventFeed,
} from '../../../src/libvirt/index.ts';
import { BOOT_DEADLINE_MS, tinyGuestXml } from '../../lab/tiny-guest.ts';
import type { LabHost } from '../../lab/lab-host.ts';
import { WAIT } from '../daemon.ts';

/** A guest that has booted, with a connection to its host and a shell in it. */
export interface JobGuest extends AsyncDisposable {
  readonly connection: Connection;
  readonly dom: Domain;
  readonly shell: GuestShell;
}

/** Defines the tiny guest, starts it and waits for its prompt. */
export async function startJobGuest(
  lab: LabHost,
  name: string,
  devices: string,
): Promise<JobGuest> {
  const connection = await connectTo(lab.uri);
  const xml = asOldAs(connection.libVersion, tinyGuestXml(lab, name, devices));
  const defined = await connection.call(domainDefineXmlFlags, { xml }, WAIT);
  const { dom } = await connection.call(domainCreateWithFlags, defined, WAIT);
  const shell = await shellOf(lab.uri, name);
  return {
    connection,
    dom,
    shell,
    [Symbol.asyncDispose]: async () => {
      await shell.close();
      await connection.close(WAIT);
    },
  };
}

/**
 * Without what an older libvirt does not do: 7.1 is the first with that CPU mode, and 7.0 leaves the
 * making of a log to QEMU's user, who may not.
 */
function asOldAs(libVersion: number, xml: string): string {
  if (libVersion >= 7_001_000) return xml;
  return xml.replace("<cpu mode='maximum'/>", '').replace(/<log file='[^']*'\/>/, '');
}

/** A shell in a guest, once that has booted. */
export async function shellOf(uri: string, guest: string): Promise<GuestShell> {
  return openGuestShell({ uri, guest, force: true }, { deadlineMs: BOOT_DEADLINE_MS });
}

/** What a script in the guest writes, trimmed; fails where it fails. */
export async function inGuest(shell: GuestShell, script: string): Promise<string> {
  const { status, output } = await shell.script(script, { deadlineMs: 60_000 });
  if (status !== 0) throw new Error(`in the guest: ${script}: ${status}: ${output}`);
  return output.trim();
}

/** The content of a disk as the guest reads it from the device, not from its cache. */
export async function diskSum(shell: GuestShell, device: string): Promise<string> {
  const script = `sync; echo 3 >/proc/sys/vm/drop_caches; md5sum /dev/${device}`;
  return (await inGuest(shell, script)).slice(0, 32);
}

export async function connectTo(uri: string): Promise<Connection> {
  return connect(uri, { environment: { uid: 0 } }, WAIT);
}

/** The next event of a feed for which something holds. */
export async function nextEvent<E>(feed: EventFeed<E>, holds: (event: E) => boolean): Promise<E> {
  for (;;) {
    const event = await feed.take(WAIT);
    if (holds(event)) return event;
  }
}

/** What qemu-img says; files below `lab.images.outside`, which QEMU's own user may write. */
export async function qemuImg(lab: LabHost, ...argv: readonly string[]): Promise<string> {
  const { stdout } = await runCommand(['qemu-img', ...argv], {
    deadlineMs: 60_000,
    cwd: lab.images.outside,
  });
  return stdout;
}

/** A new image in the folder of images, by the path that libvirt sees. */
export async function makeImage(
  lab: LabHost,
  name: string,
  options: readonly string[],
  size: string,
): Promise<string> {
  await qemuImg(lab, 'create', '-q', ...options, name, size);
  await chmod(join(lab.images.outside, name), 0o666);
  return `${lab.images.inside}/${name}`;
}

/** A disk of a domain. */
export function diskXml(path: string, format: string, target: string): string {
  return `<disk type='file' device='disk'><driver name='qemu' type='${format}'/>
<source file='${path}'/><target dev='${target}' bus='virtio'/></disk>`;
}
