import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findFaultTarget } from '../../../src/lab/fleet/fault-target-of.ts';
import type { FaultTarget } from '../../../src/lab/fault/fault-target.ts';
import { buildShim } from '../../../src/lab/machine/build-shim.ts';
import type { LabHostInfo } from '../../../src/lab/fleet/lab-info.ts';
import { insideHost } from '../../../src/lab/fleet/run-in-lab.ts';
import { onLabNetwork } from '../../../src/lab/private-host/network-place.ts';
import { runCommand, type Argv } from '../../../src/lab/system/run-command.ts';
import { MIB } from '../../../src/base/units.ts';
import { buildTestImage, TEST_CACHE } from '../lab-host.ts';
import { bringUp, fleetSkip, keeperPid, labHome } from '../fleet/test-lab.ts';
import { shimSkip } from '../machine/shimmed-host.ts';
import { tinyGuestXml, virsh } from '../tiny-guest.ts';

/** A lab of two hosts to be broken, the first one with a disk of its own. */
export interface BrokenLab {
  readonly home: string;
  /** The first host, to be broken. */
  readonly target: FaultTarget;
  readonly hosts: readonly LabHostInfo[];
  /** The address of the second one. */
  readonly other: string;
  readonly keeper: number;
}

/** The unmet need of tests with faults, or false. */
export async function faultSkip(): Promise<string | false> {
  const need = await fleetSkip();
  return need === false ? shimSkip() : need;
}

let shared: Promise<BrokenLab> | undefined;

/** The lab of this test file. */
export function brokenLab(): Promise<BrokenLab> {
  shared ??= startBrokenLab();
  return shared;
}

/** One more lab, for tests after which a host is no more. */
export async function startBrokenLab(): Promise<BrokenLab> {
  const home = labHome();
  const { hosts } = await bringUp(home, await labOptions());
  return {
    home,
    target: await findFaultTarget(home, 'lab-1', TEST_CACHE),
    hosts,
    other: hosts[1]?.address ?? '',
    keeper: await keeperPid(home),
  };
}

/** Starts again what has ended of a lab. @returns its first host. */
export async function restartBrokenLab({ home }: BrokenLab): Promise<FaultTarget> {
  await bringUp(home, await labOptions());
  return findFaultTarget(home, 'lab-1', TEST_CACHE);
}

async function labOptions() {
  const kind = 'namespace' as const;
  return {
    hosts: [{ kind, disk: 192 * MIB }, { kind }],
    shim: await buildShim({ dir: TEST_CACHE }),
    guest: await buildTestImage(),
  };
}

/** Starts a tiny guest and says what its XML may be changed to. */
export async function startGuest(
  { uri, dir }: FaultTarget,
  name: string,
  change: (xml: string) => string = (xml) => xml,
): Promise<void> {
  const inside = '/var/lib/libvirt/images';
  const image = { kernel: `${inside}/vmlinuz`, initrd: `${inside}/initrd.gz` };
  const path = join(dir, `${name}.xml`);
  await writeFile(path, change(tinyGuestXml({ image, images: { inside } }, name)));
  await virsh(uri, 'define', path);
  await virsh(uri, 'start', name);
}

/** What a command says that runs on the host. */
export async function onHost(target: FaultTarget, ...argv: Argv): Promise<string> {
  return (await target.run(argv, { deadlineMs: 30_000 })).stdout.trim();
}

/** Pings from the broken host to the other one. @returns how many came back, and after what times. */
export async function ping(
  { target, other }: BrokenLab,
  count: number,
): Promise<{
  readonly received: number;
  readonly fastestMs: number;
  readonly averageMs: number;
}> {
  const argv = [...insideHost(target.process.pid), 'ping', '-q', '-i', '0.02', '-W', '2'] as const;
  const command = [...argv, '-c', `${count}`, other] as const;
  // Its status tells only whether any came back.
  const { stdout } = await runCommand(['sh', '-c', '"$@" || :', 'sh', ...command], {
    deadlineMs: 60_000,
  });
  return {
    received: Number(/(\d+) received/.exec(stdout)?.[1]),
    fastestMs: Number(/= ([\d.]+)\//.exec(stdout)?.[1]),
    averageMs: Number(/= [\d.]+\/([\d.]+)\//.exec(stdout)?.[1]),
  };
}

/** What a command says that runs on the lab's own network. */
export async function onLab({ keeper }: BrokenLab, ...argv: Argv): Promise<string> {
  const enter = onLabNetwork(keeper);
  const { stdout } = await runCommand([...enter, ...argv], { deadlineMs: 30_000 });
  return stdout.trim();
}
