import { setTimeout as delay } from 'node:timers/promises';
import { isBerthError } from '../base/errors.ts';
import { runCommand } from './run-command.ts';

/** The socket file appears before the daemon serves it, so readiness has to be asked for. */
const ASK_AGAIN_MS = 15;
const ANSWER_DEADLINE_MS = 10_000;

/** Waits until libvirt answers at a URI. @throws BERTH_INTERRUPTED when the signal fires. */
export async function untilLibvirtAnswers(uri: string, signal: AbortSignal): Promise<void> {
  while (!(await answers(uri, signal))) await delay(ASK_AGAIN_MS, undefined, { signal });
}

async function answers(uri: string, signal: AbortSignal): Promise<boolean> {
  try {
    await runCommand(['virsh', '-q', '-c', uri, 'hostname'], {
      deadlineMs: ANSWER_DEADLINE_MS,
      signal,
    });
    return true;
  } catch (error) {
    if (isBerthError(error, 'BERTH_COMMAND_FAILED')) return false;
    throw error;
  }
}

/** A libvirt URI for a unix socket of any path: its special characters are escaped. */
export function libvirtSocketUri(path: 'system' | 'session', socket: string): string {
  return `qemu:///${path}?socket=${encodeURIComponent(socket).replaceAll('%2F', '/')}`;
}
