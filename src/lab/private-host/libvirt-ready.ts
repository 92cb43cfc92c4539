import { setTimeout as delay } from 'node:timers/promises';
import { berthError, isBerthError } from '../../base/errors.ts';
import { connect, isLibvirtError, SOCKET_PATH_BYTES_MAX } from '../../libvirt/index.ts';

/** The socket is there before the drivers behind it are, so readiness has to be asked for. */
const ASK_AGAIN_MS = 10;
const ANSWER_DEADLINE_MS = 10_000;
const GOODBYE_DEADLINE_MS = 1_000;

/**
 * Waits until libvirt opens a URI; whoever connects then finds all its drivers ready.
 * @throws BERTH_INTERRUPTED or the signal's reason when it fires, and what `connect` throws but for
 *   a daemon that does not listen yet, ends the connection or says no.
 */
export async function untilLibvirtAnswers(uri: string, signal: AbortSignal): Promise<void> {
  while (!(await answers(uri, signal))) await delay(ASK_AGAIN_MS, undefined, { signal });
}

async function answers(uri: string, signal: AbortSignal): Promise<boolean> {
  try {
    const connection = await connect(
      uri,
      { keepalive: 'off' },
      { deadlineMs: ANSWER_DEADLINE_MS, signal },
    );
    await connection.close({ deadlineMs: GOODBYE_DEADLINE_MS });
    return true;
  } catch (error) {
    if (isBerthError(error, 'BERTH_CONNECTION_CLOSED') || isLibvirtError(error)) return false;
    throw error;
  }
}

/**
 * Refuses a folder that is too deep for the socket in it.
 * @throws BERTH_SPEC_INVALID
 */
export function checkSocketPath(dir: string, socket: string): void {
  const bytes = Buffer.byteLength(socket);
  if (bytes <= SOCKET_PATH_BYTES_MAX) return;
  throw berthError('BERTH_SPEC_INVALID', {
    where: dir,
    problem: `the socket in it would have a path of ${bytes} bytes`,
    expected: `a folder shorter by ${bytes - SOCKET_PATH_BYTES_MAX} bytes: the kernel allows ${SOCKET_PATH_BYTES_MAX}`,
  });
}

/** A libvirt URI for a unix socket of any path. */
export function libvirtSocketUri(path: 'system' | 'session', socket: string): string {
  return `qemu:///${path}?socket=${uriValue(socket)}`;
}

/** A path as the value of a URI's parameter: its special characters are escaped. */
export function uriValue(path: string): string {
  return encodeURIComponent(path).replaceAll('%2F', '/');
}
