import { errorOf } from '../api/problem.ts';
import type { OperationView } from '../api/resources.ts';
import { berthError, isBerthError } from '../base/errors.ts';
import { LeftRunning } from './left-running.ts';
import { ProgressLine } from './progress-line.ts';
import type { Session } from './session.ts';

/**
 * Shows an operation's steps until it is done. The first Ctrl-C says that the operation goes on in
 * the server; the second one ends the waiting.
 * @throws the operation's own error when it fails or is taken back; LeftRunning.
 */
export async function followOperation(
  session: Session,
  operation: OperationView,
): Promise<OperationView> {
  const { signal, leave } = session.ports;
  const client = await session.client();
  const line = new ProgressLine(session);
  let last = operation;
  const explain = (): void => line.note(goesOnText(last));
  if (signal.aborted) explain();
  else signal.addEventListener('abort', explain, { once: true });
  try {
    last = await client.wait(
      operation,
      (next) => {
        last = next;
        line.show(next);
      },
      leave,
    );
  } catch (error) {
    if (leave.aborted) throw new LeftRunning(last);
    if (isBerthError(error, 'BERTH_SERVER_UNREACHABLE')) line.note(serverLostText(last));
    throw error;
  } finally {
    signal.removeEventListener('abort', explain);
    line.end();
  }
  if (last.state === 'done') return last;
  for (const note of restText(last)) await session.note(note);
  throw failureOf(last);
}

/** What is not taken back: because it waits for something, or because it cannot be. */
function restText({ kind, vm, waitsFor, leftOver = [] }: OperationView): readonly string[] {
  return [
    ...(waitsFor === undefined
      ? []
      : [`${kind} ${vm} failed; the server takes it back as soon as it can: ${waitsFor}`]),
    ...leftOver.map((rest) => `not taken back: ${rest}`),
  ];
}

function goesOnText(operation: OperationView): string {
  return (
    `${operation.kind} ${operation.vm} goes on in the server; look at it with: ` +
    `berth operation show ${operation.id}\n  Ctrl-C again ends this command only`
  );
}

function serverLostText(operation: OperationView): string {
  return (
    `${operation.kind} ${operation.vm} is finished or taken back when the server runs again; ` +
    `then look at it with: berth operation show ${operation.id}`
  );
}

function failureOf(operation: OperationView): Error {
  const told = operation.error === undefined ? undefined : errorOf(operation.error);
  return (
    told ??
    berthError('BERTH_OPERATION_FAILED', {
      operation: `${operation.kind} ${operation.vm}`,
      step: operation.steps[operation.done] ?? 'the end',
      reason: operation.error?.detail ?? 'the server gave no reason',
      undone: operation.state === 'undone',
    })
  );
}
