import type { Command } from 'commander';
import type { PlanView, WhyView } from '../../api/resources.ts';
import { berthError, ERRORS } from '../../base/errors.ts';
import type { Session } from '../session.ts';
import { leaf } from './leaf.ts';

/** `plan` and `why`. */
export function registerPlan(program: Command, session: Session): void {
  leaf(program, 'plan', {
    does: 'Say where VMs would be placed now, and why; nothing is changed',
    examples: [
      ['berth plan -f db1.yaml', 'where it would sit; exit code 4 when nowhere'],
      ['berth plan -f db1.yaml --json | jq .placement', 'the placement alone'],
    ],
  })
    .requiredOption('-f, --file <file>', 'spec file; - reads standard input')
    .action(async (flags: { readonly file: string }) => plan(session, flags.file));
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

async function plan(session: Session, file: string): Promise<void> {
  const plans = await plansOf(session, file);
  await answerPlans(session, plans);
  if (plans.some(({ placed }) => !placed)) session.status = ERRORS.BERTH_REFUSED.exit;
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
