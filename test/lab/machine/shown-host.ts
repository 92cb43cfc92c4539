import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseIntSet } from '../../../src/base/int-set.ts';
import { readHostTopology } from '../../../src/facts/host-topology.ts';
import { HostLink } from '../../../src/host/host-link.ts';
import { observeTopology, readFixture } from '../../../src/host/observe.ts';
import type { ShownMachine } from '../../../src/lab/machine/shown-machine.ts';
import { writeSysTree } from '../../../src/lab/machine/write-sys-tree.ts';
import {
  startNamespaceHost,
  type NamespaceHostOptions,
} from '../../../src/lab/private-host/namespace-host.ts';
import { cpuNumbers, onlineCpus, type HostTopology } from '../../../src/model/topology.ts';
import { dropLabFolder, labFolder } from '../lab-host.ts';

/** A machine as it is seen on a host that shows it. */
export interface Sight {
  /** By `host`, from libvirt's answers and the host's files. */
  readonly observed: HostTopology;
  /** From the capabilities alone, as over a way in that gives no files. */
  readonly byLibvirt: HostTopology | undefined;
  /** What virsh nodeinfo counts. */
  readonly nodeinfo: { readonly cpus: number; readonly memoryKiB: number };
}

const WAIT = { deadlineMs: 30_000 };

let home: string | undefined;

/**
 * Shows a machine to a real libvirtd and looks at it. One folder serves all machines of a test file
 * in turn, so that libvirt probes QEMU once.
 */
export async function seeMachine(
  machine: ShownMachine,
  preloaded: Pick<NamespaceHostOptions, 'shim'> = {},
): Promise<Sight> {
  home ??= await labFolder();
  const sysTree = await mkdtemp(join(tmpdir(), 'berth-shown-'));
  try {
    await writeSysTree(sysTree, machine);
    const options = { dir: home, name: 'shown', hideKvm: true, endsWithCaller: true, ...preloaded };
    const host = await startNamespaceHost({ ...options, sysTree });
    try {
      return await lookAt(host.uri);
    } finally {
      await host.stop();
    }
  } finally {
    await rm(sysTree, { recursive: true });
  }
}

/** To be called when the last machine of a test file has been seen. */
export async function dropShownHost(): Promise<void> {
  if (home !== undefined) await dropLabFolder(home);
  home = undefined;
}

/**
 * Holds what was seen against what was shown. The architecture is left out: libvirt has it from
 * uname(2), so that it is this machine's.
 */
export function assertSeen({ topology }: ShownMachine, { observed, nodeinfo }: Sight): void {
  assert.deepEqual({ ...observed, arch: '' }, { ...topology, arch: '' });
  const memory = topology.cells.reduce((sum, cell) => sum + cell.memoryBytes, 0);
  assert.equal(nodeinfo.cpus, onlineCpus(topology).length);
  assert.equal(nodeinfo.memoryKiB, memory / 1024);
}

/**
 * True when libvirt can tell the CPUs of such a machine here. libnuma, which it reads cells with,
 * knows no higher numbers than sched_getaffinity(2) has bits for: as many as the kernel was built
 * for, or (CONFIG_CPUMASK_OFFSTACK, where that is more than 512) as many as this machine could
 * have, in whole words of 64.
 */
export function isWithinLibnuma(topology: HostTopology): boolean {
  const read = (name: string): string =>
    readFileSync(`/sys/devices/system/cpu/${name}`, 'utf8').trim();
  const built = Number(read('kernel_max')) + 1;
  const possible = Math.max(...parseIntSet(read('possible'), 'possible')) + 1;
  return cpuNumbers(topology) <= (built > 512 ? Math.ceil(possible / 64) * 64 : built);
}

async function lookAt(uri: string): Promise<Sight> {
  await using link = await HostLink.open({ name: 'shown', uri, environment: { uid: 0 } }, WAIT);
  const fixture = await readFixture(link, WAIT);
  const { capabilitiesXml } = fixture;
  return {
    observed: await observeTopology(link, fixture, WAIT),
    byLibvirt: /<cpu id=/.test(capabilitiesXml)
      ? readHostTopology({ capabilitiesXml }).topology
      : undefined,
    nodeinfo: nodeinfoOf(uri),
  };
}

function nodeinfoOf(uri: string): Sight['nodeinfo'] {
  const text = execFileSync('virsh', ['-c', uri, 'nodeinfo'], { encoding: 'utf8' });
  const figure = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1]);
  return { cpus: figure('CPU\\(s\\)'), memoryKiB: figure('Memory size') };
}
