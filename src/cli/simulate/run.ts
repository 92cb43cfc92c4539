import { createHash } from 'node:crypto';
import type { Workload } from '../../api/workload-file.ts';
import { Fleet } from '../../engine/fleet/fleet.ts';
import type { Policy } from '../../engine/policy/policy.ts';
import type { Figures } from '../../engine/simulate/figures.ts';
import { Fragmentation } from '../../engine/simulate/fragmentation.ts';
import type { LifetimeSource } from '../../engine/simulate/lifetime-guess.ts';
import { placementLine } from '../../engine/simulate/placement-line.ts';
import { replay } from '../../engine/simulate/replay.ts';
import type { Step } from '../../engine/simulate/replay.ts';
import type { History } from '../../engine/simulate/tally.ts';
import { Tally } from '../../engine/simulate/tally.ts';
import type { Session } from '../session.ts';
import { Breather } from './breather.ts';
import { ProgressBar } from './progress-bar.ts';

/** One policy's replay, and how it left the fleet. */
export interface Run {
  readonly figures: Figures;
  /** SHA-256 over every placement and every refusal, in order. */
  readonly digest: string;
  readonly history: History;
  /** How fragmented the fleet was after some of the rows. */
  readonly fragmentation: readonly { readonly row: number; readonly share: number }[];
  readonly fleet: Fleet;
  /** True when Ctrl-C ended it before the trace was through. */
  readonly stopped: boolean;
}

/** What else is wanted of a run. */
export interface RunOptions {
  readonly policy: Policy;
  /** Takes each placement as a line of JSON. */
  readonly onLine?: (line: string) => void;
  /** Whether fragmentation is looked at, which takes time. */
  readonly sampled: boolean;
  readonly lifetimes: LifetimeSource;
}

/** In how many places fragmentation is looked at. */
const SAMPLES = 60;

/** Replays the requests; until they are through, or somebody presses Ctrl-C. */
export async function runPolicy(
  session: Session,
  scene: Workload,
  options: RunOptions,
): Promise<Run> {
  const { hosts, arrivals } = scene;
  const fleet = new Fleet(hosts, options.policy);
  const tally = new Tally(fleet);
  const hash = createHash('sha256');
  const sampler = new Sampler(fleet, scene, options.sampled);
  const breather = new Breather(session);
  const bar = new ProgressBar(session);
  let refused = 0;
  const clock = session.ports.clock ?? (() => performance.now());
  for (const step of replay(fleet, arrivals, { clock, lifetimes: options.lifetimes })) {
    tally.add(step);
    sampler.look(step.row);
    const line = lineOf(step);
    hash.update(`${line}\n`);
    if (step.placement === undefined) refused++;
    else options.onLine?.(line);
    if (!breather.isDue) continue;
    const work = { done: step.row + 1, total: arrivals.length, note: `${refused} refused` };
    bar.show(options.policy.name, work);
    await breather.breathe();
    if (breather.stopped) break;
  }
  bar.end();
  const figures = tally.figures();
  return {
    figures,
    digest: hash.digest('hex'),
    history: tally.history,
    fragmentation: sampler.samples,
    fleet,
    stopped: figures.requests < arrivals.length,
  };
}

function lineOf({ row, placement }: Step): string {
  const line = placement === undefined ? { row, refused: true } : placementLine(row, placement);
  return JSON.stringify(line);
}

/** Looks at the fragmentation now and then. */
class Sampler {
  readonly samples: { readonly row: number; readonly share: number }[] = [];
  readonly #fragmentation: Fragmentation | undefined;
  readonly #stride: number;

  constructor(fleet: Fleet, { arrivals }: Workload, wanted: boolean) {
    this.#fragmentation = wanted ? new Fragmentation(fleet, arrivals) : undefined;
    this.#stride = Math.max(1, Math.floor(arrivals.length / SAMPLES));
  }

  look(row: number): void {
    if (row % this.#stride !== 0) return;
    const share = this.#fragmentation?.now();
    if (share !== undefined) this.samples.push({ row, share });
  }
}
