import { randomUUID } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrno } from './errno.ts';

/**
 * What a private host's libvirtd and QEMU driver are told. The socket is for its owner alone.
 *
 * security_driver: profiles of SELinux and AppArmor are the whole machine's, so using them would
 * write outside the host's folder; that QEMU runs unprivileged and owns its files only stays.
 * stdio_handler: no virtlogd runs here. remember_owner: its records are attributes of the image
 * files, which would outlive a host that is ended at once and keep other hosts from the image.
 */
const LIBVIRTD = `# Written by Berth at every start.
unix_sock_rw_perms = "0700"
unix_sock_ro_perms = "0700"
auth_unix_rw = "none"
auth_unix_ro = "none"
`;
const QEMU = `# Written by Berth at every start.
security_driver = "none"
stdio_handler = "file"
remember_owner = 0
`;

/**
 * Writes libvirtd.conf and qemu.conf of a private host.
 * @param options.dir the host's folder, which keeps its UUID.
 * @param options.config the folder that libvirt looks in.
 */
export async function writeLibvirtConfig(options: {
  readonly dir: string;
  readonly config: string;
}): Promise<void> {
  const uuid = await hostUuid(join(options.dir, 'host-uuid'));
  const libvirtd = `${LIBVIRTD}host_uuid = "${uuid}"\n`;
  await writeFile(join(options.config, 'libvirtd.conf'), libvirtd);
  await writeFile(join(options.config, 'qemu.conf'), QEMU);
}

/** The same for the life of the folder: libvirt refuses to migrate between hosts of one UUID. */
async function hostUuid(path: string): Promise<string> {
  try {
    await writeFile(path, `${randomUUID()}\n`, { flag: 'wx' });
  } catch (error) {
    if (!hasErrno(error, 'EEXIST')) throw error;
  }
  const text = (await readFile(path, 'utf8')).trim();
  if (/^[0-9a-f-]{36}$/.test(text)) return text;
  await rm(path); // half written by a crash
  return hostUuid(path);
}
