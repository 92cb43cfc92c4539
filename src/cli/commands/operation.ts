import type { Command } from 'commander';
import { Option } from 'commander';
import type { OperationQuery } from '../../api/operation-query.ts';
import { operationView } from '../../api/resources.ts';
import type { OperationView } from '../../api/resources.ts';
import { berthError, isBerthError } from '../../base/errors.ts';
import type { Session } from '../session.ts';
import { branch, leaf } from './leaf.ts';

const NEWEST = `"$(berth operation ls --json | jq -r '.operations[0].id')"`;

/** `operation ls|show|wait|cancel`. */
export function registerOperation(program: Command, session: Session): void {
  const operation = branch(program, 'operation', 'What the servers are doing and have done').alias(
    'op',
  );
  leaf(operation, 'ls', {
    does: 'List operations, the newest first',
    examples: [
      ['berth operation ls', 'what runs, and what became of the rest'],
      ['berth operation ls --state failed', 'those of which something is left'],
    ],
  })
    .addOption(
      new Option('--state <state>', 'only those that stand so').choices(
        operationView.shape.state.options,
      ),
    )
    .option('--vm <name>', 'only those about this VM')
    .option('--host <name>', 'only those that work on this host')
    .action(async (options: OperationQuery) => listOperations(session, options));
  leaf(operation, 'show <id>', {
    does: 'Show the steps of one operation and how each stands; a beginning of its id will do',
    examples: [[`berth operation show ${NEWEST}`, 'the newest one, step by step']],
  }).action(async (id: string) => showOperation(session, id));
  leaf(operation, 'wait <id>', {
    does: 'Wait for the end of an operation, whoever began it; fails as it does',
    examples: [[`berth operation wait ${NEWEST}`, 'until the newest one has ended']],
  }).action(async (id: string) => waitFor(session, id));
  leaf(operation, 'cancel <id>', {
    does: 'Cancel an operation: what it has done is taken back, and that is waited for',
    examples: [[`berth operation cancel ${NEWEST}`, 'take the newest one back']],
  }).action(async (id: string) => cancelOperation(session, id));
}

async function listOperations(session: Session, query: OperationQuery): Promise<void> {
  const { state, vm, host } = query;
  const client = await session.client();
  const { items } = await client.operationPage({ state, vm, host }, session.ports.signal);
  const isFiltered = [state, vm, host].some((condition) => condition !== undefined);
  await session.answer({ operations: items }, async () => {
    if (items.length === 0 && isFiltered) return 'no operation is as asked for\n';
    const { operationTable } = await import('../operation-page.ts');
    return `${operationTable(items, session.out, session.ports.now()).join('\n')}\n`;
  });
}

async function showOperation(session: Session, id: string): Promise<void> {
  await answerOperation(session, await meantBy(session, id));
}

async function waitFor(session: Session, id: string): Promise<void> {
  const { followOperation } = await import('../follow-operation.ts');
  await answerOperation(session, await followOperation(session, await meantBy(session, id)));
}

async function cancelOperation(session: Session, id: string): Promise<void> {
  const { id: whole } = await meantBy(session, id);
  const client = await session.client();
  const { followOperation } = await import('../follow-operation.ts');
  try {
    const begun = await client.cancelOperation(whole, session.ports.signal);
    await followOperation(session, begun);
  } catch (error) {
    if (!isBerthError(error, 'BERTH_CANCELLED') || !error.data.undone) throw error;
  }
  await answerOperation(session, await client.operation(whole, session.ports.signal));
}

async function answerOperation(session: Session, operation: OperationView): Promise<void> {
  await session.answer(operation, async () => {
    const { operationPage } = await import('../operation-page.ts');
    return operationPage(operation, session.out, session.ports.now());
  });
}

/** The operation of an id, or of the beginning of one. @throws BERTH_NOT_FOUND */
async function meantBy(session: Session, id: string): Promise<OperationView> {
  const operations = await (await session.client()).operations(session.ports.signal);
  const meant = operations.filter((one) => one.id.startsWith(id));
  const operation = meant.find((one) => one.id === id) ?? meant[0];
  if (operation !== undefined && (operation.id === id || meant.length === 1)) return operation;
  if (meant.length > 1) throw severalBegin(id, meant);
  throw berthError('BERTH_NOT_FOUND', { kind: 'operation', name: id, known: [] });
}

/** As many as the list of operations shows. */
const ID_CHARS_USUAL = 8;
/** How many operations a refusal names. */
const NAMED_MAX = 5;

/** Says which operations a word may mean, each with so much of its id that it is the only one. */
function severalBegin(word: string, meant: readonly OperationView[]): Error {
  const chars = tellingChars(meant.map(({ id }) => id));
  const named = meant
    .slice(0, NAMED_MAX)
    .map(({ id, kind, vm }) => `${id.slice(0, chars)} (${kind} ${vm})`);
  const rest = meant.length > NAMED_MAX ? `, and ${meant.length - NAMED_MAX} more` : '';
  return berthError('BERTH_USAGE', {
    problem: `"${word}" is the beginning of ${meant.length} operations`,
    usage: `give more of its id: ${named.join(', ')}${rest}`,
  });
}

/** The fewest characters by which all ids, each another one, begin differently; eight are usual. */
function tellingChars(ids: readonly string[]): number {
  let chars = ID_CHARS_USUAL;
  while (new Set(ids.map((id) => id.slice(0, chars))).size < ids.length) chars++;
  return chars;
}
