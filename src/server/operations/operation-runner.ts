import { EventEmitter, once } from 'node:events';
import { assert } from '../../base/assert.ts';
import { berthError, isBerthError } from '../../base/errors.ts';
import { problemOf } from '../../api/problem.ts';
import type {
  OperationFilter,
  OperationPlace,
  OperationRecord,
  OperationRecords,
} from '../../store/operations.ts';
import type { Ports } from '../ports.ts';
import { settledOrAborted } from '../settled-or-aborted.ts';
import { presentAsker } from './asker.ts';
import type { OperationAsker } from './asker.ts';
import { driveOperation, undoOperation } from './drive-operation.ts';
import { LiveOperation } from './live-operation.ts';
import type { OperationDesk } from './live-operation.ts';
import type { OperationPlan, OperationSubject } from './operation-kind.ts';
import { hasWayBack, hostOf, isEnded, whereOf, revised } from './operation-state.ts';

/** How often the store is asked about an operation that another process carries out. */
const LOOK_MS = 250;
/** For how long at a time it is waited for news of such an operation. */
const WATCH_MS = 10_000;

/** Operations that a server has made its own, to be gone on with. */
interface TakenOver {
  readonly taken: readonly OperationRecord[];
  /** False when some could not be taken over now. */
  readonly isAll: boolean;
}

/** An operation as it stands. */
export interface OperationStatus {
  readonly record: OperationRecord;
}

/**
 * Runs operations step by step, writing the journal after each, so that whatever a crash
 * interrupts is finished or taken back when the server starts again, or by another server.
 */
export class OperationRunner {
  /** The server process, as the journal names it. */
  readonly server: string;
  readonly #journal: OperationRecords;
  readonly #ports: Ports;
  readonly #desk: OperationDesk;
  readonly #changes = new EventEmitter().setMaxListeners(0);
  readonly #listeners = new Set<(status: OperationStatus) => void>();
  readonly #live = new Map<string, LiveOperation>();
  /** The operation that works on a VM, by the VM's name. */
  readonly #busy = new Map<string, LiveOperation>();
  /** How operations begin, by their ids: until they are written, or are certainly not. */
  readonly #beginnings = new Map<string, Promise<OperationRecord>>();
  readonly #stop = new AbortController();
  /** Why nothing may be done here now. */
  #barred: Error | undefined;

  constructor(journal: OperationRecords, ports: Ports, server = ports.uuid()) {
    this.server = server;
    this.#journal = journal;
    this.#ports = ports;
    const onChange = (live: LiveOperation): void => {
      this.#changes.emit(live.record.id);
      this.#tell(live);
    };
    this.#desk = { journal, ports, stop: this.#stop.signal, onChange };
  }

  /** Aborts when the process is about to end. */
  get stopping(): AbortSignal {
    return this.#stop.signal;
  }

  /**
   * Begins an operation and returns at once; it goes on by itself.
   * @throws BERTH_BUSY when another operation works on a VM of that name, whichever server carries it
   * out; BERTH_DISK_FULL and BERTH_STORE when it cannot be written down, and then nothing has been
   * done; BERTH_STORE_UNREACHABLE, and then nothing is done either.
   */
  async begin<M>(
    plan: OperationPlan<M>,
    subject: OperationSubject,
    memory: M,
    { id = this.#ports.uuid(), actor, token }: OperationAsker = presentAsker(),
  ): Promise<OperationRecord> {
    if (this.#beginnings.has(id) || this.#carriedOut(id) !== undefined) {
      const known = await this.#begun(id);
      if (known !== undefined) return known;
    }
    if (this.#barred !== undefined) throw this.#barred;
    this.#refuseBusy(subject.vm);
    const record: OperationRecord = {
      id,
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
      server: this.server,
      ...(actor === undefined ? {} : { actor }),
      ...(token === undefined ? {} : { token }),
      ...(subject.labels === undefined ? {} : { labels: subject.labels }),
    };
    const beginning = this.#begin(plan, record);
    this.#beginnings.set(id, beginning);
    return beginning;
  }

  /**
   * The operation of that id, whichever server carries it out; one that is just beginning is waited for.
   * @throws what its beginning fails with, for as long as it is not certain that it has not begun.
   */
  async find(id: string): Promise<OperationRecord | undefined> {
    return (await this.#begun(id)) ?? this.#journal.get(id);
  }

  /**
   * Takes over what servers that are no more have left unfinished. One that cannot be taken over now
   * is left for the next time.
   */
  async takeOver(): Promise<TakenOver> {
    return this.#takeAll(await this.#journal.orphaned());
  }

  /** Lets go of every operation at once, for others, and begins none until `takeUp`. @param why it does */
  letGo(why: Error): void {
    this.#barred = why;
    for (const live of this.#live.values()) live.letGo(why);
  }

  /** Takes over what this server has let go of, and nobody has taken over; from now on it begins any. */
  async takeUp(): Promise<TakenOver> {
    this.#barred = undefined;
    return this.#takeAll(await this.#journal.ofServer(this.server));
  }

  /**
   * Goes on with an operation that was taken over, from the step it was in.
   * @param ready settles when its host can be reached; until then the VM stays busy.
   */
  resume<M>(plan: OperationPlan<M>, record: OperationRecord, ready = Promise.resolve()): void {
    assert(plan.kind === record.kind, 'the plan is of the kind the journal says');
    if (this.#barred !== undefined) return;
    // An earlier life of it, here, may still be in a step that has not heard that it shall end.
    const earlier = this.#live.get(record.id);
    earlier?.letGo();
    this.#run(plan, record, async (live) => {
      await settledOrAborted(earlier?.ended, live.leave);
      await settledOrAborted(ready, live.signal);
      live.leave.throwIfAborted();
      this.#ports.log.info(
        { operation: record.id, step: record.done },
        'goes on with an operation',
      );
      const isUndoing = record.state === 'undoing';
      await (isUndoing ? undoOperation : driveOperation)(plan, live, this.#ports);
    });
  }

  /** Ends an operation of the journal with which this program cannot go on. */
  async giveUp(record: OperationRecord, reason: string): Promise<void> {
    const data = { ...whereOf(record), reason, undone: false };
    const error = berthError('BERTH_OPERATION_FAILED', data);
    this.#ports.log.error({ operation: record.id, err: error }, 'cannot go on with an operation');
    const change = { state: 'failed' as const, error: problemOf(error) };
    await this.#journal.write(revised(record, { ...change, endedAt: this.#ports.now() }));
  }

  /**
   * How an operation stands. With `after` it waits, at most `waitMs`, for a revision beyond it.
   * @throws BERTH_NOT_FOUND
   */
  async get(id: string, wait?: { after: number; waitMs: number }): Promise<OperationStatus> {
    for (let waitedMs = 0; ; waitedMs += LOOK_MS) {
      const live = this.#carriedOut(id);
      if (live !== undefined) return this.#getLive(live, wait);
      const record = await this.#journal.get(id);
      if (record === undefined) {
        throw berthError('BERTH_NOT_FOUND', { kind: 'operation', name: id, known: [] });
      }
      const isNews = wait === undefined || record.revision > wait.after || isEnded(record);
      if (isNews || waitedMs >= wait.waitMs || this.stopping.aborted) return { record };
      const pauseMs = Math.min(LOOK_MS, wait.waitMs - waitedMs);
      await this.#ports.sleep(pauseMs, this.stopping).catch(() => undefined);
    }
  }

  /** Operations as they stand, newest first, from behind a place when one is given. */
  async list(
    limit: number,
    after?: OperationPlace,
    filter?: OperationFilter,
  ): Promise<readonly OperationStatus[]> {
    const records = await this.#journal.list(limit, after, filter);
    return records.map((record) => ({ record: this.#carriedOut(record.id)?.record ?? record }));
  }

  /**
   * Cancels an operation, or asks the server that carries it out to do so.
   * @returns false when it goes on no more, or there is no way back.
   */
  async cancel(id: string): Promise<boolean> {
    const live = this.#carriedOut(id);
    // The journal first: whoever goes on with it after a crash shall cancel it, too.
    const isAsked = await this.#journal.askCancel(id, this.#ports.now());
    return isAsked && (live === undefined || live.cancel());
  }

  /** Cancels what other servers were asked to cancel for this one. */
  async heedCancels(): Promise<void> {
    if (this.#live.size === 0) return;
    for (const id of await this.#journal.cancelled(this.server)) this.#live.get(id)?.cancel();
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

  /** The operation that works on a VM of that name, whichever server carries it out. */
  async workingAnywhere(
    vm: string,
  ): Promise<{ readonly kind: string; readonly end: () => Promise<void> } | undefined> {
    const here = this.working(vm);
    if (here !== undefined) return { kind: here.kind, end: async () => here.ended };
    const there = await this.#journal.atWorkOn(vm);
    return there && { kind: there.kind, end: async () => this.#endOf(there) };
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
    await Promise.all([...this.#live.values()].map(async (live) => live.ended));
  }

  async #getLive(
    live: LiveOperation,
    wait: { after: number; waitMs: number } | undefined,
  ): Promise<OperationStatus> {
    const { id, revision } = live.record;
    if (wait === undefined || revision > wait.after || isEnded(live.record)) return live;
    const enough = new AbortController();
    const signal = AbortSignal.any([enough.signal, this.stopping]);
    const change = once(this.#changes, id, { signal });
    await Promise.race([change, this.#ports.sleep(wait.waitMs, signal)]).catch(() => undefined);
    enough.abort();
    return { record: live.record };
  }

  /** Settles when an operation has ended, whoever carries it out, or when this process ends. */
  async #endOf({ id, revision }: OperationRecord): Promise<void> {
    for (let after = revision; !this.stopping.aborted;) {
      const { record } = await this.get(id, { after, waitMs: WATCH_MS });
      if (isEnded(record)) return;
      after = record.revision;
    }
  }

  /** An operation that this process carries out, and may. */
  #carriedOut(id: string): LiveOperation | undefined {
    const live = this.#live.get(id);
    return live?.isLetGo === true ? undefined : live;
  }

  /** An operation that this process has begun, as it stands. @throws what its beginning has failed with */
  async #begun(id: string): Promise<OperationRecord | undefined> {
    const begun = await this.#beginnings.get(id);
    return this.#carriedOut(id)?.record ?? begun;
  }

  async #begin<M>(plan: OperationPlan<M>, record: OperationRecord): Promise<OperationRecord> {
    const written = Promise.withResolvers<'yes' | 'no' | 'perhaps'>();
    this.#run(plan, record, async (live) => {
      const isWritten = await written.promise;
      if (isWritten === 'perhaps') await this.#retract(live);
      if (isWritten === 'yes') await driveOperation(plan, live, this.#ports);
    });
    try {
      const other = await this.#journal.begin(record);
      written.resolve(other === undefined ? 'yes' : 'no');
      if (other !== undefined) return sameOrBusy(other, record);
      this.#beginnings.delete(record.id);
      this.#tell({ record });
      return record;
    } catch (error) {
      written.resolve(isBerthError(error, 'BERTH_STORE_UNREACHABLE') ? 'perhaps' : 'no');
      throw error;
    }
  }

  /** Makes operations this server's own that nobody carries out. */
  async #takeAll(left: readonly OperationRecord[]): Promise<TakenOver> {
    const taken: OperationRecord[] = [];
    let isAll = true;
    for (const { id } of left) {
      if (this.#carriedOut(id) !== undefined) continue;
      if (this.#beginnings.has(id)) {
        isAll = false;
        continue;
      }
      try {
        const record = await this.#journal.takeOver(id, this.server);
        if (record !== undefined) taken.push(record);
      } catch (error) {
        if (!isBerthError(error)) throw error;
        isAll = false;
        this.#ports.log.error({ operation: id, err: error }, 'cannot take over an operation');
      }
    }
    return { taken, isAll };
  }

  #refuseBusy(vm: string): void {
    const other = this.#busy.get(vm);
    if (other !== undefined) throw busyWith(other.record);
  }

  /** Keeps the VM busy until the work has ended, however it ends. */
  #run<M>(
    plan: OperationPlan<M>,
    record: OperationRecord,
    work: (live: LiveOperation) => Promise<void>,
  ): void {
    const live = new LiveOperation(record, this.#desk, (at) => hasWayBack(plan, at));
    this.#live.set(record.id, live);
    this.#busy.set(record.vm, live);
    const whole = async (): Promise<void> => {
      try {
        await work(live);
      } catch (error) {
        this.#brokeOff(live, error);
      } finally {
        if (this.#live.get(record.id) === live) this.#live.delete(record.id);
        this.#beginnings.delete(record.id);
        if (this.#busy.get(record.vm) === live) this.#busy.delete(record.vm);
        live.close();
      }
    };
    void whole();
  }

  /** Leaves an operation as it stands in the journal: for another server, or the next one. */
  #brokeOff(live: LiveOperation, error: unknown): void {
    const { record } = live;
    if (this.stopping.aborted) return;
    if (live.isLetGo || isBerthError(error, 'BERTH_FENCED')) {
      this.#ports.log.warn({ operation: record.id, err: error }, 'an operation is let go of');
    } else {
      this.#ports.log.error({ operation: record.id, err: error }, 'an operation broke off');
    }
  }

  /** One whose beginning was perhaps written down after all is taken out: it was told not to begin. */
  async #retract(live: LiveOperation): Promise<void> {
    for (const pause of live.pauses(this.stopping)) {
      await pause();
      if (this.stopping.aborted) return;
      try {
        await this.#journal.retract(live.record);
        return;
      } catch (error) {
        this.#ports.log.warn(
          { operation: live.record.id, err: error },
          'the journal does not answer',
        );
      }
    }
  }

  #tell({ record }: OperationStatus): void {
    for (const listener of this.#listeners) listener({ record });
  }
}

/** The operation that was asked for before by the same name; any other is in the way. */
function sameOrBusy(other: OperationRecord, wanted: OperationRecord): OperationRecord {
  if (other.id === wanted.id) return other;
  throw busyWith(other);
}

function busyWith({ id, kind, vm, waitsFor }: OperationRecord): Error {
  const reason = waitsFor === undefined ? '' : `; it waits: ${waitsFor}`;
  const holder = `operation ${id} (${kind}) is running${reason}`;
  const remedy = `wait for its end with: berth operation wait ${id}`;
  return berthError('BERTH_BUSY', { what: vm, holder, remedy });
}
