import { createHash } from 'node:crypto';
import { chmod, mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GIB } from '../../../src/base/units.ts';
import {
  joinHostCgroups,
  makeHostCgroups,
  planHostCgroups,
  removeHostCgroups,
  settleInHostCgroups,
} from '../../../src/lab/private-host/host-cgroups.ts';
import { startHost, type HostMode } from '../../../src/lab/private-host/host-lifecycle.ts';
import type { HostRecord } from '../../../src/lab/private-host/host-record.ts';
import { HOST_INIT_SCRIPT, InitProcess } from '../../../src/lab/private-host/init-process.ts';
import { writeLibvirtConfig } from '../../../src/lab/private-host/libvirt-config.ts';
import { libvirtSocketUri } from '../../../src/lab/private-host/libvirt-ready.ts';
import { cgroupName, stopNamespaceHost } from '../../../src/lab/private-host/namespace-host.ts';
import type { PrivateHost } from '../../../src/lab/private-host/private-host.ts';
import { buildFolder } from '../../../src/lab/system/built-folder.ts';
import { checkTreeMachine, makeDebianTree } from '../../../src/lab/system/debian-tree.ts';
import { machineArch } from '../../../src/lab/system/machine-arch.ts';
import { killProcess } from '../../../src/lab/system/process-identity.ts';
import { SYSTEM_PATH } from '../../../src/lab/system/system-path.ts';
import { labFolder, TEST_CACHE } from '../../lab/lab-host.ts';

/** Releases of Debian that the client is tried on, besides the one that tests run on, oldest first. */
export const RELEASES = ['bullseye', 'trixie', 'forky'] as const;
export type Release = (typeof RELEASES)[number];

/** True for a word that names one of them. */
export function isRelease(word: string | undefined): word is Release {
  return RELEASES.some((release) => release === word);
}

/** libvirt with its drivers, its own client, QEMU, and what its networks and pools need. */
const PACKAGES = [
  'libvirt-daemon',
  'libvirt-clients',
  'qemu-system-x86',
  'qemu-utils',
  'dnsmasq-base',
  'iproute2',
  'iptables',
] as const;
/** Drivers that have packages of their own since libvirt 11 of Debian, and are in the daemon's before. */
const DRIVER_PACKAGES: Readonly<Record<Release, readonly string[]>> = {
  bullseye: [],
  trixie: driverPackages(),
  forky: driverPackages(),
};

/** What a tree and its making take. */
const TREE_BYTES = 2 * GIB;
const STOP_DEADLINE_MS = 30_000;
/** Where libvirt sees the folder of images. */
const IMAGES = '/var/lib/libvirt/images';
const RELEASE_INIT_SCRIPT = fileURLToPath(new URL('release-init.sh', import.meta.url));

/**
 * The libvirtd of another Debian release, running here in that release's own files: no machine of its
 * own is needed, since libvirt and QEMU are at home on any newer kernel. It is a namespace host but
 * for its files, and ends with this process. The tree is built on first use (half a minute, from the
 * apt sources of this machine) and kept.
 */
export async function startReleaseHost(release: Release): Promise<PrivateHost> {
  const tree = await releaseTree(release);
  const dir = await labFolder();
  const record: HostRecord = {
    kind: 'namespace',
    name: release,
    hideKvm: true,
    cgroups: await planHostCgroups(cgroupName(dir, release)),
    ready: false,
  };
  const options = { dir, name: release, hideKvm: true, endsWithCaller: true };
  return startHost(modeFor(tree), record, options);
}

function driverPackages(): readonly string[] {
  const drivers = ['qemu', 'network', 'storage', 'nodedev', 'secret', 'nwfilter', 'interface'];
  return drivers.map((name) => `libvirt-daemon-driver-${name}`);
}

async function releaseTree(release: Release): Promise<string> {
  const arch = machineArch(process.arch);
  const packages = [...PACKAGES, ...DRIVER_PACKAGES[release]];
  const key = createHash('sha256').update(packages.join()).digest('hex').slice(0, 12);
  const { path } = await buildFolder({
    dir: TEST_CACHE,
    name: `libvirt-${release}-${arch}-${key}`,
    what: `the files of Debian ${release}`,
    workBytes: TREE_BYTES,
    make: async (partial) => {
      const options = { suite: release, packages, files: [], arch };
      await checkTreeMachine(options);
      await rename(await makeDebianTree(partial, options), join(partial, 'tree'));
      return key;
    },
  });
  return join(path, 'tree');
}

function modeFor(tree: string): HostMode {
  return {
    describe,
    prepare,
    spawn: (dir, record) => spawn(tree, dir, record),
    enter: async ({ cgroups }, pid) => {
      if (cgroups !== undefined) await joinHostCgroups(cgroups, pid);
    },
    settle: async ({ cgroups }, pids) => {
      if (cgroups !== undefined) await settleInHostCgroups(cgroups, pids);
    },
    connect: async () => undefined,
    clear: async (_dir, { process, cgroups }) => {
      if (process !== undefined) await killProcess(process, STOP_DEADLINE_MS);
      await removeHostCgroups(cgroups?.paths ?? []);
    },
  };
}

function describe(dir: string, { name, hideKvm }: HostRecord, pid: number): PrivateHost {
  const socket = join(dir, 'run', 'libvirt-sock');
  return {
    uri: libvirtSocketUri('system', socket),
    socket,
    pid,
    dir,
    name,
    hideKvm,
    images: { outside: join(dir, 'var-lib', 'images'), inside: IMAGES },
    stop: async () => stopNamespaceHost(dir),
  };
}

async function prepare(dir: string, { cgroups }: HostRecord): Promise<void> {
  const folders = ['run', 'etc-libvirt', 'var-lib', 'var-cache', 'var-log', 'var-lib/images'];
  for (const folder of folders) {
    await mkdir(join(dir, folder), { recursive: true });
    await chmod(join(dir, folder), 0o755); // QEMU's user comes in by the mounts of these
  }
  await writeLibvirtConfig({ dir, config: join(dir, 'etc-libvirt'), images: IMAGES });
  if (cgroups !== undefined) await makeHostCgroups(cgroups);
}

function spawn(tree: string, dir: string, { name, hideKvm, cgroups }: HostRecord): InitProcess {
  const mounted = cgroups?.version === 2 ? 'v2' : (cgroups?.controllers ?? []).join(' ');
  return new InitProcess({
    what: `the hypervisor of ${name}`,
    script: [RELEASE_INIT_SCRIPT, 'release'],
    dir,
    env: {
      PATH: SYSTEM_PATH,
      LC_ALL: 'C',
      HOME: '/root',
      BERTH_HOST_INIT: HOST_INIT_SCRIPT,
      BERTH_TREE: tree,
      BERTH_DIR: dir,
      BERTH_NAME: name,
      BERTH_HIDE_KVM: hideKvm ? 'yes' : 'no',
      BERTH_CGROUPS: mounted,
      BERTH_SYS_TREE: '',
      BERTH_GUARD: 'no',
    },
  });
}
