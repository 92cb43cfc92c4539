import { berthError } from '../../base/errors.ts';
import type { Clock } from '../rpc/clock.ts';
import type { Wait } from '../rpc/wait.ts';

/**
 * Waits for work that cannot be stopped by itself; who gives it up has to clear away what it left.
 * @throws BERTH_DEADLINE and BERTH_INTERRUPTED naming `what`, and whatever the work fails with.
 */
export async function within<T>(
  work: Promise<T>,
  what: string,
  clock: Clock,
  wait: Wait,
): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const stopClock = clock.after(wait.deadlineMs, () =>
    reject(berthError('BERTH_DEADLINE', { what, afterMs: wait.deadlineMs })),
  );
  const abort = () =>
    reject(berthError('BERTH_INTERRUPTED', { what }, { cause: wait.signal?.reason }));
  wait.signal?.addEventListener('abort', abort);
  if (wait.signal?.aborted === true) abort();
  try {
    return await Promise.race([work, promise]);
  } finally {
    stopClock();
    wait.signal?.removeEventListener('abort', abort);
  }
}
