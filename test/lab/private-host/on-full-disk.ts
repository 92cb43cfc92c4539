/**
 * `unshare --mount node on-full-disk.ts DIR`: tries what fills disks on file systems that are too
 * small, mounted at DIR for this process alone. Prints, for each, the error's code and the names of
 * what is left.
 */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isBerthError } from '../../../src/base/errors.ts';
import { buildGuestImage } from '../../../src/lab/guest/guest-image.ts';
import { machineArch } from '../../../src/lab/system/machine-arch.ts';
import { startNamespaceHost } from '../../../src/lab/private-host/namespace-host.ts';
import { runCommand } from '../../../src/lab/system/run-command.ts';

const dir = process.argv[2] ?? '';
const arch = machineArch(process.arch);

async function outcome(
  name: string,
  size: string,
  act: (dir: string) => Promise<unknown>,
): Promise<readonly string[]> {
  const folder = join(dir, name);
  await mkdir(folder);
  const options = `size=${size},mode=755`;
  await runCommand(['mount', '-t', 'tmpfs', '-o', options, 'small', folder], { deadlineMs: 5_000 });
  const code = await act(folder).then(
    () => 'it worked',
    (error: unknown) => (isBerthError(error) ? error.code : String(error)),
  );
  const left = (await readdir(folder)).filter((entry) => entry !== 'lock' && entry !== 'host-uuid');
  return [code, ...left];
}

const outcomes = {
  host: await outcome('host', '8k', (dir) =>
    startNamespaceHost({ dir, name: 'full', hideKvm: true }),
  ),
  image: await outcome('image', '6m', (dir) => buildGuestImage({ dir, arch })),
  command: await outcome('command', '4m', (dir) =>
    runCommand(['cp', process.execPath, dir], { writesTo: dir, deadlineMs: 10_000 }),
  ),
};
process.stdout.write(JSON.stringify(outcomes));
