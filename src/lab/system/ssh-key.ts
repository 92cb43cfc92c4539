import { rm } from 'node:fs/promises';
import { readIfThere } from './read-if-there.ts';
import { runCommand } from './run-command.ts';

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
