import { isBerthError } from '../base/errors.ts';
import { connect, isLibvirtError } from '../libvirt/index.ts';

/** The daemons that belong to the machine; the client tries virtqemud, then libvirtd. */
export const SYSTEM_URI = 'qemu:///system';

/** Long enough for a daemon that systemd starts at the first connection. */
const ANSWER_MS_MAX = 15_000;
const CLOSE_MS_MAX = 1_000;

/** What a knock on the machine's own libvirt tells. */
export type SystemLibvirt =
  | { readonly state: 'answers' }
  | { readonly state: 'absent' }
  /** It is there, but this user cannot use it, or it cannot run QEMU. */
  | { readonly state: 'unusable'; readonly reason: string };

/**
 * Asks the machine's own libvirtd, or its virtqemud, whether this user may work with it.
 * @param systemDir where its sockets are, if not where libvirt puts them.
 */
export async function knockAtSystemLibvirt(
  uid: number,
  signal: AbortSignal,
  systemDir?: string,
): Promise<SystemLibvirt> {
  try {
    const connection = await connect(
      SYSTEM_URI,
      { environment: { uid, systemDir }, keepalive: 'off' },
      { deadlineMs: ANSWER_MS_MAX, signal },
    );
    await connection.close({ deadlineMs: CLOSE_MS_MAX });
    return { state: 'answers' };
  } catch (error) {
    if (isBerthError(error, 'BERTH_CONNECTION_CLOSED')) return { state: 'absent' };
    if (isBerthError(error, 'BERTH_INTERRUPTED')) throw error;
    if (isBerthError(error) || isLibvirtError(error)) {
      return { state: 'unusable', reason: error.message };
    }
    throw error;
  }
}
