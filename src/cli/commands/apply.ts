import type { Command } from 'commander';
import type { FleetPlanView } from '../../api/declare.ts';
import { berthError } from '../../base/errors.ts';
import type { ApplyOptions, RestartScope } from '../apply.ts';
import type { Session } from '../session.ts';
import { addPruneFlags, pruned } from '../prune-flags.ts';
import type { PruneFlags } from '../prune-flags.ts';
import { leaf } from './leaf.ts';

interface ApplyFlags extends PruneFlags {
  readonly file: string;
  readonly restart?: true;
  readonly restartAll?: true;
  readonly force?: true;
  /** False with --no-start. */
  readonly start: boolean;
  readonly parallel: string;
  readonly yes?: true;
  readonly verbose?: true;
}

/** `apply` and `drift`. */
export function registerApply(program: Command, session: Session): void {
  const command = leaf(program, 'apply', {
    does: 'Make the fleet as documents say: new VMs are made, others changed where they are',
    examples: [
      ['berth apply -f vms/', 'what can be done while guests run; look first with berth plan'],
      ['berth apply -f vms/ --restart', 'guests whose change needs that are stopped and started'],
      ['berth apply -f vms/ --prune -l app=web', 'VMs with that label that no file names go'],
    ],
  })
    .requiredOption('-f, --file <file>', 'file, folder (all below it), or - for standard input')
    .option('--restart', 'stop and start guests of which something cannot be done while they run')
    .option('--restart-all', 'also those that would have a change at their next start alone')
    .option('--force', 'with these: end guests without asking them')
    .option('--no-start', 'make new VMs, but leave them off')
    .option('--parallel <count>', 'VMs worked on at the same time, 1 to 64', '8');
  addPruneFlags(command, 'remove')
    .option('-y, --yes', 'do not ask before VMs are removed')
    .option('--verbose', 'all that was decided of each new VM')
    .action(async (flags: ApplyFlags) => apply(session, flags));
  leaf(program, 'drift', {
    does: 'List the VMs that are not as their documents say',
    examples: [['berth drift', 'what somebody changed by hand, and how to mend it']],
  }).action(async () => showDrift(session));
}

async function apply(session: Session, flags: ApplyFlags): Promise<void> {
  const prune = pruned(flags, 'apply');
  const options: ApplyOptions = {
    restart: restartOf(flags),
    force: flags.force === true,
    start: flags.start,
    parallel: parallelOf(flags.parallel),
  };
  const { readSpecTree } = await import('../spec-source.ts');
  const { applyPlan, checkPlan, hasWork, restartedVms, statusOf } = await import('../apply.ts');
  const entries = await readSpecTree(flags.file, session);
  const documents = new Map(entries.map(({ spec, document }) => [spec.name, document]));
  const wish = { documents: [...documents.values()], ...prune };
  const plan = await (await session.client()).planFleet(wish, session.ports.signal);
  const { fleetPlanPage, planSummary } = await import('../fleet-plan-page.ts');
  if (!hasWork(plan, options)) {
    await session.answer({ vms: unchanged(plan) }, () => `${planSummary(plan)}; nothing to do\n`);
    return;
  }
  const isVerbose = flags.verbose === true;
  if (!session.json) await session.print(fleetPlanPage(plan, session.out, { isVerbose }));
  checkPlan(plan, options);
  if (!(await mayRemove(session, plan, flags.yes === true))) {
    await session.note('nothing was changed');
    session.status = 1;
    return;
  }
  const restarted = restartedVms(plan, options);
  if (restarted.length > 0) await session.note(`stopped and started: ${restarted.join(', ')}`);
  const applied = await applyPlan(session, plan, documents, options);
  session.status = statusOf(applied);
  const done = applied.filter(({ state }) => state === 'done').length;
  const all = applied.filter(({ state }) => state !== 'unchanged').length;
  await session.answer({ vms: applied }, () => `${done} of ${all} done\n`);
}

function restartOf({ restart, restartAll }: ApplyFlags): RestartScope {
  if (restartAll === true) return 'all';
  return restart === true ? 'needed' : 'none';
}

function unchanged({ vms }: FleetPlanView) {
  return vms.map(({ vm, action }) => ({ vm, action, state: 'unchanged' }));
}

function parallelOf(text: string): number {
  const count = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= 64) return count;
  const problem = `--parallel: "${text}" is not a number from 1 to 64`;
  throw berthError('BERTH_USAGE', { problem, usage: 'see: berth apply --help' });
}

/** Only what takes VMs away is asked about. */
async function mayRemove(session: Session, { vms }: FleetPlanView, yes: boolean): Promise<boolean> {
  const gone = vms.flatMap((vm) => (vm.action === 'remove' ? [vm] : []));
  if (gone.length === 0 || yes) return true;
  const { ask } = await import('../ask.ts');
  const question = `remove ${gone.length} VM${gone.length === 1 ? '' : 's'} with their disks?`;
  const items = gone.map(
    ({ vm, host, running }) => `${vm} on ${host}${running ? ', running' : ''}`,
  );
  return ask(session, question, items);
}

/** What `drift` and a plan without documents show. */
export async function showDrift(session: Session): Promise<void> {
  const view = await (await session.client()).fleetDrift(session.ports.signal);
  await session.answer(view, async () => {
    const { driftPage } = await import('../fleet-plan-page.ts');
    return driftPage(view, session.out);
  });
}
