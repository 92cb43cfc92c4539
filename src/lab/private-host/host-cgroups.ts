import { mkdir, readFile, readdir, rmdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { berthError } from '../../base/errors.ts';
import { hasErrno } from '../system/errno.ts';
import { readIfThere } from '../system/read-if-there.ts';

/** How long the kernel may take to let go of a cgroup whose last process was killed. */
const EMPTY_DEADLINE_MS = 5_000;
const LOOK_AGAIN_MS = 10;

/** A cgroup hierarchy of this machine and where the calling process stands in it. */
export interface CgroupPlace {
  readonly version: 1 | 2;
  /** As in the mount option: `cpu,cpuacct`; empty for version 2. */
  readonly controllers: string;
  /** The folder of the caller's own cgroup. */
  readonly path: string;
}

/** The cgroups that belong to one host: one of each hierarchy, below the starter's own. */
export interface HostCgroups {
  readonly version: 1 | 2;
  readonly controllers: readonly string[];
  readonly paths: readonly string[];
}

/**
 * Finds the hierarchies that guests can be limited in: those of cgroup v1 that have controllers,
 * else the single one of cgroup v2. A machine with both (hybrid) keeps its controllers in v1.
 * @param selfCgroup text of /proc/self/cgroup (cgroups(7)).
 * @param mountinfo text of /proc/self/mountinfo (proc_pid_mountinfo(5)).
 */
export function cgroupPlaces(selfCgroup: string, mountinfo: string): readonly CgroupPlace[] {
  const mounts = mountinfo.split('\n').flatMap(cgroupMount);
  const places = selfCgroup.split('\n').flatMap((line) => cgroupPlace(line, mounts));
  const v1 = places.filter((place) => place.version === 1);
  return v1.length > 0 ? v1 : places;
}

/**
 * Makes the cgroups of a host; when it fails, `removeHostCgroups` clears what was made. They lie
 * below the caller's own, so limits set on the caller bind the host too. No test covers the part
 * for cgroup v2 with controllers: it was tried by hand, on a machine that has them in v1.
 */
export async function makeHostCgroups({ paths, version }: HostCgroups): Promise<void> {
  for (const path of paths) {
    if (version === 2) await offerControllers(join(path, '..'));
    await mkdir(path);
    await inheritCpuset(path);
    // In v2 a cgroup whose children have controllers may hold no process itself, so those of the
    // host's own (the parent of pid 1, pid 1, libvirtd) live in a child.
    if (version === 2) await mkdir(join(path, OWN_PROCESSES));
  }
}

/** The lists of processes, one of each hierarchy, that those of the host's own are in. */
export function ownProcessFiles({ paths, version }: HostCgroups): readonly string[] {
  const own = version === 2 ? OWN_PROCESSES : '';
  return paths.map((path) => join(path, own, 'cgroup.procs'));
}

/** The child of a v2 host cgroup that holds all processes but guests. */
const OWN_PROCESSES = 'init';

/**
 * Where a host of that name would have its cgroups.
 * @param without a controller that it is to do without, as far as that is v1's.
 */
export async function planHostCgroups(name: string, without?: string): Promise<HostCgroups> {
  const found = cgroupPlaces(
    await readFile('/proc/self/cgroup', 'utf8'),
    await readFile('/proc/self/mountinfo', 'utf8'),
  );
  const places = found.filter((place) => place.controllers !== without);
  return {
    version: places[0]?.version ?? 1,
    controllers: places.map((place) => place.controllers),
    paths: places.map((place) => join(place.path, name)),
  };
}

/** Moves a process into the host's cgroups; its cgroup namespace, made next, begins there. */
export async function joinHostCgroups(cgroups: HostCgroups, pid: number): Promise<void> {
  for (const path of cgroups.paths) await writeFile(join(path, 'cgroup.procs'), `${pid}`);
}

/** In v2, moves processes on into the child for the host's own; nothing to do in v1. */
export async function settleInHostCgroups(
  cgroups: HostCgroups,
  pids: readonly number[],
): Promise<void> {
  if (cgroups.version === 1) return;
  for (const file of ownProcessFiles(cgroups)) {
    for (const pid of pids) await writeFile(file, `${pid}`);
  }
}

/**
 * Removes the cgroups with all below them; those that are not there are passed over.
 * @throws BERTH_DEADLINE when processes are still in one of them after 5 s.
 */
export async function removeHostCgroups(paths: readonly string[]): Promise<void> {
  const end = performance.now() + EMPTY_DEADLINE_MS;
  for (const path of paths) {
    while (!(await removeTree(path))) {
      if (performance.now() > end) {
        throw berthError('BERTH_DEADLINE', {
          what: `the end of all processes in ${path}`,
          afterMs: EMPTY_DEADLINE_MS,
        });
      }
      await delay(LOOK_AGAIN_MS);
    }
  }
}

interface CgroupMount {
  readonly fsType: string;
  readonly root: string;
  readonly path: string;
  readonly options: ReadonlySet<string>;
}

function cgroupMount(line: string): readonly CgroupMount[] {
  const [left = '', right = ''] = line.split(' - ');
  const [, , , root, path] = left.split(' ');
  const [fsType, , options = ''] = right.split(' ');
  if (root === undefined || path === undefined || fsType === undefined) return [];
  if (fsType !== 'cgroup' && fsType !== 'cgroup2') return [];
  return [{ fsType, root, path, options: new Set(options.split(',')) }];
}

function cgroupPlace(line: string, mounts: readonly CgroupMount[]): readonly CgroupPlace[] {
  const match = /^\d+:([^:]*):(\/.*)$/.exec(line);
  const controllers = match?.[1];
  const path = match?.[2];
  if (controllers === undefined || path === undefined) return [];
  if (controllers.startsWith('name=')) return []; // a v1 hierarchy without controllers
  const version = controllers === '' ? 2 : 1;
  const mount = mounts.find((candidate) =>
    version === 2
      ? candidate.fsType === 'cgroup2'
      : candidate.fsType === 'cgroup' &&
        controllers.split(',').every((controller) => candidate.options.has(controller)),
  );
  if (mount === undefined) return [];
  return [{ version, controllers, path: join(mount.path, relative(mount.root, path)) }];
}

/** Without CPUs and cells of its own a new v1 cpuset takes no process. */
async function inheritCpuset(path: string): Promise<void> {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    const inherited = await readIfThere(join(path, '..', file));
    if (inherited !== undefined && inherited.trim() !== '') {
      await writeFile(join(path, file), inherited);
    }
  }
}

/**
 * Hands a v2 cgroup's controllers on to its children, as far as it may: the kernel refuses where
 * the cgroup holds processes and is not the root. Guests then run without those limits.
 */
async function offerControllers(path: string): Promise<void> {
  const offered = (await readIfThere(join(path, 'cgroup.controllers'))) ?? '';
  for (const controller of offered.split(/\s+/).filter((word) => word !== '')) {
    try {
      await writeFile(join(path, 'cgroup.subtree_control'), `+${controller}`);
    } catch (error) {
      if (!hasErrno(error, 'EBUSY', 'EACCES', 'EPERM', 'EINVAL', 'EOPNOTSUPP')) throw error;
    }
  }
}

/** Children first; false while a process keeps one of them. */
async function removeTree(path: string): Promise<boolean> {
  try {
    for (const entry of await readdir(path, { withFileTypes: true })) {
      if (entry.isDirectory() && !(await removeTree(join(path, entry.name)))) return false;
    }
    await rmdir(path);
    return true;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return true;
    if (hasErrno(error, 'EBUSY')) return false;
    throw error;
  }
}
