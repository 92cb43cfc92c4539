import { quoteWord } from '../../base/quote-word.ts';
import { join } from 'node:path';
import { runCommand, type CommandOutput } from '../system/run-command.ts';
import { addressOf, MANAGEMENT } from './machine-process.ts';

export interface RemoteOptions {
  readonly deadlineMs: number;
  readonly input?: string;
  readonly signal?: AbortSignal;
}

/** Where a host's machine is to be entered. */
export interface RemotePlace {
  readonly dir: string;
  /** The process whose network namespace leads to it. */
  readonly pid: number;
  readonly identity: string;
}

/**
 * Runs a command on a host's machine as root, by the connection that is there already, or by one of
 * its own while that is being made anew.
 * @throws what runCommand does; a status other than 0 is the command's, 255 may be SSH's own.
 */
export async function runOnMachine(
  { dir, pid, identity }: RemotePlace,
  argv: readonly string[],
  options: RemoteOptions,
): Promise<CommandOutput> {
  const { command, cwd } = remoteCommand({ dir, pid, identity }, argv, { terminal: false });
  return runCommand(command, { ...options, cwd, packages: ['openssh-client'] });
}

/**
 * The command that runs another one on a host's machine, and the folder that it is to be run in, so
 * that sockets have short paths.
 * @param options.terminal whether the other one gets a terminal.
 */
export function remoteCommand(
  { dir, pid, identity }: RemotePlace,
  argv: readonly string[],
  { terminal }: { readonly terminal: boolean },
): { readonly command: readonly [string, ...string[]]; readonly cwd: string } {
  const settings = [
    'IdentitiesOnly=yes',
    'BatchMode=yes',
    'UserKnownHostsFile=./known_hosts',
    'StrictHostKeyChecking=yes',
    'ControlPath=./ssh',
    'ControlMaster=no',
    'LogLevel=ERROR',
  ].flatMap((setting) => ['-o', setting]);
  const target = `root@${addressOf(MANAGEMENT.machines)}`;
  const words = argv.map(quoteWord).join(' ');
  const ssh = ['ssh', '-F', 'none', terminal ? '-t' : '-T', '-i', identity, ...settings, target];
  return {
    command: ['nsenter', `--net=/proc/${pid}/ns/net`, '--', ...ssh, words],
    cwd: join(dir, 'run'),
  };
}
