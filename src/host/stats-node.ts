import { KIB } from '../base/units.ts';

/** What a host's kernel says of the host as a whole. */
export interface NodeFigures {
  /**
   * Seconds that all pCPUs together have spent since the host was booted, by kind: `user`, `kernel`,
   * `idle`, `iowait` on Linux.
   */
  readonly cpuSeconds: Readonly<Record<string, number>>;
  /** Bytes by kind: `total`, `free`, `buffers`, `cached` on Linux. */
  readonly memoryBytes: Readonly<Record<string, number>>;
}

/** A figure of `nodeGetCpuStats` (ns) or `nodeGetMemoryStats` (KiB). */
interface NodeStat {
  readonly field: string;
  readonly value: bigint;
}

const NS_PER_S = 1e9;

/** Turns libvirt's figures of a host into base units. */
export function nodeFiguresOf(cpu: readonly NodeStat[], memory: readonly NodeStat[]): NodeFigures {
  return {
    cpuSeconds: inUnits(cpu, (value) => value / NS_PER_S),
    memoryBytes: inUnits(memory, (value) => value * KIB),
  };
}

function inUnits(
  stats: readonly NodeStat[],
  convert: (value: number) => number,
): Readonly<Record<string, number>> {
  return Object.fromEntries(stats.map(({ field, value }) => [field, convert(Number(value))]));
}
