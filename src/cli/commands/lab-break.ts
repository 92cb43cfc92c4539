import { berthError } from '../../base/errors.ts';
import type { LabHostInfo } from '../../lab/fleet/lab-info.ts';
import type { Session } from '../session.ts';

export interface BreakFlags {
  /** True for every fault. */
  readonly mend?: string | true;
  readonly list?: true;
}

interface BreakRequest {
  readonly host: string | undefined;
  readonly fault: readonly string[];
  readonly flags: BreakFlags;
}

/** `lab break`: breaks a host, mends it, or lists how hosts can be broken. */
export async function breakHost(session: Session, request: BreakRequest): Promise<void> {
  const { host, fault, flags } = request;
  if (flags.list === true) return listFaults(session);
  if (host === undefined) throw unclear('no host is named', flags);
  const { lab, signal } = session.ports;
  if (flags.mend !== undefined) {
    if (fault.length > 0) throw unclear('a fault and --mend exclude each other', flags);
    const which = flags.mend === true ? {} : { fault: flags.mend };
    return answerHost(session, await lab.mend({ host, ...which, signal }), 'mended');
  }
  if (fault.length === 0) throw unclear('no fault is named', flags);
  return answerHost(session, await lab.break({ host, fault, signal }), `${fault.join(' ')} done`);
}

/** `--mend NAME` takes the word behind it for a fault, which is easily a host. */
function unclear(problem: string, { mend }: BreakFlags): Error {
  const usage =
    mend === undefined
      ? 'give HOST FAULT; the faults are listed by: berth lab break --list'
      : 'give the host first: berth lab break HOST --mend [FAULT]';
  return berthError('BERTH_USAGE', { problem, usage });
}

async function answerHost(session: Session, host: LabHostInfo, outcome: string): Promise<void> {
  const { topology: _, ...view } = host;
  await session.answer(view, async () => {
    const { printable } = await import('../printable.ts');
    const { name, broken } = printable(view);
    const force =
      broken.length === 0 ? 'no fault is in force' : `in force now: ${broken.join(', ')}`;
    return `${name}: ${printable(outcome)}; ${force}\n`;
  });
}

async function listFaults(session: Session): Promise<void> {
  const faults = await session.ports.lab.faults();
  await session.answer(faults, async () => {
    const { tableLines } = await import('../table.ts');
    const { painter } = await import('../look.ts');
    const { printable } = await import('../printable.ts');
    const rows = printable(faults).map(({ name, parameter, does }) => [
      parameter === undefined ? name : `${name} ${parameter}`,
      does,
    ]);
    const columns = [{ title: 'FAULT' }, { title: 'WHAT IT DOES' }] as const;
    return `${tableLines(columns, rows, painter(session.out).dim).join('\n')}\n`;
  });
}
