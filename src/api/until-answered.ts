import { setTimeout as sleep } from 'node:timers/promises';
import { berthError, isBerthError } from '../base/errors.ts';

/** For so long a server that went away is asked again: it comes back, or another one answers for it. */
const PATIENCE_MS = 6000;
const PAUSE_MS = 500;

/** What is asked, and of whom. */
export interface Asking {
  /** The server answered a moment ago; of any other one that is not there nothing is expected. */
  readonly wasThere: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * Asks again for some seconds while the server does not answer. Only for what may be asked twice: a
 * question, or a request that carries an idempotency key.
 * @throws what was answered; BERTH_SERVER_UNREACHABLE with `isSent` where any of the requests may
 * have reached the server
 */
export async function untilAnswered<T>(
  ask: () => Promise<T>,
  { wasThere, signal }: Asking,
): Promise<T> {
  let isSent = false;
  for (let waitedMs = 0; ; waitedMs += PAUSE_MS) {
    try {
      return await ask();
    } catch (error) {
      const isLost = isBerthError(error, 'BERTH_SERVER_UNREACHABLE');
      if (!isLost && !isBerthError(error, 'BERTH_SERVER_ENDING')) throw error;
      isSent ||= isLost && error.data.isSent === true;
      const isHopeful = wasThere || isSent || !isLost;
      if (!isHopeful || waitedMs >= PATIENCE_MS) {
        if (!isLost || !isSent || error.data.isSent === true) throw error;
        // An earlier request may have come through, whatever became of the last one.
        throw berthError('BERTH_SERVER_UNREACHABLE', { ...error.data, isSent }, { cause: error });
      }
    }
    await sleep(PAUSE_MS, undefined, signal === undefined ? {} : { signal });
  }
}
