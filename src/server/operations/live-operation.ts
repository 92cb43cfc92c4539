import { berthError, isBerthError } from '../../base/errors.ts';
import type { OperationRecord, OperationRecords } from '../../store/operations.ts';
import type { Ports } from '../ports.ts';
import type { TellProgress } from './operation-kind.ts';
import { isPassing, whereOf, revised } from './operation-state.ts';

/** Pauses between attempts at what must come about in the end: doubled up to the longest. */
const RETRY_MS = { first: 100, longest: 10_000 };
/** How often at most the progress of a step is told. */
const PROGRESS_MS = 1000;

/** What live operations share: where they are written, and who hears of them. */
export interface OperationDesk {
  readonly journal: OperationRecords;
  readonly ports: Ports;
  /** Aborts when the process ends. */
  readonly stop: AbortSignal;
  readonly onChange: (live: LiveOperation) => void;
}

/** An operation that this process carries out, from its beginning until the journal knows its end. */
export class LiveOperation {
  /** Settles when it is carried out here no more, however it ended. */
  readonly ended: Promise<void>;
  readonly #desk: OperationDesk;
  readonly #end: () => void;
  readonly #cancelled = new AbortController();
  readonly #letGo = new AbortController();
  /** Aborts when nothing may be done to it any more. */
  readonly leave: AbortSignal;
  /** Aborts what its steps do: when it is left, or cancelled. */
  readonly signal: AbortSignal;
  readonly #isBackOpen: (record: OperationRecord) => boolean;
  #record: OperationRecord;
  #reported: OperationRecord['progress'];
  #isReporting = false;
  /** The change that ends it well is being written: it can be cancelled no more. */
  #isEnding = false;
  #isWriting = false;

  /** @param isBackOpen whether it can still be cancelled as it stands. */
  constructor(
    record: OperationRecord,
    desk: OperationDesk,
    isBackOpen: (record: OperationRecord) => boolean,
  ) {
    this.#record = record;
    this.#desk = desk;
    this.#isBackOpen = isBackOpen;
    this.leave = AbortSignal.any([desk.stop, this.#letGo.signal]);
    this.signal = AbortSignal.any([this.leave, this.#cancelled.signal]);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#end = resolve;
    if (record.cancelAt !== undefined) this.cancel();
  }

  get record(): OperationRecord {
    return this.#record;
  }

  get isCancelled(): boolean {
    return this.#cancelled.signal.aborted;
  }

  /** True when the process ends, or the operation is another's: nothing may be done to it any more. */
  get isLeft(): boolean {
    return this.leave.aborted;
  }

  /** True once this process may not carry it on, whatever others do with it. */
  get isLetGo(): boolean {
    return this.#letGo.signal.aborted;
  }

  /** Ends its step and lets it be taken back. @returns false when there is no way back any more. */
  cancel(): boolean {
    if (this.#isEnding || !this.#isBackOpen(this.#record)) return false;
    this.#cancelled.abort(
      berthError('BERTH_CANCELLED', { ...whereOf(this.#record), undone: true }),
    );
    return true;
  }

  /** Drops it as it stands: it belongs to another server, or soon may. */
  letGo(why: Error = berthError('BERTH_FENCED', { operation: this.#record.id })): void {
    this.#letGo.abort(why);
  }

  /** Says that it is carried out here no more. */
  close(): void {
    this.#end();
  }

  /**
   * Writes a change to the journal, as long as that takes while its database does not answer: taking
   * back what was done would have to be written as well.
   * @throws BERTH_FENCED, BERTH_DISK_FULL, BERTH_STORE, or the reason why it is left
   */
  async write(change: Partial<OperationRecord>): Promise<void> {
    this.#isEnding = change.state === 'done';
    await this.#quietly(async () => this.#write(change));
  }

  /** Tells its end at once, and keeps the VM busy until the journal knows it too. @throws as `insist` */
  async finish(change: Partial<OperationRecord>): Promise<void> {
    await this.insist({ ...change, endedAt: this.#desk.ports.now() });
  }

  /**
   * Tells a change at once and writes it, as long as that takes: nothing else may be done before the
   * journal knows it, or it is left.
   * @throws BERTH_FENCED
   */
  async insist(change: Partial<OperationRecord>): Promise<void> {
    await this.#quietly(async () => this.#insist(change));
  }

  /** Shows how it stands to those who ask this process. */
  show(record: OperationRecord): void {
    this.#record = record;
    this.#desk.onChange(this);
  }

  /**
   * Tells what it waits for, or how far it is: also to those who ask other servers. Not while a change
   * is being written, which would come too late behind it.
   */
  tell(change: Pick<OperationRecord, 'waitsFor' | 'progress'>): void {
    if (this.#isWriting) return;
    this.show(revised(this.#record, change));
    this.#desk.journal.tell(this.#record).catch((error: unknown) => {
      this.#desk.ports.log.warn({ operation: this.#record.id, err: error }, 'is not told of');
    });
  }

  /** For one step: what it reports is told at once, and then once a second at most. */
  progressOf(step: number): TellProgress {
    return (progress) => {
      this.#reported = progress;
      if (!this.#isReporting) void this.#report(step);
    };
  }

  /** Pauses that grow, endlessly. @param end ends each early: when it is left, if nothing is said. */
  *pauses(end = this.leave): Generator<() => Promise<void>, void> {
    for (let ms = RETRY_MS.first; ; ms = Math.min(ms * 2, RETRY_MS.longest)) {
      yield async () => this.#desk.ports.sleep(ms, end).catch(() => undefined);
    }
  }

  async #write(change: Partial<OperationRecord>): Promise<void> {
    const { journal, ports } = this.#desk;
    for (const pause of this.pauses()) {
      const record = revised(this.#record, change);
      try {
        await journal.write(record);
        this.show(record);
        return;
      } catch (error) {
        if (!isBerthError(error, 'BERTH_STORE_UNREACHABLE')) throw error;
        ports.log.warn({ operation: record.id, err: error }, 'the journal does not answer');
        this.show(revised(this.#record, { waitsFor: error.message }));
      }
      await pause();
      this.leave.throwIfAborted();
    }
  }

  async #insist(change: Partial<OperationRecord>): Promise<void> {
    const { journal, ports } = this.#desk;
    for (const pause of this.pauses()) {
      const record = revised(this.#record, change);
      try {
        await journal.write(record);
        this.show(record);
        return;
      } catch (error) {
        if (!isPassing(error) && !isBerthError(error, 'BERTH_STORE')) throw error;
        ports.log.error({ operation: record.id, err: error }, 'the journal is not written');
        this.show({ ...record, waitsFor: 'how it stands cannot be written to the journal' });
      }
      await pause();
      if (this.isLeft) return;
    }
  }

  /** Does some writing, while which nothing else of the operation is told. */
  async #quietly(work: () => Promise<void>): Promise<void> {
    this.#isWriting = true;
    try {
      await work();
    } finally {
      this.#isWriting = false;
    }
  }

  async #report(step: number): Promise<void> {
    this.#isReporting = true;
    while (this.#reported !== undefined && this.#record.done === step && !this.isLeft) {
      const progress = this.#reported;
      this.#reported = undefined;
      this.tell({ progress });
      await this.#desk.ports.sleep(PROGRESS_MS, this.leave).catch(() => undefined);
    }
    this.#reported = undefined;
    this.#isReporting = false;
  }
}
