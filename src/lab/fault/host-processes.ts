import { readFile, readdir, readlink } from 'node:fs/promises';
import { identifyProcess, type ProcessIdentity } from '../system/process-identity.ts';
import type { FaultTarget } from './fault-target.ts';

/** A process of a host, as this machine sees it. */
export interface HostProcess {
  readonly identity: ProcessIdentity;
  /** Its number in the host's own pid namespace. */
  readonly inside: number;
  /** Its command's name, of which the kernel keeps 15 characters. */
  readonly name: string;
}

/** All processes in a host's pid namespace: those of a namespace host, or of an emulator. */
export async function hostProcesses({ process }: FaultTarget): Promise<readonly HostProcess[]> {
  return processesBeside(process.pid);
}

/** All processes in the pid namespace of one of them; none when that has ended. */
export async function processesBeside(pid: number): Promise<readonly HostProcess[]> {
  const namespace = await readlink(`/proc/${pid}/ns/pid`).catch(() => undefined);
  if (namespace === undefined) return [];
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(pids.map(async (each) => processIn(namespace, Number(each))));
  return found.filter((each) => each !== undefined);
}

async function processIn(namespace: string, pid: number): Promise<HostProcess | undefined> {
  const own = await readlink(`/proc/${pid}/ns/pid`).catch(() => undefined);
  if (own !== namespace) return undefined;
  const identity = await identifyProcess(pid);
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  // One number for each pid namespace that it is in, the innermost last (proc_pid_status(5)).
  const inside = /^NSpid:.*\s(\d+)$/m.exec(status)?.[1];
  const name = /^Name:\s+(.*)$/m.exec(status)?.[1];
  if (identity === undefined || inside === undefined || name === undefined) return undefined;
  return { identity, inside: Number(inside), name };
}
