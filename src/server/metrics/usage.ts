import type { UsageFigure } from '../../api/metrics.ts';
import type { HostStats } from '../../host/stats.ts';
import type { VmStats } from '../../host/stats-vm.ts';

/**
 * What something uses at present: the figures that `berth top` shows and history keeps. One that
 * cannot be told is absent, which is not zero.
 */
export interface Usage {
  /** pCPUs kept busy: 1.5 is one and a half. */
  readonly cpu?: number;
  /** vCPUs that wait for a pCPU, on average. */
  readonly wait?: number;
  /** Bytes of the host's memory. */
  readonly memory?: number;
  /** Bytes a second, read and written. */
  readonly disk?: number;
  /** Bytes a second, received and sent. */
  readonly net?: number;
}

/** Modes of a host's CPUs in which they do nothing. */
const IDLE_MODES: ReadonlySet<string> = new Set(['idle', 'iowait']);

/**
 * What a VM used between two readings. A counter that went back means that QEMU began anew: there
 * is no rate then.
 * @param seconds between the two; undefined where there was none before, and then nothing is a rate.
 */
export function vmUsage(
  before: VmStats | undefined,
  after: VmStats,
  seconds: number | undefined,
): Usage {
  const rate = (of: (vm: VmStats) => number | undefined): number | undefined =>
    before === undefined ? undefined : rateOf(of(before), of(after), seconds);
  return usageOf({
    cpu: rate(({ cpuSeconds }) => cpuSeconds),
    wait: rate(waitSeconds),
    memory: after.memory.residentBytes,
    disk: rate(diskBytes),
    net: rate(netBytes),
  });
}

/** What a host used between two readings, and what its VMs did together. */
export function hostUsage(
  before: HostStats | undefined,
  after: HostStats,
  vms: Iterable<Usage>,
  seconds: number | undefined,
): Usage {
  const all = [...vms];
  const { total, free = 0, buffers = 0, cached = 0 } = after.memoryBytes;
  return usageOf({
    cpu: before && rateOf(busySeconds(before), busySeconds(after), seconds),
    wait: sumOf(all.map(({ wait }) => wait)),
    memory: total === undefined ? undefined : Math.max(0, total - free - buffers - cached),
    disk: sumOf(all.map(({ disk }) => disk)),
    net: sumOf(all.map(({ net }) => net)),
  });
}

function usageOf(figures: Readonly<Record<UsageFigure, number | undefined>>): Usage {
  const told = Object.entries(figures).filter(([, value]) => value !== undefined);
  return Object.fromEntries(told);
}

function rateOf(
  before: number | undefined,
  after: number | undefined,
  seconds: number | undefined,
): number | undefined {
  if (before === undefined || after === undefined || seconds === undefined) return undefined;
  return after < before ? undefined : (after - before) / seconds;
}

/** Kernels count the delay always, the wait only on demand; the larger one is the one that counts. */
function waitSeconds({ vcpus }: VmStats): number | undefined {
  return sumOf(
    vcpus.map(({ waitSeconds: wait, delaySeconds: delay }) =>
      wait === undefined && delay === undefined ? undefined : Math.max(wait ?? 0, delay ?? 0),
    ),
  );
}

function diskBytes({ disks }: VmStats): number | undefined {
  return sumOf(disks.flatMap(({ read, write }) => [read.bytes, write.bytes]));
}

function netBytes({ nics }: VmStats): number | undefined {
  return sumOf(nics.flatMap(({ received, sent }) => [received.bytes, sent.bytes]));
}

function busySeconds({ cpuSeconds }: HostStats): number | undefined {
  const busy = Object.entries(cpuSeconds).filter(([mode]) => !IDLE_MODES.has(mode));
  return busy.length === 0 ? undefined : sumOf(busy.map(([, value]) => value));
}

/** Of what is told; undefined where some is there and none is told. */
function sumOf(values: readonly (number | undefined)[]): number | undefined {
  const told = values.filter((value) => value !== undefined);
  return told.length === 0 && values.length > 0
    ? undefined
    : told.reduce((sum, value) => sum + value, 0);
}
