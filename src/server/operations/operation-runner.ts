import { EventEmitter, once } from 'node:events';
import { assert } from '../../base/assert.ts';
import { berthError, isBerthError } from '../../base/errors.ts';
import type { ErrorCode } from '../../base/errors.ts';
import { reasonOf } from '../../base/undo.ts';
import { errorOf, problemOf } from '../../api/problem.ts';
import type { OperationPlace, OperationRecord, OperationRecords } from '../../store/operations.ts';
import type { OperationPlan, OperationSubject, Step } from './operation-kind.ts';
import type { Logger, Ports } from '../ports.ts';

/** Pauses between attempts at what must come about in the end: doubled up to the longest. */
const RETRY_MS = { first: 100, longest: 10_000 };

/** Failures that go away by themselves: a host comes back, a disk gets space. */
const PASSING: ReadonlySet<ErrorCode> = new Set([
  'BERTH_HOST_UNREACHABLE',
  'BERTH_OUTCOME_UNKNOWN',
  'BERTH_DEADLINE',
  'BERTH_DISK_FULL',
]);

/** An operation from its beginning until the journal knows its end. */
interface Live {
  record: OperationRecord;
  /** What it waits for, in a sentence. */
  waitsFor?: string;
  readonly ended: Promise<void>;
}

/** An operation as it stands. */
export interface OperationStatus {
  readonly record: OperationRecord;
  readonly waitsFor?: string | undefined;
}

/**
 * Runs operations step by step, writing the journal after each, so that whatever a crash
 * interrupts is finished or taken back when the server starts again.
 */
export class OperationRunner {
  readonly #journal: OperationRecords;
  readonly #ports: Ports;
  readonly #log: Logger;
  readonly #changes = new EventEmitter().setMaxListeners(0);
  readonly #listeners = new Set<(status: OperationStatus) => void>();
  readonly #live = new Map<string, Live>();
  /** The operation that works on a VM, by the VM's name. */
  readonly #busy = new Map<string, Live>();
  readonly #stop = new AbortController();
  readonly #stopped = Promise.withResolvers<void>();

  constructor(journal: OperationRecords, ports: Ports) {
    this.#journal = journal;
    this.#ports = ports;
    this.#log = ports.log;
  }

  /**
   * Begins an operation and returns at once; it goes on by itself.
   * @throws BERTH_BUSY when another operation works on a VM of that name; BERTH_DISK_FULL and
   * BERTH_STORE when it cannot be written down, and then nothing has been done.
   */
  async begin<M>(
    plan: OperationPlan<M>,
    subject: OperationSubject,
    memory: M,
  ): Promise<OperationRecord> {
    this.#refuseBusy(subject.vm);
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
    const written = Promise.withResolvers<void>();
    this.#run(record, async (live) => {
      await written.promise;
      await this.#drive(plan, live);
    });
    try {
      await this.#journal.put(record);
      this.#tell({ record });
      written.resolve();
      return record;
    } catch (error) {
      written.reject(error);
      throw error;
    }
  }

  /**
   * Goes on with an operation that a crash interrupted, from the step it was in.
   * @param ready settles when its host can be reached; until then the VM stays busy.
   */
  resume<M>(plan: OperationPlan<M>, record: OperationRecord, ready = Promise.resolve()): void {
    assert(plan.kind === record.kind, 'the plan is of the kind the journal says');
    this.#run(record, async (live) => {
      await Promise.race([ready, this.#stopped.promise]);
      if (this.#stop.signal.aborted) return;
      this.#log.info({ operation: record.id, step: record.done }, 'goes on after a restart');
      await (record.state === 'undoing' ? this.#undo(plan, live) : this.#drive(plan, live));
    });
  }

  /** Ends an operation of the journal with which this program cannot go on. */
  async giveUp(record: OperationRecord, reason: string): Promise<void> {
    const step = record.steps[record.done] ?? 'the end';
    const operation = `${record.kind} ${record.vm}`;
    const error = berthError('BERTH_OPERATION_FAILED', { operation, step, reason, undone: false });
    this.#log.error({ operation: record.id, err: error }, 'cannot go on with an operation');
    const change = { state: 'failed' as const, error: problemOf(error) };
    await this.#journal.put(revised(record, { ...change, endedAt: this.#ports.now() }));
  }

  /**
   * How an operation stands. With `after` it waits, at most `waitMs`, for a revision beyond it.
   * @throws BERTH_NOT_FOUND
   */
  async get(id: string, wait?: { after: number; waitMs: number }): Promise<OperationStatus> {
    const live = this.#live.get(id);
    if (live === undefined) {
      const record = await this.#journal.get(id);
      if (record !== undefined) return { record };
      throw berthError('BERTH_NOT_FOUND', { kind: 'operation', name: id, known: [] });
    }
    if (wait !== undefined && live.record.revision <= wait.after && !isEnded(live.record)) {
      const signal = AbortSignal.any([AbortSignal.timeout(wait.waitMs), this.#stop.signal]);
      await once(this.#changes, id, { signal }).catch(() => undefined);
    }
    return { record: live.record, waitsFor: live.waitsFor };
  }

  /** Operations as they stand, newest first, from behind a place when one is given. */
  async list(limit: number, after?: OperationPlace): Promise<readonly OperationStatus[]> {
    const records = await this.#journal.list(limit, after);
    return records.map((record) => this.#live.get(record.id) ?? { record });
  }

  /**
   * Tells of each change of an operation that this process carries out, after it can be read here.
   * @param listener must not throw.
   * @returns ends the listening.
   */
  listen(listener: (status: OperationStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The operation that works on a VM of that name now, and when it will have ended. */
  working(vm: string): { readonly kind: string; readonly ended: Promise<void> } | undefined {
    const live = this.#busy.get(vm);
    return live === undefined ? undefined : { kind: live.record.kind, ended: live.ended };
  }

  /** The operation that has been working on a host for the longest; undefined when none does. */
  workingOn(host: string): OperationRecord | undefined {
    return [...this.#live.values()]
      .map(({ record }) => record)
      .find((record) => record.host === host);
  }

  /** Lets no further step begin and ends the waiting of those that run; the journal knows the rest. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#stopped.resolve();
    await Promise.all([...this.#live.values()].map((live) => live.ended));
  }

  #refuseBusy(vm: string): void {
    const other = this.#busy.get(vm);
    if (other === undefined) return;
    const { id, kind } = other.record;
    const reason = other.waitsFor === undefined ? '' : `; it waits: ${other.waitsFor}`;
    const holder = `operation ${id} (${kind}) is running${reason}`;
    throw berthError('BERTH_BUSY', { what: vm, holder });
  }

  /** Keeps the VM busy until the work has ended, however it ends. */
  #run(record: OperationRecord, work: (live: Live) => Promise<void>): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    const live: Live = { record, ended: promise };
    this.#live.set(record.id, live);
    this.#busy.set(record.vm, live);
    const whole = async (): Promise<void> => {
      try {
        await work(live);
      } catch (error) {
        this.#log.error({ operation: record.id, err: error }, 'an operation broke off');
      } finally {
        this.#live.delete(record.id);
        if (this.#busy.get(record.vm) === live) this.#busy.delete(record.vm);
        resolve();
      }
    };
    void whole();
  }

  async #drive<M>(plan: OperationPlan<M>, live: Live): Promise<void> {
    try {
      for (const step of plan.steps.slice(live.record.done)) {
        if (this.#stop.signal.aborted) return;
        // The journal keeps what `begin` and the steps of this very plan have put there.
        const memory = await this.#act(plan, step, live);
        const done = live.record.done + 1;
        const isLast = done === plan.steps.length;
        const end = isLast ? { state: 'done' as const, endedAt: this.#ports.now() } : {};
        await this.#write(live, { memory, done, ...hostOf(plan, memory), ...end });
      }
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      await this.#fail(plan, live, error);
    }
  }

  /**
   * Acts on one step. Where something that lasts is done already there is no way back, so what passes
   * by itself is waited for: half a removal would leave disks that nobody knows of any more.
   */
  async #act<M>(plan: OperationPlan<M>, step: Step<M>, live: Live): Promise<M> {
    const { signal } = this.#stop;
    const memory = live.record.memory as M;
    const past = plan.steps.slice(0, live.record.done);
    const isOneWay = past.some(({ lasting }) => lasting === true);
    for (let pauseMs = RETRY_MS.first; ; pauseMs = longer(pauseMs)) {
      try {
        return await step.act(memory, signal);
      } catch (thrown) {
        if (signal.aborted || !isOneWay || !isPassing(reasonOf(thrown))) throw thrown;
        this.#log.warn({ operation: live.record.id, step: step.name, err: thrown }, 'tried again');
        await this.#waitFor(plan, live, reasonOf(thrown), pauseMs);
      }
    }
  }

  /** Waits until what stands in the way may have passed, and tells of it meanwhile. */
  async #waitFor<M>(
    plan: OperationPlan<M>,
    live: Live,
    error: unknown,
    pauseMs: number,
  ): Promise<void> {
    live.waitsFor = error instanceof Error ? error.message : String(error);
    this.#show(live, revised(live.record, {}));
    try {
      await this.#pause(pauseMs);
      const ready = plan.ready?.(live.record.memory as M).catch(() => undefined);
      await Promise.race([ready, this.#stopped.promise]);
    } finally {
      delete live.waitsFor;
    }
  }

  async #fail<M>(plan: OperationPlan<M>, live: Live, error: unknown): Promise<void> {
    const { record } = live;
    const step = record.steps[record.done] ?? 'the end';
    this.#log.warn({ operation: record.id, step, err: error }, 'an operation failed');
    const reason = problemOf(asOperationError(reasonOf(error), record, step));
    const failing = { state: 'undoing' as const, error: reason };
    // A journal that cannot be written is no reason to leave things half made.
    await this.#write(live, failing).catch((journalError: unknown) => {
      this.#log.error({ operation: record.id, err: journalError }, 'the journal is not written');
      this.#show(live, revised(record, failing));
    });
    await this.#undo(plan, live);
  }

  /** Undoes the step that failed (it may be half done) and those before it, backwards. */
  async #undo<M>(plan: OperationPlan<M>, live: Live): Promise<void> {
    const { record } = live;
    const failures: string[] = [];
    for (const step of plan.steps.slice(0, record.done + 1).toReversed()) {
      const failure = await this.#undoStep(plan, step, live);
      if (this.#stop.signal.aborted) return;
      if (failure !== undefined) failures.push(`${step.name}: ${failure}`);
    }
    const isWhole = failures.length === 0 && !isLasting(plan, record);
    const leftOver = failures.length === 0 ? {} : { leftOver: failures };
    await this.#end(live, {
      state: isWhole ? 'undone' : 'failed',
      error: isWhole ? record.error : notUndone(record.error),
      memory: { ...(record.memory as object), ...leftOver },
    });
  }

  /** @returns why it cannot be undone; what passes by itself is waited for. */
  async #undoStep<M>(
    plan: OperationPlan<M>,
    step: Step<M>,
    live: Live,
  ): Promise<string | undefined> {
    const memory = live.record.memory as M;
    const { signal } = this.#stop;
    for (let pauseMs = RETRY_MS.first; !signal.aborted; pauseMs = longer(pauseMs)) {
      try {
        await step.undo?.(memory, signal);
        return undefined;
      } catch (thrown) {
        const error = reasonOf(thrown);
        this.#log.error({ operation: live.record.id, step: step.name, err: thrown }, 'undo failed');
        if (!isPassing(error)) return error instanceof Error ? error.message : String(error);
        await this.#waitFor(plan, live, error, pauseMs);
      }
    }
    return undefined;
  }

  /** Tells the end at once, and keeps the VM busy until the journal knows it too. */
  async #end(live: Live, change: Partial<OperationRecord>): Promise<void> {
    const ended = revised(live.record, { ...change, endedAt: this.#ports.now() });
    for (let pauseMs = RETRY_MS.first; !this.#stop.signal.aborted; pauseMs = longer(pauseMs)) {
      try {
        await this.#journal.put(ended);
        this.#show(live, ended);
        return;
      } catch (error) {
        if (!isPassing(error)) throw error;
        this.#log.error({ operation: ended.id, err: error }, 'the journal is not written');
        live.waitsFor = 'its end cannot be written to the journal';
        this.#show(live, ended);
      }
      await this.#pause(pauseMs);
    }
  }

  async #write(live: Live, change: Partial<OperationRecord>): Promise<void> {
    const record = revised(live.record, change);
    await this.#journal.put(record);
    this.#show(live, record);
  }

  #show(live: Live, record: OperationRecord): void {
    live.record = record;
    this.#changes.emit(record.id);
    this.#tell(live);
  }

  #tell(status: OperationStatus): void {
    for (const listener of this.#listeners) listener(status);
  }

  async #pause(pauseMs: number): Promise<void> {
    await this.#ports.sleep(pauseMs, this.#stop.signal).catch(() => undefined);
  }
}

function isPassing(error: unknown): boolean {
  return isBerthError(error) && PASSING.has(error.code);
}

function revised(record: OperationRecord, change: Partial<OperationRecord>): OperationRecord {
  return { ...record, ...change, revision: record.revision + 1 };
}

function longer(pauseMs: number): number {
  return Math.min(pauseMs * 2, RETRY_MS.longest);
}

function hostOf<M>(plan: OperationPlan<M>, memory: M): { readonly host?: string } {
  const host = plan.hostOf(memory);
  return host === undefined ? {} : { host };
}

function isEnded(record: OperationRecord): boolean {
  return record.state !== 'running' && record.state !== 'undoing';
}

/** True when something stays of an operation that failed: a step done, or perhaps done, that lasts. */
function isLasting<M>(plan: OperationPlan<M>, { done, error }: OperationRecord): boolean {
  const isUnknown = isBerthError(errorOf(error), 'BERTH_OUTCOME_UNKNOWN');
  return plan.steps.slice(0, isUnknown ? done + 1 : done).some((step) => step.lasting === true);
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

/** The error of an operation of which something is left says so. */
function notUndone(problem: unknown): unknown {
  const error = errorOf(problem);
  if (!isBerthError(error, 'BERTH_OPERATION_FAILED')) return problem;
  return problemOf(berthError('BERTH_OPERATION_FAILED', { ...error.data, undone: false }));
}
