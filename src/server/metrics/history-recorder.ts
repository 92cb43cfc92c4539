import { HISTORY_STEPS } from '../../api/metrics.ts';
import type { HistoryBlock, HistoryRecords } from '../../store/history.ts';
import type { Ports } from '../ports.ts';
import type { HostSample } from './collector.ts';
import { BLOCK_VALUES, HistoryLane } from './history-lane.ts';
import type { Usage } from './usage.ts';

/** In a fleet with more VMs there is a history of hosts alone: that of VMs is for Prometheus to keep. */
export const VMS_KEPT_MAX = 1000;
/** How far back each step reaches. */
export const KEPT_MS: Readonly<Record<keyof typeof HISTORY_STEPS, number>> = {
  '10s': 3_600_000,
  '1m': 86_400_000,
  '10m': 30 * 86_400_000,
};
/** Milliseconds between two writings: what a crash loses of the history. */
const WRITE_EVERY_MS = 60_000;
/** What is too old is looked for once in so many writings. */
const WRITES_PER_TIDYING = 60;
/** What was not heard of for so long is let go of; its history stays. */
const SILENT_MS = 20 * 60_000;

interface Track {
  readonly lanes: readonly HistoryLane[];
  lastAt: number;
}

/** The series of a host. */
export function hostSeries(name: string): string {
  return `host:${name}`;
}

/** The series of a VM, wherever it runs. */
export function vmSeries(uuid: string): string {
  return `vm:${uuid}`;
}

/**
 * Keeps what hosts and VMs used: finely for an hour, coarsely for a month. The process that does what
 * one does for all keeps it; it holds what is new and writes it once a minute.
 */
export class HistoryRecorder {
  readonly #records: HistoryRecords;
  readonly #ports: Ports;
  readonly #isLeader: () => boolean;
  readonly #tracks = new Map<string, Track>();
  readonly #vmsOf = new Map<string, number>();
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(records: HistoryRecords, ports: Ports, isLeader: () => boolean) {
    this.#records = records;
    this.#ports = ports;
    this.#isLeader = isLeader;
  }

  /** Begins to write, and goes on until `stop`. */
  start(): void {
    this.#running = this.#run();
  }

  /** Writes what is new and ends. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#write();
  }

  /** Whether VMs have a history in a fleet of this size. */
  get keepsVms(): boolean {
    return [...this.#vmsOf.values()].reduce((sum, count) => sum + count, 0) <= VMS_KEPT_MAX;
  }

  /** Takes a reading of a host. */
  record({ host, at, everyMs, usage, vms }: HostSample): void {
    this.#vmsOf.set(host, vms.size);
    if (!this.#isLeader()) return this.#tracks.clear();
    const moment = { at, everyMs };
    this.#add(hostSeries(host), moment, usage);
    if (!this.keepsVms) return;
    for (const [uuid, used] of vms) this.#add(vmSeries(uuid), moment, used);
  }

  /** Blocks of a series that may not be written yet. */
  unwritten(series: string, stepMs: number): readonly HistoryBlock[] {
    const lane = this.#tracks.get(series)?.lanes.find((each) => each.stepMs === stepMs);
    return (lane?.current() ?? []).map((stretch) => ({ series, stepMs, ...stretch }));
  }

  #add(series: string, { at, everyMs }: Pick<HostSample, 'at' | 'everyMs'>, usage: Usage): void {
    if (Object.keys(usage).length === 0) return;
    const track = this.#tracks.get(series) ?? newTrack();
    this.#tracks.set(series, track);
    const sinceMs = at - track.lastAt;
    const coversMs = sinceMs > 0 && sinceMs <= 2 * everyMs ? sinceMs : 0;
    for (const lane of track.lanes) lane.add(at, usage, coversMs);
    track.lastAt = at;
  }

  async #run(): Promise<void> {
    for (let round = 0; !this.#stop.signal.aborted; round++) {
      if (round % WRITES_PER_TIDYING === 0) await this.#tidy();
      await this.#ports.sleep(WRITE_EVERY_MS, this.#stop.signal).catch(() => undefined);
      if (!this.#stop.signal.aborted) await this.#write();
    }
  }

  /** What cannot be written is lost: history is worth no waiting. */
  async #write(): Promise<void> {
    if (!this.#isLeader()) return;
    const blocks = [...this.#tracks].flatMap(([series, { lanes }]) =>
      lanes.flatMap((lane) => {
        const { stepMs } = lane;
        return lane.news().map((stretch) => ({ series, stepMs, ...stretch }));
      }),
    );
    await this.#attempt(async () => this.#records.put(blocks));
    const silentSince = this.#ports.now() - SILENT_MS;
    for (const [series, { lastAt }] of this.#tracks) {
      if (lastAt < silentSince) this.#tracks.delete(series);
    }
  }

  async #tidy(): Promise<void> {
    if (!this.#isLeader()) return;
    const now = this.#ports.now();
    for (const [step, stepMs] of Object.entries(HISTORY_STEPS)) {
      // The block that begins before the time that is kept may reach into it.
      const before = now - KEPT_MS[step as keyof typeof HISTORY_STEPS] - BLOCK_VALUES * stepMs;
      await this.#attempt(async () => this.#records.forget(stepMs, before));
    }
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#ports.log.warn({ err: error }, 'the history is not written');
    }
  }
}

function newTrack(): Track {
  const lanes = Object.values(HISTORY_STEPS).map((stepMs) => new HistoryLane(stepMs));
  return { lanes, lastAt: 0 };
}
