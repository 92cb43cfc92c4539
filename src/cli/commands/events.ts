import type { Command } from 'commander';
import { Option } from 'commander';
import type { EventKind } from '../../api/events.ts';
import { berthError } from '../../base/errors.ts';
import type { Session } from '../session.ts';
import { leaf } from './leaf.ts';

interface EventsFlags {
  /** A label selector. */
  readonly label?: string;
  readonly kind?: EventKind;
  readonly host?: string;
  readonly vm?: string;
  readonly after?: string;
  readonly count?: string;
}

/** `events`. */
export function registerEvents(program: Command, session: Session): void {
  leaf(program, 'events', {
    does: 'Tell what happens to VMs, hosts and operations, as it happens, until Ctrl-C',
    examples: [
      ['berth events', 'everything from now on'],
      ['berth events --kind vm -l app=db', 'VMs of one label'],
      ['berth events --json | jq -r \'select(.event.change=="gone").event.name\'', 'a line each'],
    ],
  })
    .option('-l, --label <selector>', 'conditions on labels, such as app=db,tier!=web,!gpu')
    .addOption(new Option('--kind <kind>', 'only these').choices(['vm', 'host', 'operation']))
    .option('--host <name>', 'only of this host')
    .option('--vm <name>', 'only of this VM')
    .option('--after <id>', 'go on behind an event that was seen')
    .option('--count <number>', 'end after so many')
    .action(async (flags: EventsFlags) => tellEvents(session, flags));
}

async function tellEvents(
  session: Session,
  { label, after, count, ...filter }: EventsFlags,
): Promise<void> {
  const most = countOf(count);
  const { signal } = session.ports;
  const asked = { ...filter, ...(label === undefined ? {} : { labels: label }) };
  const { eventLine } = await import('../event-line.ts');
  const { jsonLine } = await import('../printable.ts');
  const client = await session.client();
  let told = 0;
  try {
    for await (const seen of client.events(asked, { after, signal })) {
      await session.print(
        session.json ? jsonLine(seen) : `${eventLine(seen.event, session.out)}\n`,
      );
      told += 1;
      if (told >= most) return;
    }
  } catch (error) {
    // Ctrl-C is how it ends.
    if (!signal.aborted) throw error;
  }
}

function countOf(count: string | undefined): number {
  if (count === undefined) return Number.POSITIVE_INFINITY;
  if (/^[1-9]\d{0,8}$/.test(count)) return Number(count);
  const problem = `--count ${count} is no number of events`;
  throw berthError('BERTH_USAGE', { problem, usage: 'give a whole number of at least 1' });
}
