import type { RefusalReason } from './refusal-reason.ts';

/** What came of a replay, in figures. */
export interface Figures {
  /** Name of the policy. */
  readonly policy: string;
  /** Requests that were decided on; fewer than the trace has when the replay was stopped. */
  readonly requests: number;
  readonly placed: number;
  readonly refused: number;
  /** Row of the first refused request; null when none was. */
  readonly firstRefusal: number | null;
  /** vCPUs of refused requests, of all that were asked for. */
  readonly refusedVcpuPercent: number;
  readonly hosts: number;
  /** Hosts with a guest after the last request. */
  readonly hostsUsed: number;
  readonly hostsUsedPeak: number;
  /** Mean number of hosts with a guest, over the second half of the requests. */
  readonly steadyHostsUsed: number;
  /** Means over the second half of the requests, as `Load` counts. */
  readonly utilisation: { readonly cpu: number; readonly memory: number };
  /** How many requests were refused for which reason, the most frequent first. */
  readonly refusals: Readonly<Partial<Record<RefusalReason, number>>>;
  readonly decisionsPerSecond: number;
  /** Microseconds that half of the decisions, and 99 of 100, were made in. */
  readonly p50us: number;
  readonly p99us: number;
}
