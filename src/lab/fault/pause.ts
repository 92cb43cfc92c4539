import { setTimeout as delay } from 'node:timers/promises';
import { berthError } from '../../base/errors.ts';

/**
 * Waits for a while.
 * @param what what the wait is for, as an interruption tells it.
 * @throws BERTH_INTERRUPTED when the signal fires.
 */
export async function pause(
  ms: number,
  what: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    if (signal?.aborted !== true) throw error;
    throw berthError('BERTH_INTERRUPTED', { what }, { cause: error });
  }
}
