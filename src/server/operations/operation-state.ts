import { berthError, isBerthError } from '../../base/errors.ts';
import type { ErrorCode } from '../../base/errors.ts';
import { errorOf, problemOf } from '../../api/problem.ts';
import type { OperationRecord } from '../../store/operations.ts';
import type { OperationPlan } from './operation-kind.ts';

/** What can be read from an operation's record and its plan. Pure. */

/** Failures that go away by themselves: a host comes back, a disk gets space, a database answers. */
const PASSING: ReadonlySet<ErrorCode> = new Set([
  'BERTH_HOST_UNREACHABLE',
  'BERTH_OUTCOME_UNKNOWN',
  'BERTH_DEADLINE',
  'BERTH_DISK_FULL',
  'BERTH_STORE_UNREACHABLE',
]);

export function isPassing(error: unknown): boolean {
  return isBerthError(error) && PASSING.has(error.code);
}

export function isEnded({ state }: OperationRecord): boolean {
  return state !== 'running' && state !== 'undoing';
}

/** The record after a change; what it waited for, and how far its step was, held until then. */
export function revised(
  record: OperationRecord,
  change: Partial<OperationRecord>,
): OperationRecord {
  const { waitsFor: _, progress: __, ...rest } = record;
  return { ...rest, ...change, revision: record.revision + 1 };
}

/** The host that an operation works on, as a field of its record. */
export function hostOf<M>(plan: OperationPlan<M>, memory: M): { readonly host?: string } {
  const host = plan.hostOf(memory);
  return host === undefined ? {} : { host };
}

/** True while an operation can still be taken back whole: no step is done, or in work, that lasts. */
export function hasWayBack<M>(plan: OperationPlan<M>, { done, state }: OperationRecord): boolean {
  return (
    state === 'running' && !plan.steps.slice(0, done + 1).some((step) => step.lasting === true)
  );
}

/** True when something stays of an operation that failed: a step done, or perhaps done, that lasts. */
export function isLasting<M>(plan: OperationPlan<M>, { done, error }: OperationRecord): boolean {
  const isUnknown = isBerthError(errorOf(error), 'BERTH_OUTCOME_UNKNOWN');
  return plan.steps.slice(0, isUnknown ? done + 1 : done).some((step) => step.lasting === true);
}

/** An operation as errors name it, and the step it is in. */
export function whereOf(record: OperationRecord): { operation: string; step: string } {
  const step = record.steps[record.done] ?? 'the end';
  return { operation: `${record.kind} ${record.vm}`, step };
}

/** A refusal or a coded failure speaks for itself; anything else is told with the step it came from. */
export function asOperationError(error: unknown, record: OperationRecord): unknown {
  if (isBerthError(error)) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const data = { ...whereOf(record), reason, undone: true };
  return berthError('BERTH_OPERATION_FAILED', data, { cause: error });
}

/** The error of an operation of which something is left says so. */
export function notUndone(problem: unknown): unknown {
  const error = errorOf(problem);
  if (isBerthError(error, 'BERTH_OPERATION_FAILED')) {
    return problemOf(berthError('BERTH_OPERATION_FAILED', { ...error.data, undone: false }));
  }
  if (isBerthError(error, 'BERTH_CANCELLED')) {
    return problemOf(berthError('BERTH_CANCELLED', { ...error.data, undone: false }));
  }
  return problem;
}
