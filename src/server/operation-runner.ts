import { EventEmitter, once } from 'node:events';
import { assert, present } from '../base/assert.ts';
import { berthError, isBerthError } from '../base/errors.ts';
import { problemOf } from '../api/problem.ts';
import type { OperationRecord, OperationRecords } from '../store/operations.ts';
import type { OperationPlan, OperationSubject, Step } from './operation-kind.ts';
import type { Logger, Ports } from './ports.ts';

/**
 * Runs operations step by step, writing the journal after each, so that whatever a crash
 * interrupts is finished or taken back when the server starts again.
 */
export class OperationRunner {
  readonly #journal: OperationRecords;
  readonly #ports: Ports;
  readonly #log: Logger;
  readonly #changes = new EventEmitter().setMaxListeners(0);
  readonly #running = new Map<string, { record: OperationRecord; ended: Promise<void> }>();
  readonly #stop = new AbortController();
  readonly #stopped = Promise.withResolvers<void>();

  constructor(journal: OperationRecords, ports: Ports) {
    this.#journal = journal;
    this.#ports = ports;
    this.#log = ports.log;
  }

  /**
   * Begins an operation and returns at once; it goes on by itself.
   * @throws BERTH_BUSY when another operation works on a VM of that name.
   */
  async begin<M>(
    plan: OperationPlan<M>,
    subject: OperationSubject,
    memory: M,
  ): Promise<OperationRecord> {
    const other = this.#running.get(subject.vm)?.record;
    if (other !== undefined) {
      throw berthError('BERTH_BUSY', {
        what: subject.vm,
        holder: `operation ${other.id} (${other.kind}) is running`,
      });
    }
    const record: OperationRecord = {
      id: this.#ports.uuid(),
      kind: plan.kind,
      vm: subject.vm,
      vmUuid: subject.uuid,
      ...hostOf(plan, memory),
      state: 'running',
      steps: plan.steps.map((step) => step.name),
      done: 0,
      memory,
      revision: 1,
      startedAt: this.#ports.now(),
    };
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#running.set(subject.vm, { record, ended: promise });
    try {
      await this.#journal.put(record);
    } catch (error) {
      this.#running.delete(subject.vm);
      resolve();
      throw error;
    }
    void this.#drive(plan, record).finally(resolve);
    return record;
  }

  /**
   * Goes on with an operation that a crash interrupted, from the step it was in.
   * @param ready settles when its host can be reached; until then the VM stays busy.
   */
  resume<M>(plan: OperationPlan<M>, record: OperationRecord, ready = Promise.resolve()): void {
    assert(plan.kind === record.kind, 'the plan is of the kind the journal says');
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#running.set(record.vm, { record, ended: promise });
    const goOn = async (): Promise<void> => {
      await Promise.race([ready, this.#stopped.promise]);
      if (this.#stop.signal.aborted) return;
      this.#log.info({ operation: record.id, step: record.done }, 'goes on after a restart');
      await (record.state === 'undoing' ? this.#undo(plan, record) : this.#drive(plan, record));
    };
    void goOn().finally(resolve);
  }

  /**
   * The state of an operation. With `after` it waits, at most `waitMs`, for a revision beyond it.
   * @throws BERTH_NOT_FOUND
   */
  async get(id: string, wait?: { after: number; waitMs: number }): Promise<OperationRecord> {
    const record = await this.#journal.get(id);
    if (record === undefined) {
      throw berthError('BERTH_NOT_FOUND', { kind: 'operation', name: id, known: [] });
    }
    if (wait === undefined || record.revision > wait.after || isEnded(record)) return record;
    const change = once(this.#changes, id, { signal: AbortSignal.timeout(wait.waitMs) });
    const next = await change.catch(() => undefined);
    return next === undefined ? record : present(await this.#journal.get(id), `operation ${id}`);
  }

  /** Lets no further step begin and ends the waiting of those that run; the journal knows the rest. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#stopped.resolve();
    await Promise.all([...this.#running.values()].map((entry) => entry.ended));
  }

  async #drive<M>(plan: OperationPlan<M>, begun: OperationRecord): Promise<void> {
    let record = begun;
    try {
      for (const step of plan.steps.slice(record.done)) {
        if (this.#stop.signal.aborted) return;
        // The journal keeps what `begin` and the steps of this very plan have put there.
        const memory = await step.act(record.memory as M, this.#stop.signal);
        const done = record.done + 1;
        record = await this.#write(record, { memory, done, ...hostOf(plan, memory) });
      }
      await this.#end(record, { state: 'done' });
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      await this.#fail(plan, record, error);
    } finally {
      if (this.#running.get(begun.vm)?.record.id === begun.id) this.#running.delete(begun.vm);
    }
  }

  async #fail<M>(plan: OperationPlan<M>, record: OperationRecord, error: unknown): Promise<void> {
    const step = record.steps[record.done] ?? 'the end';
    this.#log.warn({ operation: record.id, step, err: error }, 'an operation failed');
    try {
      const reason = problemOf(asOperationError(error, record, step));
      const failing = await this.#write(record, { state: 'undoing', error: reason });
      await this.#undo(plan, failing);
    } catch (journalError) {
      this.#log.error({ operation: record.id, err: journalError }, 'the journal cannot be written');
    }
  }

  /** Undoes the step that failed (it may be half done) and those before it, backwards. */
  async #undo<M>(plan: OperationPlan<M>, failing: OperationRecord): Promise<void> {
    const begun = plan.steps.slice(0, failing.done + 1).toReversed();
    const failures: string[] = [];
    for (const step of begun) {
      await undoStep(step, failing.memory as M).catch((error: unknown) => {
        this.#log.error({ operation: failing.id, step: step.name, err: error }, 'undo failed');
        failures.push(`${step.name}: ${error instanceof Error ? error.message : String(error)}`);
      });
    }
    const isWhole = failures.length === 0;
    const memory = isWhole ? failing.memory : { ...(failing.memory as object), leftOver: failures };
    await this.#end(failing, { state: isWhole ? 'undone' : 'failed', memory });
    if (this.#running.get(failing.vm)?.record.id === failing.id) this.#running.delete(failing.vm);
  }

  async #end(record: OperationRecord, change: Partial<OperationRecord>): Promise<void> {
    this.#running.delete(record.vm);
    await this.#write(record, { ...change, endedAt: this.#ports.now() });
  }

  async #write(
    record: OperationRecord,
    change: Partial<OperationRecord>,
  ): Promise<OperationRecord> {
    const next = { ...record, ...change, revision: record.revision + 1 };
    const entry = this.#running.get(record.vm);
    if (entry?.record.id === record.id) entry.record = next;
    await this.#journal.put(next);
    this.#changes.emit(record.id);
    return next;
  }
}

function hostOf<M>(plan: OperationPlan<M>, memory: M): { readonly host?: string } {
  const host = plan.hostOf(memory);
  return host === undefined ? {} : { host };
}

function isEnded(record: OperationRecord): boolean {
  return record.state !== 'running' && record.state !== 'undoing';
}

async function undoStep<M>(step: Step<M>, memory: M): Promise<void> {
  await step.undo?.(memory);
}

/** A refusal or a coded failure speaks for itself; anything else is told with the step it came from. */
function asOperationError(error: unknown, record: OperationRecord, step: string): unknown {
  if (isBerthError(error)) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return berthError(
    'BERTH_OPERATION_FAILED',
    { operation: `${record.kind} ${record.vm}`, step, reason, undone: true },
    { cause: error },
  );
}
