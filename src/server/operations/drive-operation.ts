import { isBerthError } from '../../base/errors.ts';
import { reasonOf } from '../../base/undo.ts';
import { problemOf } from '../../api/problem.ts';
import type { Ports } from '../ports.ts';
import { settledOrAborted } from '../settled-or-aborted.ts';
import type { LiveOperation } from './live-operation.ts';
import type { OperationPlan, Step } from './operation-kind.ts';
import { asOperationError, hostOf, isLasting, isPassing, notUndone } from './operation-state.ts';

/** Takes an operation on, step by step, from where it stands; one that fails is taken back. */
export async function driveOperation<M>(
  plan: OperationPlan<M>,
  live: LiveOperation,
  ports: Ports,
): Promise<void> {
  try {
    for (const [index, step] of plan.steps.entries()) {
      if (index < live.record.done) continue;
      live.signal.throwIfAborted();
      const memory = await act(plan, step, live, ports);
      const done = index + 1;
      const isLast = done === plan.steps.length;
      // The last step did not heed it: it is taken back like any other.
      if (isLast && live.isCancelled && !live.isLeft) throw live.signal.reason;
      const end = isLast ? { state: 'done' as const, endedAt: ports.now() } : {};
      await live.write({ memory, done, ...hostOf(plan, memory), ...end });
    }
  } catch (error) {
    if (live.isLeft || isBerthError(error, 'BERTH_FENCED')) throw error;
    await fail(plan, live, live.isCancelled ? live.signal.reason : error, ports);
  }
}

/** Undoes the step that failed (it may be half done) and those before it, backwards. */
export async function undoOperation<M>(
  plan: OperationPlan<M>,
  live: LiveOperation,
  ports: Ports,
): Promise<void> {
  const { record } = live;
  const failures: string[] = [];
  for (const step of plan.steps.slice(0, record.done + 1).toReversed()) {
    const failure = await undoStep(plan, step, live, ports);
    live.leave.throwIfAborted();
    if (failure !== undefined) failures.push(`${step.name}: ${failure}`);
  }
  const isWhole = failures.length === 0 && !isLasting(plan, record);
  const leftOver = failures.length === 0 ? {} : { leftOver: failures };
  await live.finish({
    state: isWhole ? 'undone' : 'failed',
    error: isWhole ? record.error : notUndone(record.error),
    memory: { ...(record.memory as object), ...leftOver },
  });
}

/**
 * Acts on one step. Where something that lasts is done already there is no way back, so what passes
 * by itself is waited for: half a removal would leave disks that nobody knows of any more. And while
 * the database is away there is no way at all: the step is repeated, as after a restart.
 */
async function act<M>(
  plan: OperationPlan<M>,
  step: Step<M>,
  live: LiveOperation,
  ports: Ports,
): Promise<M> {
  const { signal, record } = live;
  // The journal keeps what `begin` and the steps of this very plan have put there.
  const memory = record.memory as M;
  const isOneWay = plan.steps.slice(0, record.done).some(({ lasting }) => lasting === true);
  for (const pause of live.pauses()) {
    try {
      return await step.act(memory, signal, live.progressOf(record.done));
    } catch (thrown) {
      const error = reasonOf(thrown);
      const isWaitedFor = isOneWay
        ? isPassing(error)
        : isBerthError(error, 'BERTH_STORE_UNREACHABLE');
      if (signal.aborted || !isWaitedFor) throw thrown;
      ports.log.warn({ operation: record.id, step: step.name, err: thrown }, 'tried again');
      await waitFor(plan, live, error, pause);
      signal.throwIfAborted();
    }
  }
  return memory;
}

/** Waits until what stands in the way may have passed, and tells of it meanwhile. */
async function waitFor<M>(
  plan: OperationPlan<M>,
  live: LiveOperation,
  error: unknown,
  pause: () => Promise<void>,
): Promise<void> {
  live.tell({ waitsFor: error instanceof Error ? error.message : String(error) });
  await pause();
  const ready = plan.ready?.(live.record.memory as M).catch(() => undefined);
  await settledOrAborted(ready, live.leave);
}

async function fail<M>(
  plan: OperationPlan<M>,
  live: LiveOperation,
  error: unknown,
  ports: Ports,
): Promise<void> {
  const { record } = live;
  const step = record.steps[record.done] ?? 'the end';
  ports.log.warn({ operation: record.id, step, err: error }, 'an operation failed');
  const reason = problemOf(asOperationError(reasonOf(error), record));
  // Before anything is taken back: after a crash amid that nobody must go on where it was.
  await live.insist({ state: 'undoing', error: reason });
  live.leave.throwIfAborted();
  await undoOperation(plan, live, ports);
}

/** @returns why it cannot be undone; what passes by itself is waited for. */
async function undoStep<M>(
  plan: OperationPlan<M>,
  step: Step<M>,
  live: LiveOperation,
  ports: Ports,
): Promise<string | undefined> {
  const memory = live.record.memory as M;
  for (const pause of live.pauses()) {
    if (live.isLeft) return undefined;
    try {
      await step.undo?.(memory, live.leave);
      return undefined;
    } catch (thrown) {
      const error = reasonOf(thrown);
      ports.log.error({ operation: live.record.id, step: step.name, err: thrown }, 'undo failed');
      if (!isPassing(error)) return error instanceof Error ? error.message : String(error);
      await waitFor(plan, live, error, pause);
    }
  }
  return undefined;
}
