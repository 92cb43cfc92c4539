import { chmod, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { labFolder, labHostFolder } from '../../../src/lab/fleet/lab-folder.ts';
import { insideHost, insideLab } from '../../../src/lab/fleet/run-in-lab.ts';
import type { ShownMachine } from '../../../src/lab/machine/shown-machine.ts';
import { findNamespaceHost } from '../../../src/lab/private-host/namespace-host.ts';
import { runCommand } from '../../../src/lab/system/run-command.ts';
import { findProgram } from '../../../src/lab/system/system-path.ts';
import { bringUp, keeperPid, labHome } from '../../lab/fleet/test-lab.ts';
import { LabClient } from './lab-client.ts';

/** A host of a lab with a client on the lab's network. */
export interface FarHost {
  readonly home: string;
  /** The lab's own folder: keys, known hosts, certificates. */
  readonly lab: string;
  /** The host's folder, which it sees at the same place. */
  readonly dir: string;
  readonly name: string;
  readonly address: string;
  readonly client: LabClient;
  /** Runs a command in the host. */
  inside(...argv: readonly [string, ...string[]]): Promise<string>;
  /** Runs a command on the lab's network. */
  beside(...argv: readonly [string, ...string[]]): Promise<string>;
}

/** Brings a lab of one host up, which shows that machine if one is given; it ends with the process. */
export async function farHost(machine?: ShownMachine): Promise<FarHost> {
  const home = labHome();
  const shown = machine === undefined ? {} : { machine };
  const { hosts } = await bringUp(home, { hosts: [{ kind: 'namespace', ...shown }] });
  const [host] = hosts;
  if (host === undefined) throw new Error('the lab has no host');
  const lab = labFolder(home, 'lab');
  const keeper = await keeperPid(home);
  const run = async (enter: readonly [string, ...string[]], argv: readonly string[]) =>
    (await runCommand([...enter, ...argv], { deadlineMs: 30_000 })).stdout.trim();
  return {
    home,
    lab,
    dir: labHostFolder(lab, 1),
    name: host.name,
    address: host.address,
    client: await LabClient.start(home),
    inside: async (...argv) => {
      const found = await findNamespaceHost(host.dir);
      if (found === undefined) throw new Error(`${host.name} does not run`);
      return run(insideHost(found.pid), argv);
    },
    beside: async (...argv) => run(insideLab(lab, keeper), argv),
  };
}

/** Takes a program away from a host; the result gives it back. */
export async function hide(host: FarHost, program: string): Promise<() => Promise<void>> {
  const found = await findProgram(program);
  if (found === undefined) return async () => undefined;
  const path = await realpath(found);
  await host.inside('mount', '--bind', '/dev/null', path);
  return async () => void (await host.inside('umount', path));
}

/** Puts a file of text into a host, at a place that the host alone sees. */
export async function put(host: FarHost, folder: string, name: string, text: string) {
  const source = join(host.dir, name);
  await writeFile(source, text);
  await chmod(source, 0o755);
  await host.inside('sh', '-c', `mountpoint -q ${folder} || mount -t tmpfs own ${folder}`);
  await host.inside('cp', '-p', source, join(folder, name));
}
