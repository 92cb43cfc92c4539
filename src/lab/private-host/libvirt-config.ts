import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { el, renderXml } from '../../xml/index.ts';
import { hasErrno } from '../system/errno.ts';

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

/** Where a private host's configuration goes. */
export interface LibvirtConfigPlaces {
  /** The host's folder, which keeps its UUID. */
  readonly dir: string;
  /** The folder that libvirt looks in. */
  readonly config: string;
  /** The folder of images, as libvirt sees it. */
  readonly images: string;
}

/**
 * Folders of certificates, as the host sees them, by the names that libvirt and QEMU look for:
 * ca-cert.pem, server-cert.pem, server-key.pem, client-cert.pem and client-key.pem.
 */
export interface TlsWayIn {
  /** Of the TLS way in, for the daemon alone. */
  readonly libvirtd: string;
  /** Of guests on the move, read by QEMU's user. */
  readonly qemu: string;
}

/** Writes libvirtd.conf and qemu.conf of a private host and, the first time, its pool of images. */
export async function writeLibvirtConfig(
  places: LibvirtConfigPlaces,
  tls?: TlsWayIn,
): Promise<void> {
  const uuid = await hostUuid(join(places.dir, 'host-uuid'));
  const listen = tls === undefined ? 'listen_tls = 0\n' : listenTls(tls);
  const libvirtd = `${LIBVIRTD}host_uuid = "${uuid}"\n${listen}`;
  await writeFile(join(places.config, 'libvirtd.conf'), libvirtd);
  const qemu = tls === undefined ? QEMU : `${QEMU}default_tls_x509_cert_dir = "${tls.qemu}"\n`;
  await writeFile(join(places.config, 'qemu.conf'), qemu);
  await addDefaultPool(places);
}

/** A client's certificate is asked for, as libvirt does unless told otherwise. */
function listenTls({ libvirtd }: TlsWayIn): string {
  return `listen_tls = 1
listen_tcp = 0
ca_file = "${libvirtd}/ca-cert.pem"
cert_file = "${libvirtd}/server-cert.pem"
key_file = "${libvirtd}/server-key.pem"
`;
}

/**
 * The pool `default`, which every libvirt client expects, started with the daemon (libvirt 9.0,
 * storage_driver.c). One that is there, changed or not, is left alone; the link that starts it is
 * made first, so that a pool half made is made again.
 */
async function addDefaultPool({ config, images }: LibvirtConfigPlaces): Promise<void> {
  const folder = join(config, 'storage');
  await mkdir(join(folder, 'autostart'), { recursive: true });
  const path = el('target', {}, el('path', {}, images));
  const pool = renderXml(el('pool', { type: 'dir' }, el('name', {}, 'default'), path));
  await unlessThere(async () => symlink('../default.xml', join(folder, 'autostart/default.xml')));
  await unlessThere(async () => writeFile(join(folder, 'default.xml'), pool, { flag: 'wx' }));
}

/** The same for the life of the folder: libvirt refuses to migrate between hosts of one UUID. */
async function hostUuid(path: string): Promise<string> {
  await unlessThere(async () => writeFile(path, `${randomUUID()}\n`, { flag: 'wx' }));
  const text = (await readFile(path, 'utf8')).trim();
  if (/^[0-9a-f-]{36}$/.test(text)) return text;
  await rm(path); // half written by a crash
  return hostUuid(path);
}

async function unlessThere(make: () => Promise<void>): Promise<void> {
  try {
    await make();
  } catch (error) {
    if (!hasErrno(error, 'EEXIST')) throw error;
  }
}
