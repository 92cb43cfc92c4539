import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { berthError } from '../../base/errors.ts';
import { onLabNetwork } from '../private-host/network-place.ts';
import { hasErrno } from '../system/errno.ts';
import { SYSTEM_PATH } from '../system/system-path.ts';

/** What shells end with when a command could not be found (POSIX, 2.8.2). */
const NOT_FOUND = 127;

/** The command that runs another one as if it were typed on a namespace host. */
export function insideHost(pid: number): readonly [string, ...string[]] {
  return ['nsenter', '-t', `${pid}`, '-m', '-n', '-u', '-i', '-p', '-C', '--'];
}

/** The command that runs another one on a lab's network, as a client of its hosts would run. */
export function insideLab(keeperPid: number): readonly [string, ...string[]] {
  return onLabNetwork(keeperPid);
}

/**
 * Runs a command with this process's standard input, output and error, the terminal included. A
 * Ctrl-C goes to the whole foreground group: to the command too, which decides what it means.
 * @returns its status as shells tell it: 128 and the signal's number for one that was killed.
 * @throws BERTH_PACKAGES_NEEDED when there is no nsenter.
 */
export async function runAttached(
  [enter, ...rest]: readonly [string, ...string[]],
  argv: readonly string[],
): Promise<number> {
  const child = spawn(enter, [...rest, ...argv], {
    stdio: 'inherit',
    cwd: '/',
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
