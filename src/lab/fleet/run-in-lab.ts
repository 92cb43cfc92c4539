import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { berthError } from '../../base/errors.ts';
import { keeperRuns } from './keeper.ts';
import { LAB_HOSTS_FILE, LAB_SSH_CONFIG, labFolder, labNames } from './lab-folder.ts';
import { findRunning } from './lab-host.ts';
import { readLabRecord } from './lab-record.ts';
import { findLabHost } from './find-lab-host.ts';
import { hostCgroupFiles, hostShim } from '../private-host/namespace-host.ts';
import type { PrivateHost } from '../private-host/private-host.ts';
import { hasErrno } from '../system/errno.ts';
import { SYSTEM_PATH } from '../system/system-path.ts';

/** What shells end with when a command could not be found (POSIX, 2.8.2). */
const NOT_FOUND = 127;

/**
 * Runs a command on a host, or on a lab's network where the target is a lab's name.
 * @throws BERTH_NOT_FOUND for another target, BERTH_CONFLICT for a host or lab that does not run.
 */
export async function execInLab(
  home: string,
  target: string,
  argv: readonly string[],
): Promise<number> {
  const names = await labNames(home);
  if (names.includes(target)) {
    const dir = labFolder(home, target);
    const record = await readLabRecord(dir);
    if (record?.keeper === undefined || !(await keeperRuns(record.keeper))) {
      throw notRunning(`the lab "${target}"`, target);
    }
    return runAttached([...insideLab(dir, record.keeper.process.pid), ...argv]);
  }
  const { dir, host, lab } = await findLabHost(home, target);
  const running = await findRunning(dir, host);
  if (running === undefined) throw notRunning(`the host "${target}"`, lab.name);
  if (running.kind === 'namespace') {
    return runAttached([...(await asOnesOwn(running.host)), ...argv]);
  }
  const { command, cwd } = running.host.command(argv, { terminal: process.stdin.isTTY });
  return runAttached(command, cwd);
}

function notRunning(what: string, lab: string): Error {
  const remedy = `bring it up again: berth lab up --name ${lab}`;
  return berthError('BERTH_CONFLICT', { what, why: 'it does not run', remedy });
}

/** The command that runs another one in a namespace host, seeing what is seen there. */
export function insideHost(pid: number): readonly [string, ...string[]] {
  return ['nsenter', '-t', `${pid}`, '-m', '-n', '-u', '-i', '-p', '-C', '--'];
}

/** As `insideHost`, but as one of the host's own processes, which its cgroups count too. */
async function asOnesOwn(host: PrivateHost): Promise<readonly [string, ...string[]]> {
  const enter = 'n=$1; shift; while [ "$n" -gt 0 ]; do echo $$ >"$1"; shift; n=$((n - 1)); done';
  const files = await hostCgroupFiles(host.dir);
  const shell = ['sh', '-c', `${enter}; exec "$@"`, 'sh', `${files.length}`, ...files] as const;
  // As for libvirtd: the host's clock is its programs' clock.
  const shim = await hostShim(host.dir);
  const preload = shim === undefined ? [] : ['env', `LD_PRELOAD=${shim}`];
  return [...shell, ...insideHost(host.pid), ...preload];
}

/**
 * The command that runs another one on a lab's network, as a client of its hosts would run: it knows
 * their names and SSH keys, and has the lab's own key. It ends with the lab.
 */
export function insideLab(labDir: string, keeperPid: number): readonly [string, ...string[]] {
  const keeper = `/proc/${keeperPid}/ns`;
  const own = [
    'mount -t proc proc /proc',
    'mount --bind "$0" /etc/hosts',
    '{ [ ! -d "$1" ] || [ ! -d /etc/ssh ] || mount --bind "$1" /etc/ssh; }',
    'shift',
    'exec "$@"',
  ].join(' && ');
  const files = [join(labDir, LAB_HOSTS_FILE), join(labDir, LAB_SSH_CONFIG)];
  const shell = ['unshare', '--mount', 'sh', '-c', own, ...files] as const;
  return ['nsenter', `--net=${keeper}/net`, `--pid=${keeper}/pid`, '--', ...shell];
}

/**
 * Runs a command with this process's standard input, output and error, the terminal included. A
 * Ctrl-C goes to the whole foreground group: to the command too, which decides what it means.
 * @returns its status as shells tell it: 128 and the signal's number for one that was killed.
 * @throws BERTH_PACKAGES_NEEDED when there is no nsenter.
 */
export async function runAttached(
  [program, ...args]: readonly [string, ...string[]],
  cwd = '/',
): Promise<number> {
  const child = spawn(program, args, {
    stdio: 'inherit',
    cwd,
    env: { ...process.env, PATH: SYSTEM_PATH },
  });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.on('error', reject);
  child.on('exit', (code, signal) => {
    resolve(signal === null ? (code ?? NOT_FOUND) : 128 + constants.signals[signal]);
  });
  try {
    return await promise;
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error;
    const remedy = 'install the package that brings it (Debian: util-linux)';
    throw berthError('BERTH_PACKAGES_NEEDED', { packages: ['nsenter'], remedy }, { cause: error });
  }
}
