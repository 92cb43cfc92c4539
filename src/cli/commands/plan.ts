import { Option } from 'commander';
import type { Command } from 'commander';
import type { PlanView, WhyView } from '../../api/resources.ts';
import { present } from '../../base/assert.ts';
import { berthError, ERRORS } from '../../base/errors.ts';
import { POLICIES } from '../../engine/policy/policy.ts';
import type { Session } from '../session.ts';
import { addPruneFlags, pruned } from '../prune-flags.ts';
import type { PruneFlags } from '../prune-flags.ts';
import { leaf } from './leaf.ts';

/** `plan` and `why`. */
export function registerPlan(program: Command, session: Session): void {
  const planning = leaf(program, 'plan', {
    does: 'Say what would become of VMs by documents, where new ones would sit, and why',
    examples: [
      ['berth plan -f vms/', 'a whole folder: what each VM changes, and what that costs'],
      ['berth plan -f vms/ --prune -l app=web', 'with the VMs that berth apply would remove'],
      ['berth plan', 'without -f: what has drifted from its document, as berth drift'],
      ['berth plan -f db1.yaml', 'where it would sit; exit code 4 when nowhere'],
      ['berth plan -f db1.yaml --json | jq .placement', 'the placement alone'],
      ['berth plan -f db1.yaml --fleet fleet.yaml', 'on the hosts of a file; no server is asked'],
    ],
  })
    .option('-f, --file <file>', 'file, folder (all below it), or - for standard input')
    .option('--fleet <file>', 'plan on the hosts of this file; several VMs are placed as one group')
    .addOption(
      new Option('--policy <name>', 'how hosts are chosen, with --fleet')
        .choices(POLICIES.map(({ name }) => name))
        // In place of the check of the choices: a name that is nearly right is told.
        .argParser((name) => name),
    );
  addPruneFlags(planning, 'also tell of')
    .option('--verbose', 'of several VMs all that was decided, not a line for each')
    .action(async (flags: PlanFlags) => plan(session, flags));
  leaf(program, 'why [name]', {
    does: 'Say why a VM sits where it sits, or which limits kept it from being placed',
    examples: [
      ['berth why db1', 'reasons, and the score against the next best host'],
      ['berth why -f db1.yaml', 'the same for a VM that is not there yet'],
    ],
  })
    .option('-f, --file <file>', 'spec file; - reads standard input')
    .action(async (name: string | undefined, flags: { readonly file?: string }) =>
      why(session, name, flags.file),
    );
}

interface PlanFlags extends PruneFlags {
  readonly verbose?: true;
  readonly file?: string;
  readonly fleet?: string;
  readonly policy?: string;
}

async function plan(session: Session, flags: PlanFlags): Promise<void> {
  const { file, fleet, policy } = flags;
  const isVerbose = flags.verbose === true;
  const prune = pruned(flags, 'plan');
  if (prune.prune !== undefined && (file === undefined || fleet !== undefined)) {
    throw berthError('BERTH_USAGE', {
      problem: '--prune goes with -f, against the VMs of a server',
      usage: 'see: berth plan --help',
    });
  }
  if (fleet !== undefined && file !== undefined) {
    return planOnFile(session, { file, fleet, policy, isVerbose });
  }
  if (policy !== undefined || fleet !== undefined) {
    throw berthError('BERTH_USAGE', {
      problem:
        fleet === undefined
          ? '--policy goes with --fleet: the server has a policy of its own'
          : '--fleet needs VMs to place: name them with -f',
      usage: 'see: berth plan --help',
    });
  }
  if (file === undefined) {
    const { showDrift } = await import('./apply.ts');
    return showDrift(session);
  }
  return planOnServer(session, file, { ...prune, isVerbose });
}

/** One new VM is answered by its plan alone, with the score against the runner-up. */
async function planOnServer(
  session: Session,
  file: string,
  { isVerbose, ...prune }: { readonly prune?: string; readonly isVerbose: boolean },
): Promise<void> {
  const { readSpecTree } = await import('../spec-source.ts');
  const documents = (await readSpecTree(file, session)).map(({ document }) => document);
  const view = await (
    await session.client()
  ).planFleet({ documents, ...prune }, session.ports.signal);
  const { planStatus } = await import('../apply.ts');
  session.status = planStatus(view);
  const [only, second] = view.vms;
  if (only?.action === 'create' && second === undefined) return answerPlans(session, [only.plan]);
  await session.answer(view, async () => {
    const { fleetPlanPage } = await import('../fleet-plan-page.ts');
    return fleetPlanPage(view, session.out, { isVerbose });
  });
}

interface OfflinePlan {
  readonly file: string;
  readonly fleet: string;
  readonly policy: string | undefined;
  readonly isVerbose: boolean;
}

/** Plans on the hosts of a file, by the same engine as the server. */
async function planOnFile(
  session: Session,
  { file, fleet: path, policy, isVerbose }: OfflinePlan,
): Promise<void> {
  if (file === '-' && path === '-') {
    const problem = '-f and --fleet cannot both read standard input';
    throw berthError('BERTH_USAGE', { problem, usage: 'name a file for one of them' });
  }
  const [{ readSpecTree }, { policiesNamed }, { checkGroup, fleetOfFile, planGroup, planOne }] =
    await Promise.all([
      import('../spec-source.ts'),
      import('../simulate/policies.ts'),
      import('../plan-offline.ts'),
    ]);
  const [chosen] = policiesNamed(policy === undefined ? [] : [policy]);
  const entries = await readSpecTree(file, session);
  checkGroup(entries, file);
  const fleet = await fleetOfFile(path, present(chosen, 'a policy'), session);
  const { groupPage, planPage } = await import('../plan-page.ts');
  const [only, second] = entries;
  if (only !== undefined && second === undefined) {
    const view = planOne(fleet, only, session.ports.now());
    await session.answer(view, () => planPage(view, session.out));
    if (!view.placed) session.status = ERRORS.BERTH_REFUSED.exit;
    return;
  }
  const view = planGroup(fleet, entries, session.ports.now());
  await session.answer(view, () => groupPage(view, session.out, { isVerbose }));
  if (!view.placed) session.status = ERRORS.BERTH_REFUSED.exit;
}

async function why(
  session: Session,
  name: string | undefined,
  file: string | undefined,
): Promise<void> {
  if ((name === undefined) === (file === undefined)) {
    throw berthError('BERTH_USAGE', {
      problem:
        name === undefined ? 'neither NAME nor -f is given' : 'NAME and -f exclude each other',
      usage: 'see: berth why --help',
    });
  }
  if (file !== undefined) return answerPlans(session, await plansOf(session, file));
  const view: WhyView = await (await session.client()).why(name ?? '', session.ports.signal);
  await session.answer(view, async () => {
    const { whyPage } = await import('../plan-page.ts');
    return whyPage(view, session.out, session.ports.now());
  });
}

/** A plan for every VM of a file, each as if it were the only one. */
async function plansOf(session: Session, file: string): Promise<readonly PlanView[]> {
  const { readSpecs } = await import('../spec-source.ts');
  const entries = await readSpecs(file, session);
  const client = await session.client();
  const plans: PlanView[] = [];
  for (const { document } of entries) {
    plans.push(await client.plan(document, session.ports.signal));
  }
  return plans;
}

async function answerPlans(session: Session, plans: readonly PlanView[]): Promise<void> {
  await session.answer(plans.length === 1 ? plans[0] : { plans }, async () => {
    const { planPage } = await import('../plan-page.ts');
    return plans.map((view) => planPage(view, session.out)).join('\n');
  });
}
