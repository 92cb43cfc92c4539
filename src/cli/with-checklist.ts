import type { WorkOptions } from './lab-port.ts';
import type { Session } from './session.ts';

/** What every command with a checklist can be told. */
export interface ChecklistFlags {
  readonly yes?: true;
  readonly verbose?: true;
}

/** Does work that shows a checklist on standard error and may ask in the middle of it. */
export async function withChecklist<T>(
  session: Session,
  flags: ChecklistFlags,
  work: (options: WorkOptions) => Promise<T>,
): Promise<T> {
  const { ask } = await import('./ask.ts');
  const { Checklist } = await import('./checklist.ts');
  const checklist = new Checklist(session, { verbose: flags.verbose === true });
  try {
    return await work({
      yes: flags.yes === true,
      confirm: async (question, items) => checklist.pausedFor(() => ask(session, question, items)),
      progress: checklist,
      signal: session.ports.signal,
    });
  } finally {
    checklist.end();
  }
}
