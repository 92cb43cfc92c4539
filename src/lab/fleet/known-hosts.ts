import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Writes known_hosts (sshd(8)) for hosts by name and address. */
export async function writeKnownHosts(
  path: string,
  hosts: readonly { readonly name: string; readonly address: string; readonly key: string }[],
): Promise<void> {
  const lines = [];
  for (const { name, address, key } of hosts) {
    const [type = '', text = ''] = (await readFile(`${key}.pub`, 'utf8')).split(' ');
    lines.push(`${name},${address} ${type} ${text.trim()}\n`);
  }
  await writeFile(path, lines.join(''), { mode: 0o600 });
}

/**
 * Writes an ssh_config (ssh_config(5)) for clients of a lab's hosts: they enter with the lab's key,
 * know its hosts, and write down new ones beside those, not in anybody's home.
 */
export async function writeSshConfig(
  path: string,
  { identity, knownHosts }: { readonly identity: string; readonly knownHosts: string },
): Promise<void> {
  const lines = [
    'Host *',
    `  IdentityFile ${sshPath(identity)}`,
    '  IdentitiesOnly yes',
    `  UserKnownHostsFile ${sshPath(knownHosts)}`,
  ];
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  await writeFile(path, `${lines.join('\n')}\n`, { mode: 0o644 });
}

/** A path that may have white space, and percent signs, which ssh expands. */
function sshPath(path: string): string {
  return `"${path.replaceAll('%', '%%')}"`;
}
