import { chmod, writeFile } from 'node:fs/promises';
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
 * accounts. StrictModes would look at the owners of folders that are the machine's.
 */
export async function writeSshdConfig(dir: string, way: SshWayIn): Promise<void> {
  const path = join(dir, 'sshd_config');
  const lines = [
    'Port 22',
    'PidFile none',
    `HostKey ${way.hostKey}`,
    `AuthorizedKeysFile ${way.authorizedKeys}`,
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
