import type { Fleet } from '../fleet/fleet.ts';
import type { Figures } from './figures.ts';
import { Load } from './load.ts';
import type { RefusalReason } from './refusal-reason.ts';
import { RefusalReasons } from './refusal-reason.ts';
import type { Step } from './replay.ts';

/** How the fleet stood after each request, by row. */
export interface History {
  /** When the request came, in seconds. */
  readonly at: readonly number[];
  readonly cpu: readonly number[];
  readonly memory: readonly number[];
  readonly hostsUsed: readonly number[];
  /** Refused requests, in their order. */
  readonly refusals: readonly { readonly row: number; readonly reason: RefusalReason }[];
}

/** Counts what comes of a replay, step by step. Steps are timed in milliseconds. */
export class Tally {
  readonly #fleet: Fleet;
  readonly #load: Load;
  readonly #reasons: RefusalReasons;
  readonly #history = {
    at: new Array<number>(),
    cpu: new Array<number>(),
    memory: new Array<number>(),
    hostsUsed: new Array<number>(),
    refusals: new Array<{ readonly row: number; readonly reason: RefusalReason }>(),
  };
  readonly #took: number[] = [];
  #askedVcpus = 0;
  #refusedVcpus = 0;

  /** @param fleet as it stands before the first step. */
  constructor(fleet: Fleet) {
    this.#fleet = fleet;
    this.#load = new Load(fleet);
    this.#reasons = new RefusalReasons(fleet);
  }

  get history(): History {
    return this.#history;
  }

  /** Counts a step; the fleet must still stand as after it. */
  add({ row, arrival, request, left, placement, took }: Step): void {
    for (const guest of left) this.#load.leave(guest.host, guest.arrival.flavor);
    this.#askedVcpus += arrival.flavor.vcpus;
    if (placement === undefined) {
      this.#refusedVcpus += arrival.flavor.vcpus;
      this.#history.refusals.push({ row, reason: this.#reasons.of(request) });
    } else {
      this.#load.enter(placement.host, arrival.flavor);
    }
    this.#took.push(took);
    this.#history.at.push(arrival.at);
    this.#history.cpu.push(this.#load.cpu);
    this.#history.memory.push(this.#load.memory);
    this.#history.hostsUsed.push(this.#load.hostsUsed);
  }

  /** The figures of the steps so far. */
  figures(): Figures {
    const { hostsUsed, cpu, memory, refusals } = this.#history;
    const requests = this.#took.length;
    const refused = refusals.length;
    return {
      policy: this.#fleet.policy.name,
      requests,
      placed: requests - refused,
      refused,
      firstRefusal: refusals[0]?.row ?? null,
      refusedVcpuPercent: rounded(share(100 * this.#refusedVcpus, this.#askedVcpus)),
      hosts: this.#fleet.size,
      hostsUsed: this.#load.hostsUsed,
      hostsUsedPeak: hostsUsed.reduce((most, used) => Math.max(most, used), 0),
      steadyHostsUsed: rounded(steadyMean(hostsUsed)),
      utilisation: { cpu: rounded(steadyMean(cpu)), memory: rounded(steadyMean(memory)) },
      refusals: counts(refusals.map(({ reason }) => reason)),
      ...speed(this.#took),
    };
  }
}

/** Mean over the second half; of an odd number the one in the middle belongs to it. */
function steadyMean(values: readonly number[]): number {
  const half = values.slice(Math.floor(values.length / 2));
  return share(
    half.reduce((sum, value) => sum + value, 0),
    half.length,
  );
}

function speed(took: readonly number[]): Pick<Figures, 'decisionsPerSecond' | 'p50us' | 'p99us'> {
  const sorted = Float64Array.from(took).toSorted();
  const at = (part: number): number =>
    rounded(1000 * (sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0));
  const total = sorted.reduce((sum, value) => sum + value, 0);
  return {
    decisionsPerSecond: Math.round(share(1000 * sorted.length, total)),
    p50us: at(0.5),
    p99us: at(0.99),
  };
}

function counts(reasons: readonly RefusalReason[]): Figures['refusals'] {
  const groups = [...Map.groupBy(reasons, (reason) => reason)]
    .map(([reason, all]) => [reason, all.length] as const)
    .toSorted(([, a], [, b]) => b - a);
  return Object.fromEntries(groups);
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

/** More decimals than anyone reads, and none that come of how floating-point sums are taken. */
function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
