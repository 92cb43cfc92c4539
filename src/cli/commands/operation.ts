import type { Command } from 'commander';
import { berthError } from '../../base/errors.ts';
import type { Session } from '../session.ts';
import { branch, leaf } from './leaf.ts';

/** `operation ls|show`. */
export function registerOperation(program: Command, session: Session): void {
  const operation = branch(program, 'operation', 'What the server is doing and has done');
  leaf(operation, 'ls', {
    does: 'List operations, the newest first',
    examples: [['berth operation ls', 'what runs, and what became of the rest']],
  }).action(async () => listOperations(session));
  leaf(operation, 'show <id>', {
    does: 'Show the steps of one operation and how each stands; a beginning of its id will do',
    examples: [
      [
        `berth operation show "$(berth operation ls --json | jq -r '.operations[0].id')"`,
        'the newest one, step by step',
      ],
    ],
  }).action(async (id: string) => showOperation(session, id));
}

async function listOperations(session: Session): Promise<void> {
  const operations = await (await session.client()).operations(session.ports.signal);
  await session.answer({ operations }, async () => {
    const { operationTable } = await import('../operation-page.ts');
    return `${operationTable(operations, session.out, session.ports.now()).join('\n')}\n`;
  });
}

async function showOperation(session: Session, id: string): Promise<void> {
  const operations = await (await session.client()).operations(session.ports.signal);
  const meant = operations.filter((one) => one.id.startsWith(id));
  const operation = meant.find((one) => one.id === id) ?? meant[0];
  if (operation === undefined || (operation.id !== id && meant.length > 1)) {
    const known = operations.map((one) => one.id);
    throw berthError('BERTH_NOT_FOUND', { kind: 'operation', name: id, known });
  }
  await session.answer(operation, async () => {
    const { operationPage } = await import('../operation-page.ts');
    return operationPage(operation, session.out, session.ports.now());
  });
}
