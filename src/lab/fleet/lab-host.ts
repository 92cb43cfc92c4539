import { copyFile, constants, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { berthError } from '../../base/errors.ts';
import type { HostTopology } from '../../model/topology.ts';
import type { GuestImage } from '../guest/guest-image.ts';
import type { ShownMachine } from '../machine/shown-machine.ts';
import { writeSysTree } from '../machine/write-sys-tree.ts';
import { libvirtSocketUri, uriValue } from '../private-host/libvirt-ready.ts';
import {
  lookAtNamespaceHost,
  startNamespaceHost,
  stopNamespaceHost,
} from '../private-host/namespace-host.ts';
import type { NetworkPlace } from '../private-host/network-place.ts';
import { lookAtKvmHost, startKvmHost, stopKvmHost, type KvmHost } from '../kvm-host/kvm-host.ts';
import type { KvmHostRelease } from '../kvm-host/kvm-host-image.ts';
import { kvmHostTopology } from '../kvm-host/kvm-machine.ts';
import type { PrivateHost } from '../private-host/private-host.ts';
import { chooseAccelerator, readAcceleratorFacts } from '../system/accelerator.ts';
import { readIfThere } from '../system/read-if-there.ts';
import { readRecordFile, writeRecordFile } from '../system/record-file.ts';
import type { Keeper } from './keeper.ts';
import { makeHostCertificates } from './lab-certificates.ts';
import { LAB_HOSTS_FILE, LAB_PKI, labHostFolder, labHostName } from './lab-folder.ts';
import type { LabHostInfo } from './lab-info.ts';
import { hostAddress, LAB_BRIDGE, networkOf } from './lab-network.ts';
import type { LabHostRecord } from './lab-record.ts';
import { makeSshKey } from '../system/ssh-key.ts';
import type { LabTools } from './lab-tools.ts';

/** What the hosts of a lab stand on. */
export interface LabGround {
  readonly lab: string;
  /** The lab's folder. */
  readonly dir: string;
  readonly keeper: Keeper;
  readonly tools: LabTools;
  /** The library that stands in for CPUs that are not there; absent where it cannot be built. */
  readonly shim?: { readonly library: string };
  /** What guests can be booted with; absent where it cannot be had. */
  readonly guest?: GuestImage;
  /** Folder for what is built once for all labs. */
  readonly cache: string;
}

/** Machines of KVM hosts, and the Debian release that is on each. */
export const KVM_MACHINES: Readonly<Record<string, KvmHostRelease>> = {
  'kvm-host': 'bookworm',
  'kvm-host-newer': 'trixie',
};

/** Files of a host's folder that say what it shows. */
const MACHINE_FILE = 'machine.json';
const SYS_TREE = 'sys';

/** What a host shows and what is needed to start it, written before its first start. */
export async function prepareLabHost(
  ground: LabGround,
  host: LabHostRecord,
  machine: ShownMachine | undefined,
  signal: AbortSignal,
): Promise<void> {
  const dir = labHostFolder(ground.dir, host.index);
  const name = labHostName(ground.lab, host.index);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  if (machine !== undefined) {
    // A start that was broken off may have left some of another one.
    await rm(join(dir, SYS_TREE), { recursive: true, force: true });
    await writeSysTree(join(dir, SYS_TREE), machine, { signal });
    await writeRecordFile(join(dir, MACHINE_FILE), { topology: machine.topology });
  }
  if (host.ssh) await makeSshKey(join(dir, 'ssh_host_key'), name, signal);
  if (host.tls) await makeCertificates(ground, host, signal);
}

/**
 * Two sets, of two authorities: what QEMU can read must not open libvirtd's door, for whoever came
 * through that would be root.
 */
async function makeCertificates(
  ground: LabGround,
  { index }: LabHostRecord,
  signal: AbortSignal,
): Promise<void> {
  const name = labHostName(ground.lab, index);
  const address = hostAddress(ground.keeper.network, index);
  const config = join(labHostFolder(ground.dir, index), 'etc-libvirt');
  const make = async (set: string, keyMode: number): Promise<void> =>
    makeHostCertificates(
      join(ground.dir, set),
      join(config, set),
      { name, address, keyMode },
      signal,
    );
  await make(LAB_PKI.libvirtd, 0o600);
  await make(LAB_PKI.qemu, 0o644); // in a folder that is closed to others outside
}

/**
 * Starts a prepared host, or finds it running. A namespace host has the definitions and images of
 * before, a KVM host is as new.
 * @param progress hears what is being built, which for a KVM host's first start takes minutes.
 */
export async function startLabHost(
  ground: LabGround,
  host: LabHostRecord,
  signal: AbortSignal,
  progress: (step: string) => void,
): Promise<void> {
  if (host.kind === 'namespace') await startInNamespaces(ground, host, signal);
  else await startEmulated(ground, host, signal, progress);
}

async function startEmulated(
  ground: LabGround,
  host: LabHostRecord,
  signal: AbortSignal,
  progress: (step: string) => void,
): Promise<void> {
  const release = KVM_MACHINES[host.machine];
  if (release === undefined) {
    throw berthError('BERTH_INTERNAL', { what: `a KVM host that is a "${host.machine}"` });
  }
  const dir = labHostFolder(ground.dir, host.index);
  await startKvmHost({
    dir,
    name: labHostName(ground.lab, host.index),
    cache: ground.cache,
    release,
    place: { ...placeOf(ground, host), gateway: networkOf(ground.keeper.network).gateway },
    keys: { identity: join(ground.dir, 'ssh', 'id'), hostKey: join(dir, 'ssh_host_key') },
    signal,
    progress,
  });
}

function placeOf(ground: LabGround, { index }: LabHostRecord): NetworkPlace {
  return {
    keeper: ground.keeper.process.pid,
    bridge: LAB_BRIDGE,
    link: labHostLink(index),
    address: `${hostAddress(ground.keeper.network, index)}/24`,
    hosts: join(ground.dir, LAB_HOSTS_FILE),
  };
}

async function startInNamespaces(
  ground: LabGround,
  host: LabHostRecord,
  signal: AbortSignal,
): Promise<void> {
  const dir = labHostFolder(ground.dir, host.index);
  const { sshd } = ground.tools;
  const shown = (await readIfThere(join(dir, MACHINE_FILE))) !== undefined;
  const running = await startNamespaceHost({
    dir,
    name: labHostName(ground.lab, host.index),
    hideKvm: chooseAccelerator(await readAcceleratorFacts()).hideKvm,
    guard: true,
    client: ground.dir,
    place: placeOf(ground, host),
    ...(shown ? { sysTree: join(dir, SYS_TREE) } : {}),
    ...(ground.shim === undefined ? {} : { shim: ground.shim }),
    ...(host.disk === undefined ? {} : { disk: host.disk }),
    ...(host.tls
      ? {
          tls: {
            libvirtd: `/etc/libvirt/${LAB_PKI.libvirtd}`,
            qemu: `/etc/libvirt/${LAB_PKI.qemu}`,
          },
        }
      : {}),
    ...(host.ssh && sshd !== undefined
      ? {
          ssh: {
            program: sshd,
            hostKey: join(dir, 'ssh_host_key'),
            authorizedKeys: join(ground.dir, 'ssh', 'id.pub'),
          },
        }
      : {}),
    signal,
  });
  if (ground.guest !== undefined) await stockGuest(running, ground.guest);
}

/** The link of a host on the lab's bridge. */
export function labHostLink(index: number): string {
  return `v-${index}`;
}

/** Puts the tiny guest where the host's own guests can boot it. */
async function stockGuest({ images }: PrivateHost, guest: GuestImage): Promise<void> {
  await copyFile(guest.kernel, join(images.outside, 'vmlinuz'), constants.COPYFILE_FICLONE);
  await copyFile(guest.initrd, join(images.outside, 'initrd.gz'), constants.COPYFILE_FICLONE);
}

/** A host of a lab that runs. */
export type RunningLabHost =
  | { readonly kind: 'namespace'; readonly host: PrivateHost }
  | { readonly kind: 'kvm'; readonly host: KvmHost };

/** The running host of a record; undefined when it does not run. */
export async function findRunning(
  labDir: string,
  { index, kind }: LabHostRecord,
): Promise<RunningLabHost | undefined> {
  const dir = labHostFolder(labDir, index);
  if (kind === 'namespace') {
    const host = await lookAtNamespaceHost(dir);
    return host && { kind, host };
  }
  const host = await lookAtKvmHost(dir);
  return host && { kind, host };
}

/** The way in from anywhere on this machine, by the host's folder. */
export function labHostUri(dir: string): string {
  return libvirtSocketUri('system', join(dir, 'run', 'libvirt-sock'));
}

/** Ends the host of a folder, of whatever kind, or clears what a killed start left of one. */
export async function stopLabHost(dir: string): Promise<void> {
  await stopNamespaceHost(dir);
  await stopKvmHost(dir);
}

/**
 * A host as others see it when it does not run.
 * @param own the topology of this machine, which a host shows that shows no other.
 */
export async function describeLabHost(
  place: { readonly lab: string; readonly dir: string; readonly network: number },
  host: LabHostRecord,
  own: HostTopology,
): Promise<LabHostInfo> {
  const dir = labHostFolder(place.dir, host.index);
  const address = hostAddress(place.network, host.index);
  return {
    name: labHostName(place.lab, host.index),
    lab: place.lab,
    kind: host.kind,
    uri: labHostUri(dir),
    machine: host.machine,
    topology: host.kind === 'kvm' ? kvmHostTopology() : ((await shownTopology(dir)) ?? own),
    state: 'stopped',
    address,
    ways: waysIn(place.dir, host, address),
    broken: [],
    dir,
  };
}

async function shownTopology(dir: string): Promise<HostTopology | undefined> {
  return readRecordFile(
    join(dir, MACHINE_FILE),
    // Written whole or not at all, and by this program alone.
    (value) => (value as { readonly topology: HostTopology } | undefined)?.topology,
    'it is not what was written there; end the lab and make it anew',
  );
}

function waysIn(labDir: string, { ssh, tls }: LabHostRecord, address: string): LabHostInfo['ways'] {
  const file = (...path: readonly string[]): string => uriValue(join(labDir, ...path));
  const known = `keyfile=${file('ssh', 'id')}&known_hosts=${file('ssh', 'known_hosts')}`;
  return {
    ...(ssh ? { ssh: `qemu+ssh://root@${address}/system?${known}&sshauth=privkey` } : {}),
    ...(tls ? { tls: `qemu+tls://${address}/system?pkipath=${file(LAB_PKI.libvirtd)}` } : {}),
  };
}
