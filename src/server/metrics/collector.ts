import { isBerthError } from '../../base/errors.ts';
import type { Wait } from '../../host/host-link.ts';
import type { HostStats } from '../../host/stats.ts';
import { Gate } from '../fleet/gate.ts';
import type { Ports } from '../ports.ts';
import { hostUsage, vmUsage } from './usage.ts';
import type { Usage } from './usage.ts';

/** Milliseconds from one reading of a host to the next, at least. */
export const READ_EVERY_MS = 10_000;
/** A VM costs some 40 microseconds to read: so much time for each keeps that below 3 % of a core. */
const READ_EVERY_MS_PER_VM = 1.5;
/** How long a fleet without hosts is left alone. */
const EMPTY_MS = 1000;
/** A host that takes longer has no figures this time; less than the interval, so that none pile up. */
const READ_MS = 8000;
/** Hosts that are read at the same time. */
const READS_AT_ONCE = 16;
/**
 * A time between two readings outside of this part of the interval means that a clock was set, or that
 * readings were missed for long.
 */
const GAP = { least: 1 / 5, most: 6 };

/** A host as far as reading its figures goes. */
export interface MeasuredHost {
  readonly name: string;
  /** Why it cannot be reached; undefined while it can. */
  readonly unreachable: string | undefined;
  /** @throws BERTH_HOST_UNREACHABLE, BERTH_DEADLINE, BERTH_LIBVIRT_REFUSED */
  readStats(wait: Wait): Promise<HostStats>;
}

/** The last reading of a host. */
export interface HostSample {
  readonly host: string;
  /** When it was there, in milliseconds since the epoch. */
  readonly at: number;
  /** How long after the one before it was to be, in milliseconds. */
  readonly everyMs: number;
  readonly readSeconds: number;
  readonly stats: HostStats;
  readonly usage: Usage;
  /** By UUID; each of `stats.vms` has one. */
  readonly vms: ReadonlyMap<string, Usage>;
}

/** Is told of each reading. It must not throw. */
export type SampleListener = (sample: HostSample) => void;

/**
 * Reads the figures of every host again and again, the more seldom the more VMs there are. Readings are spread over the interval, a few at
 * a time, so that thousands of hosts give no herd. Of a host that is away, or does not answer in
 * time, there is no sample: a gap, never zeros or what was true once.
 */
export class Collector {
  readonly #hosts: () => readonly MeasuredHost[];
  readonly #ports: Ports;
  readonly #listener: SampleListener;
  readonly #samples = new Map<string, HostSample>();
  readonly #failures = new Map<string, number>();
  readonly #gate: Gate;
  readonly #reading = new Map<string, Promise<void>>();
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #everyMs = READ_EVERY_MS;

  constructor(
    hosts: () => readonly MeasuredHost[],
    ports: Ports,
    listener: SampleListener = () => {},
  ) {
    this.#hosts = hosts;
    this.#ports = ports;
    this.#listener = listener;
    this.#gate = new Gate({ inside: READS_AT_ONCE, countsMs: READ_MS }, ports.sleep);
  }

  /** Begins to read, at once, and goes on until `stop`. */
  start(): void {
    this.#running = this.#run();
  }

  /** Lets no reading begin, and waits for those that have begun, which break off. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await Promise.all(this.#reading.values());
  }

  /** The last reading of a host; undefined where there is none that counts now. */
  sample(host: string): HostSample | undefined {
    return this.#samples.get(host);
  }

  /** Times that a connected host could not be read. */
  failures(host: string): number {
    return this.#failures.get(host) ?? 0;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) await this.#round();
  }

  /** One reading of each host, each at its own moment of the interval. */
  async #round(): Promise<void> {
    const hosts = this.#hosts();
    this.#forget(hosts);
    this.#everyMs = readEveryMs(this.#vms());
    const pauseMs = this.#everyMs / Math.max(1, hosts.length);
    for (const host of hosts) {
      if (this.#stop.signal.aborted) return;
      if (!this.#reading.has(host.name)) this.#begin(host);
      await this.#pause(pauseMs);
    }
    if (hosts.length === 0) await this.#pause(EMPTY_MS);
  }

  #begin(host: MeasuredHost): void {
    const reading = this.#readInTurn(host).finally(() => this.#reading.delete(host.name));
    this.#reading.set(host.name, reading);
  }

  async #readInTurn(host: MeasuredHost): Promise<void> {
    if (host.unreachable !== undefined) return this.#miss(host);
    const leave = await this.#gate.enter(this.#stop.signal).catch(() => undefined);
    if (leave === undefined) return;
    await this.#read(host).finally(leave);
  }

  async #read(host: MeasuredHost): Promise<void> {
    const { signal } = this.#stop;
    const begunAt = this.#ports.now();
    try {
      const stats = await host.readStats({ deadlineMs: READ_MS, signal });
      const sample = this.#sampleOf(host.name, stats, begunAt);
      this.#samples.set(host.name, sample);
      this.#listener(sample);
    } catch (error) {
      this.#miss(host);
      if (signal.aborted || isBerthError(error, 'BERTH_HOST_UNREACHABLE')) return;
      this.#failures.set(host.name, this.failures(host.name) + 1);
      this.#ports.log.warn({ host: host.name, err: error }, 'the figures of a host are not read');
    }
  }

  #miss({ name }: MeasuredHost): void {
    this.#samples.delete(name);
  }

  #sampleOf(host: string, stats: HostStats, begunAt: number): HostSample {
    const at = this.#ports.now();
    const before = this.#samples.get(host);
    const everyMs = this.#everyMs;
    const seconds = secondsBetween(before?.at, at, everyMs);
    const known = new Map(before?.stats.vms.map((vm) => [vm.uuid, vm]));
    const vms = new Map(stats.vms.map((vm) => [vm.uuid, vmUsage(known.get(vm.uuid), vm, seconds)]));
    const usage = hostUsage(before?.stats, stats, vms.values(), seconds);
    return { host, at, everyMs, readSeconds: Math.max(0, at - begunAt) / 1000, stats, usage, vms };
  }

  /** How many VMs were read last. */
  #vms(): number {
    return this.#samples.values().reduce((sum, { vms }) => sum + vms.size, 0);
  }

  /** Hosts that left the fleet leave nothing behind. */
  #forget(hosts: readonly MeasuredHost[]): void {
    const names = new Set(hosts.map(({ name }) => name));
    for (const kept of [this.#samples, this.#failures]) {
      for (const name of kept.keys()) if (!names.has(name)) kept.delete(name);
    }
  }

  async #pause(ms: number): Promise<void> {
    await this.#ports.sleep(ms, this.#stop.signal).catch(() => undefined);
  }
}

/** The interval for so many VMs: ten seconds up to 6,600, then longer. Pure. */
export function readEveryMs(vms: number): number {
  return Math.max(READ_EVERY_MS, vms * READ_EVERY_MS_PER_VM);
}

function secondsBetween(
  before: number | undefined,
  after: number,
  everyMs: number,
): number | undefined {
  if (before === undefined) return undefined;
  const ms = after - before;
  // The interval grows and shrinks with the fleet: what was last read may be of a shorter one.
  const least = READ_EVERY_MS * GAP.least;
  return ms < least || ms > everyMs * GAP.most ? undefined : ms / 1000;
}
