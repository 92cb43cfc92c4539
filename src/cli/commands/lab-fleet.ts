import type { Client } from '../../api/client.ts';
import type { LabInfo } from '../../lab/fleet/lab-info.ts';
import { berthError } from '../../base/errors.ts';
import type { Joined } from '../lab-host-view.ts';
import type { LabUpFlags } from '../lab-request.ts';
import type { Session } from '../session.ts';
import type { ChecklistFlags } from '../with-checklist.ts';

export interface LabUpCommandFlags extends LabUpFlags, ChecklistFlags {
  readonly add?: true;
}

export interface LabDownFlags extends ChecklistFlags {
  readonly all?: true;
}

/** The name of a lab that nobody named. */
const LAB_DEFAULT = 'lab';

/** `lab up`. What can be refused is refused before anything is made. */
export async function labUp(session: Session, flags: LabUpCommandFlags): Promise<void> {
  const { labRequest } = await import('../lab-request.ts');
  const { withChecklist } = await import('../with-checklist.ts');
  const request = labRequest(flags, session.ports.home);
  const { signal, lab: port } = session.ports;
  const client = flags.add === true ? await session.localClient() : undefined;
  await client?.server(signal);
  const lab = await withChecklist(session, flags, async (options) =>
    port.up({ ...options, ...request }),
  );
  const joined = client === undefined ? undefined : await join(session, client, lab);
  const { labHostViews } = await import('../lab-host-view.ts');
  await session.answer(labHostViews([lab], joined), async () => upText(session, lab, joined));
}

async function join(
  session: Session,
  client: Client,
  { name, hosts }: LabInfo,
): Promise<ReadonlyMap<string, Joined>> {
  const { addToServer } = await import('../lab-server.ts');
  try {
    return await addToServer(client, hosts, session.ports.signal);
  } catch (error) {
    await session.note(`the lab ${name} is up, but the server does not have all of its hosts`);
    throw error;
  }
}

/** What `lab up` ends with: the picture, what the server knows now, and what to try next. */
async function upText(
  session: Session,
  lab: LabInfo & { readonly changed: boolean },
  joined: ReadonlyMap<string, Joined> | undefined,
): Promise<string> {
  const { labPage } = await import('../lab-page.ts');
  const { painter } = await import('../look.ts');
  const c = painter(session.out);
  const { calledAs = 'berth' } = session.ports;
  const first = lab.hosts[0]?.name ?? lab.name;
  const next = [
    [`${calledAs} lab exec ${first} -- virsh list --all`, 'a command on a host'],
    [`${calledAs} lab break --list`, 'what can go wrong, on demand'],
    [`${calledAs} lab down${lab.name === LAB_DEFAULT ? '' : ` ${lab.name}`}`, 'nothing is left'],
  ] as const;
  const width = Math.max(...next.map(([line]) => line.length));
  return [
    labPage([lab], session.out),
    ...serverLines(joined),
    lab.changed ? c.green('ready') : c.green('everything was up already; nothing changed'),
    'try next:',
    ...next.map(([line, does]) => `  ${c.cyan(line.padEnd(width))}  ${c.dim(does)}`),
    '',
  ].join('\n');
}

function serverLines(joined: ReadonlyMap<string, Joined> | undefined): readonly string[] {
  const byOutcome = Map.groupBy(joined ?? [], ([, outcome]) => outcome);
  return [...byOutcome].map(([outcome, hosts]) => {
    const names = hosts.map(([name]) => name).join(', ');
    return outcome === 'added'
      ? `added to the server: ${names}`
      : `in the server already: ${names}`;
  });
}

/** `lab down`; nothing to end is no error. */
export async function labDown(
  session: Session,
  asked: string | undefined,
  flags: LabDownFlags,
): Promise<void> {
  if (asked !== undefined && flags.all === true) {
    throw berthError('BERTH_USAGE', {
      problem: 'LAB and --all exclude each other',
      usage: 'see: berth lab down --help',
    });
  }
  const { withChecklist } = await import('../with-checklist.ts');
  const { takeOutOfServer } = await import('../lab-server.ts');
  const { signal, leave, lab: port } = session.ports;
  const name = flags.all === true ? undefined : (asked ?? (await onlyLab(session)));
  const { changed, removed } = await withChecklist(session, { ...flags }, async (options) =>
    port.down({ ...options, ...(name === undefined ? {} : { name }) }),
  );
  // The hosts are gone: what the server believes of them goes too, even after a Ctrl-C.
  const client = await session.localClient();
  const outOfServer = await takeOutOfServer(client, removed, signal.aborted ? leave : signal);
  const hosts = removed.map((host) => host.name);
  await session.answer({ changed, removed: hosts, outOfServer }, () => {
    if (!changed) return `${nothingThere(name)}; nothing changed\n`;
    const forgotten = outOfServer.length === 0 ? '' : '; the server has forgotten them';
    const gone = hosts.length === 0 ? 'the rest of a lab is gone' : `gone: ${hosts.join(', ')}`;
    return `${gone}${forgotten}\n`;
  });
}

function nothingThere(name: string | undefined): string {
  return name === undefined ? 'no lab is up' : `no lab named ${name} is up`;
}

/** The lab that is meant where none is named: `lab`, else the only one there is. */
async function onlyLab(session: Session): Promise<string> {
  const names = (await session.ports.lab.list()).map(({ name }) => name);
  const [only] = names;
  if (only === undefined || names.includes(LAB_DEFAULT)) return LAB_DEFAULT;
  if (names.length === 1) return only;
  throw berthError('BERTH_USAGE', {
    problem: 'there are several labs: name one',
    usage: `one of: ${names.join(', ')}; or every lab with: berth lab down --all`,
  });
}
