import { berthError, isBerthError } from '../../base/errors.ts';
import { ErrorCode } from '../error-code.ts';
import { isLibvirtError } from '../libvirt-error.ts';
import { DEADLINE_MS_MAX } from '../rpc/wait.ts';

/** How long to wait between attempts to connect; each of them 1 to DEADLINE_MS_MAX. */
export interface Backoff {
  /** Milliseconds before the second attempt; each further pause is twice as long. */
  readonly firstMs: number;
  /** The longest pause in milliseconds. */
  readonly longestMs: number;
  /** A connection that was open for as long was a good one: the pauses begin anew. */
  readonly steadyMs: number;
}

/** A restarted daemon is found again in a fraction of a second, a dead host asked twice a minute. */
export const BACKOFF_DEFAULT: Backoff = { firstMs: 200, longestMs: 30_000, steadyMs: 5000 };

/** Doubling beyond this changes nothing, whatever the bounds. */
const DOUBLINGS_MAX = 40;

/**
 * The pause after that many failures in a row, 1 or more. Half of it is left to chance, a number
 * from 0 to below 1, so that a fleet does not come back to a host in one moment.
 */
export function pauseMs(backoff: Backoff, failures: number, chance: number): number {
  const { firstMs, longestMs } = backoff;
  const whole = Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, DOUBLINGS_MAX));
  return Math.max(1, Math.round(whole * (0.5 + chance / 2)));
}

/**
 * Refuses times that a timer would turn into "at once"; they come by their names.
 * @throws BERTH_SPEC_INVALID
 */
export function checkTimes(times: Readonly<Record<string, number>>): void {
  for (const [name, ms] of Object.entries(times)) {
    if (ms >= 1 && ms <= DEADLINE_MS_MAX) continue;
    throw berthError('BERTH_SPEC_INVALID', {
      where: `${name} of a lasting connection`,
      problem: `${ms} ms cannot be waited for`,
      expected: `a number of milliseconds from 1 to ${DEADLINE_MS_MAX}`,
    });
  }
}

/** What an attempt to connect failed with, as far as it says when to try again. */
export type Prospect =
  /** Time may mend it. */
  | 'soon'
  /** Somebody has to do something over there; asking often fills logs and may lock us out. */
  | 'seldom'
  /** Only another URI or other options would help. */
  | 'never';

/** Whether it is worth trying again after an attempt that failed so. */
export function prospectOf(error: unknown): Prospect {
  if (isLibvirtError(error)) return REFUSALS.has(error.code) ? 'seldom' : 'soon';
  if (!isBerthError(error)) return 'soon';
  if (HOPELESS.has(error.code)) return 'never';
  return LOCKED.has(error.code) ? 'seldom' : 'soon';
}

const HOPELESS: ReadonlySet<string> = new Set([
  'BERTH_URI_INVALID',
  'BERTH_SPEC_INVALID',
  'BERTH_TOO_LARGE',
]);

const LOCKED: ReadonlySet<string> = new Set([
  'BERTH_PERMISSION',
  'BERTH_HOST_KEY',
  'BERTH_CERTIFICATE',
  'BERTH_NO_WAY_IN',
  'BERTH_UNSUPPORTED',
]);

const REFUSALS: ReadonlySet<number> = new Set([
  ErrorCode.authFailed,
  ErrorCode.authUnavailable,
  ErrorCode.accessDenied,
]);
