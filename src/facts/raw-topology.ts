/** What one source (libvirt or sysfs) tells of a machine; what it leaves out is undefined. */
export interface RawTopology {
  readonly cells: readonly RawCell[];
  /** Online CPUs, by number. */
  readonly cpus: ReadonlyMap<number, RawCpu>;
  /** CPUs that are there and offline. */
  readonly offline: readonly number[];
  /** Undefined when the source says nothing of caches. */
  readonly l3: readonly L3Group[] | undefined;
}

export interface RawCell {
  readonly id: number;
  readonly memoryBytes: number | undefined;
  readonly freeBytes: number | undefined;
  readonly pages: readonly RawPagePool[];
  /** The size of ordinary pages, when `pages` counts them too; sysfs lists huge pages alone. */
  readonly basePageKiB: number | undefined;
  /** By cell; empty where the source tells none. */
  readonly distances: ReadonlyMap<number, number>;
  /** Online CPUs, ascending. */
  readonly cpus: readonly number[];
}

export interface RawPagePool {
  readonly sizeKiB: number;
  readonly total: number;
  readonly free: number | undefined;
}

export interface RawCpu {
  readonly socket: number | undefined;
  readonly die: number | undefined;
  readonly core: number | undefined;
  readonly siblings: readonly number[] | undefined;
}

/** CPUs that share an L3 cache, and the number the kernel gives the cache. */
export interface L3Group {
  readonly id: number | undefined;
  readonly cpus: readonly number[];
}
