import { readFile, writeFile } from 'node:fs/promises';

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
