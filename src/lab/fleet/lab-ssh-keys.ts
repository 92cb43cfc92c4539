import { readFile, rm, writeFile } from 'node:fs/promises';
import { readIfThere } from '../system/read-if-there.ts';
import { runCommand } from '../system/run-command.ts';

const KEYGEN_DEADLINE_MS = 30_000;

/**
 * Makes a key pair PATH and PATH.pub unless it is there.
 * @throws BERTH_PACKAGES_NEEDED without ssh-keygen, BERTH_COMMAND_FAILED.
 */
export async function makeSshKey(
  path: string,
  comment: string,
  signal: AbortSignal,
): Promise<void> {
  if ((await readIfThere(`${path}.pub`)) !== undefined) return;
  await rm(path, { force: true }); // of a run that was killed
  await runCommand(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', path], {
    deadlineMs: KEYGEN_DEADLINE_MS,
    packages: ['openssh-client'],
    writesTo: path,
    signal,
  });
}

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
