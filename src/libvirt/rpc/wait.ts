import { berthError, isBerthError, type BerthError } from '../../base/errors.ts';
import type { Clock } from './clock.ts';

/** Longest deadline: what a timer can hold, almost 25 days. */
export const DEADLINE_MS_MAX = 2 ** 31 - 1;

/**
 * How long something may be waited for. Both are about the waiting only: libvirt cannot be told to
 * stop what it has begun, so a call that was sent and changes something ends as
 * BERTH_OUTCOME_UNKNOWN.
 */
export interface Wait {
  /** Stops the waiting when aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds from now, 1 to DEADLINE_MS_MAX. */
  readonly deadlineMs: number;
}

/**
 * Refuses a deadline that a timer would turn into "at once", and one that is missing, as plain
 * JavaScript can leave it out.
 * @throws BERTH_SPEC_INVALID naming `what`.
 */
export function checkWait(wait: Wait | undefined, what: string): void {
  const deadlineMs: unknown = wait?.deadlineMs;
  const isNumber = typeof deadlineMs === 'number';
  if (isNumber && deadlineMs >= 1 && deadlineMs <= DEADLINE_MS_MAX) return;
  throw berthError('BERTH_SPEC_INVALID', {
    where: `deadline of ${what}`,
    problem: isNumber ? `${deadlineMs} ms cannot be waited for` : 'it is missing, or no number',
    expected: `a wait such as { deadlineMs: 5000 }, from 1 to ${DEADLINE_MS_MAX} milliseconds`,
  });
}

/**
 * Shares one deadline among steps: each call gives what is left of it.
 * @throws BERTH_DEADLINE, from the returned function, once nothing is left.
 */
export function shareWait(clock: Clock, wait: Wait, what: string): () => Wait {
  checkWait(wait, what);
  const end = clock.now() + wait.deadlineMs;
  return () => {
    const deadlineMs = Math.ceil(end - clock.now());
    if (deadlineMs < 1) throw berthError('BERTH_DEADLINE', { what, afterMs: wait.deadlineMs });
    return { signal: wait.signal, deadlineMs };
  };
}

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
  const abort = () => reject(interrupted(what, wait));
  wait.signal?.addEventListener('abort', abort);
  if (wait.signal?.aborted === true) abort();
  try {
    return await Promise.race([work, promise]);
  } finally {
    stopClock();
    wait.signal?.removeEventListener('abort', abort);
  }
}

/** What ended a wait: the signal's own reason where it was aborted, else the error itself. */
export function causeOf(error: BerthError): unknown {
  return isBerthError(error, 'BERTH_INTERRUPTED') ? error.cause : error;
}

/** The error of a wait that was aborted, with what it was aborted with as its cause. */
export function interrupted(what: string, { signal }: Wait): BerthError {
  const cause: unknown = signal?.reason;
  return berthError('BERTH_INTERRUPTED', { what, abortedBy: wordsOf(cause) }, { cause });
}

/** A signal may be aborted with anything. */
function wordsOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}
