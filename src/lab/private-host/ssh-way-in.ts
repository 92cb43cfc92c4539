import { chmod, copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** How a host is entered by SSH, as root and by key alone. */
export interface SshWayIn {
  /** Path of sshd, which wants to be called by an absolute one. */
  readonly program: string;
  /** The host's private key. */
  readonly hostKey: string;
  /** Public keys of those who may come in. */
  readonly authorizedKeys: string;
}

/**
 * Writes a host's sshd_config (sshd_config(5)): nothing but keys, nothing of this machine's own
 * accounts. StrictModes would look at the owners of folders that are the machine's. The file with
 * its pid, which it writes once it listens, is where sshd puts it unless told: /run/sshd.pid.
 */
export async function writeSshdConfig(dir: string, way: SshWayIn): Promise<void> {
  const path = join(dir, 'sshd_config');
  // A guarded host sees of a lab in /tmp no more than its own folder.
  const keys = join(dir, 'authorized_keys');
  await copyFile(way.authorizedKeys, keys);
  const lines = [
    'Port 22',
    `HostKey ${quoted(way.hostKey)}`,
    `AuthorizedKeysFile ${quoted(keys.replaceAll('%', '%%'))}`,
    'PermitRootLogin prohibit-password',
    'AllowUsers root',
    'AuthenticationMethods publickey',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'UsePAM no',
    'StrictModes no',
    'PrintMotd no',
    'X11Forwarding no',
    'UseDNS no',
    'Subsystem sftp internal-sftp',
  ];
  await writeFile(path, `${lines.join('\n')}\n`);
  await chmod(path, 0o600);
}

/** As one word for sshd, which else ends it at a space. */
function quoted(path: string): string {
  return `"${path.replaceAll(/["\\]/g, '\\$&')}"`;
}
