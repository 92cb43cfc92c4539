import { berthError } from '../../base/errors.ts';
import type { LabInfo } from '../../lab/fleet/lab-info.ts';
import type { Look } from '../look.ts';
import type { Session } from '../session.ts';

export interface PictureFlags {
  readonly ascii?: true;
}

/**
 * What `lab exec` runs where nothing is said: a shell with a prompt that names the host. Without
 * job control where it is dash, which cannot give a terminal back across pid namespaces.
 */
const SHELL = ['sh', '-c', 'command -v bash >/dev/null && exec bash; exec sh +m'] as const;

/** `lab ls`. */
export async function listLabs(
  session: Session,
  name: string | undefined,
  flags: PictureFlags,
): Promise<void> {
  const labs = await labsNamed(session, name);
  const { labHostViews } = await import('../lab-host-view.ts');
  await session.answer(labHostViews(labs), async () => {
    const { labPage } = await import('../lab-page.ts');
    return labPage(labs, lookFor(session, flags));
  });
}

async function labsNamed(session: Session, name: string | undefined): Promise<readonly LabInfo[]> {
  const labs = await session.ports.lab.list();
  const found = name === undefined ? labs : labs.filter((lab) => lab.name === name);
  if (name === undefined || found.length > 0) return found;
  throw berthError('BERTH_NOT_FOUND', { kind: 'lab', name, known: labs.map((lab) => lab.name) });
}

/** The look of standard output, without line drawing where that is asked for. */
export function lookFor({ out }: Session, { ascii }: PictureFlags): Look {
  return { ...out, unicode: out.unicode && ascii !== true };
}

/**
 * `lab exec`: the command has this process's input and output, and the command line ends with its
 * exit status.
 * @throws BERTH_USAGE with --json: the output is the command's, whatever that is.
 */
export async function execInLab(
  session: Session,
  target: string,
  command: readonly string[],
): Promise<void> {
  if (session.json) {
    throw berthError('BERTH_USAGE', {
      problem: '--json has no form for the output of another command',
      usage: 'leave it out; the command ends with the exit status of what it ran',
    });
  }
  const argv = command.length === 0 ? SHELL : command;
  session.status = await session.ports.lab.exec({ target, argv });
}
