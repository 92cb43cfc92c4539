import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, readlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { upLab, type LabHostWish, type LabOptions } from '../../../src/lab/fleet/lab.ts';
import { findLab } from '../../../src/lab/fleet/list-labs.ts';
import type { LabInfo } from '../../../src/lab/fleet/lab-info.ts';
import { labFolder, labHostFolder, labHostName } from '../../../src/lab/fleet/lab-folder.ts';
import { readLabRecord } from '../../../src/lab/fleet/lab-record.ts';
import type { HostTopology } from '../../../src/model/topology.ts';
import { cgroupName } from '../../../src/lab/private-host/namespace-host.ts';
import { hostTraces, type HostTraces } from '../private-host/host-traces.ts';
import { atProcessEnd } from '../at-process-end.ts';
import { labUnmetNeed } from '../lab-host.ts';
import { missingPrograms } from '../../../src/lab/system/system-path.ts';

/** What this machine lacks for tests with labs; false when it has all. */
export async function fleetSkip(): Promise<string | false> {
  const missing = await missingPrograms(['sshd', 'ssh', 'openssl', 'nsenter', 'mke2fs']);
  return (await labUnmetNeed()) ?? (missing.length > 0 && `needs: ${missing.join(', ')}`);
}

/** Stands for this machine's topology where a test does not look at it. */
export const NO_TOPOLOGY: HostTopology = {
  arch: 'x86_64',
  cells: [],
  offlineCpus: [],
  pciAnywhere: [],
};

const homes = new Set<string>();

/** A new home for labs; they end with this process. */
export function labHome(): string {
  if (homes.size === 0) atProcessEnd(endAll);
  const home = mkdtempSync(join(tmpdir(), 'berth-labs-'));
  homes.add(home);
  return home;
}

/** Hosts that show this machine. */
export function plainHosts(count: number): readonly LabHostWish[] {
  return Array.from({ length: count }, () => ({ kind: 'namespace' }));
}

/** Brings a lab up whose hosts are all alike unless told otherwise, and looks at it. */
export async function bringUp(
  home: string,
  options: Partial<Omit<LabOptions, 'hosts'>> & {
    readonly hosts?: number | readonly LabHostWish[];
  },
): Promise<LabInfo & { readonly changed: boolean }> {
  const { hosts, name = 'lab', ...rest } = options;
  const { changed } = await upLab({
    signal: AbortSignal.timeout(60_000),
    ...rest,
    home,
    name,
    ...(hosts === undefined
      ? {}
      : { hosts: typeof hosts === 'number' ? plainHosts(hosts) : hosts }),
    cache: join(home, 'cache'),
  });
  return { ...(await findLab(home, name, NO_TOPOLOGY)), changed };
}

/** What the first hosts of the lab `lab` leave on the machine while they run. */
export async function labTraces(home: string, hosts: number): Promise<HostTraces> {
  const dir = labFolder(home, 'lab');
  const indexes = Array.from({ length: hosts }, (_, at) => at + 1);
  const names = indexes.map((index) =>
    cgroupName(labHostFolder(dir, index), labHostName('lab', index)),
  );
  return hostTraces(dir, ...names);
}

/** The pid of a lab's keeper. */
export async function keeperPid(home: string, name = 'lab'): Promise<number> {
  const record = await readLabRecord(labFolder(home, name));
  if (record?.keeper === undefined) throw new Error(`the lab ${name} has no keeper`);
  return record.keeper.process.pid;
}

/** Every process that is in a network namespace of its own, by that namespace. */
export async function networkNamespaces(): Promise<ReadonlyMap<string, readonly number[]>> {
  const own = await readlink('/proc/self/ns/net');
  const found = new Map<string, readonly number[]>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const namespace = await readlink(`/proc/${name}/ns/net`).catch(() => own);
    if (namespace !== own) found.set(namespace, [...(found.get(namespace) ?? []), Number(name)]);
  }
  return found;
}

function endAll(): void {
  const script = fileURLToPath(new URL('end-labs.ts', import.meta.url));
  for (const home of homes) {
    const { status, stderr } = spawnSync(process.execPath, [script, home], { encoding: 'utf8' });
    if (status === 0) rmSync(home, { recursive: true, force: true });
    else process.stderr.write(`could not end the labs in ${home}: ${stderr}\n`);
  }
}
