import type { Workload } from '../../api/workload-file.ts';
import { Fleet } from '../../engine/fleet/fleet.ts';
import type { Policy } from '../../engine/policy/policy.ts';
import { looksAhead } from '../../engine/policy/policy.ts';
import type { Session } from '../session.ts';
import type { SimulateFlags } from './flags.ts';
import { forecastOf } from './forecast.ts';
import type { Forecast } from './forecast.ts';
import { forecastKind, kindAt } from './forecast-request.ts';
import type { ForecastKind } from './forecast-request.ts';
import { checkOutputs, openOutput } from './output-file.ts';
import { policiesNamed } from './policies.ts';
import type { Run } from './run.ts';
import { runPolicy } from './run.ts';
import { readScene } from './scene.ts';

/** One policy's answer. */
export interface Outcome {
  readonly policy: string;
  /** Absent where no requests were asked about, but forecasts alone. */
  readonly run?: Run;
  readonly forecasts: readonly Forecast[];
}

/** Replays, forecasts, and writes down what was asked for. */
export async function simulate(session: Session, flags: SimulateFlags): Promise<void> {
  const policies = policiesNamed(flags.policy);
  await checkOutputs(flags);
  const scene = await readScene(flags, session);
  const kinds: ForecastKind[] = [];
  for (const word of flags.forecast ?? []) kinds.push(await forecastKind(word, session));
  const outcomes = await outcomesOf(session, { flags, scene, policies, kinds });
  if (flags.report !== undefined) {
    const { writeReport } = await import('./report.ts');
    await writeReport(flags.report, outcomes);
  }
  const stopped =
    outcomes.length < policies.length || outcomes.some(({ run }) => run?.stopped === true);
  if (stopped) session.status = INTERRUPTED;
  const answers = outcomes.map(resourceOf);
  await session.answer(policies.length === 1 ? answers[0] : { runs: answers }, async () => {
    const { simulatePage } = await import('./simulate-page.ts');
    return simulatePage(outcomes, session.out, flags.report);
  });
}

/** What a program that Ctrl-C ended exits with. */
const INTERRUPTED = 130;

interface Task {
  readonly flags: SimulateFlags;
  readonly scene: Workload;
  readonly policies: readonly Policy[];
  readonly kinds: readonly ForecastKind[];
}

/** One policy after the other; those that Ctrl-C leaves no time for are left out. */
async function outcomesOf(
  session: Session,
  { flags, scene, policies, kinds }: Task,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  const { signal } = session.ports;
  const replays = flags.workload !== undefined || flags.trace !== undefined;
  for (const policy of policies) {
    if (signal.aborted && outcomes.length > 0) break;
    const run = replays ? await runOf(session, { scene, flags, policy }) : undefined;
    const fleet = run?.fleet ?? new Fleet(scene.hosts, policy);
    const now = run === undefined ? session.ports.now() : endOf(run);
    const forecasts: Forecast[] = [];
    for (const kind of signal.aborted ? [] : kinds) {
      forecasts.push(await forecastOf(session, fleet, kindAt(kind, now)));
    }
    outcomes.push({ policy: policy.name, ...(run === undefined ? {} : { run }), forecasts });
  }
  return outcomes;
}

/** When the last request came, in milliseconds of the trace's own time. */
function endOf({ history }: Run): number {
  return 1000 * (history.at.at(-1) ?? 0);
}

async function runOf(
  session: Session,
  { scene, flags, policy }: { scene: Workload; flags: SimulateFlags; policy: Policy },
): Promise<Run> {
  const sampled = flags.report !== undefined;
  const lifetimes = flags.lifetimes ?? (looksAhead(policy) ? 'history' : 'none');
  const options = { policy, sampled, lifetimes };
  if (flags.placements === undefined) return runPolicy(session, scene, options);
  const lines: string[] = [];
  // Opened before the work, so that a name that cannot be written to is told at once.
  await using file = await openOutput(flags.placements);
  const onLine = (line: string): number => lines.push(`${line}\n`);
  const run = await runPolicy(session, scene, { ...options, onLine });
  await file.writeFile(lines);
  return run;
}

/** The answer for programs. */
function resourceOf({ policy, run, forecasts }: Outcome): object {
  const forecast = forecasts.length === 0 ? {} : { forecast: forecasts };
  if (run === undefined) return { policy, ...forecast };
  return {
    ...run.figures,
    digest: run.digest,
    ...forecast,
    ...(run.stopped ? { stopped: true } : {}),
  };
}
