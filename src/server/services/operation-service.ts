import type { OperationQuery } from '../../api/operation-query.ts';
import type { Page, PageQuery } from '../../api/paging.ts';
import { berthError } from '../../base/errors.ts';
import type { OperationPlace, OperationRecord } from '../../store/operations.ts';
import { seesLabels } from '../access/caller.ts';
import type { Caller } from '../access/caller.ts';
import { adoptVm } from '../operations/adopt-vm.ts';
import { createVm } from '../operations/create-vm.ts';
import type { CreateMemory } from '../operations/create-vm.ts';
import type { OperationPlan } from '../operations/operation-kind.ts';
import { hasWayBack, isEnded, isPassing, whereOf } from '../operations/operation-state.ts';
import type { OperationStatus } from '../operations/operation-runner.ts';
import { updateVm } from '../operations/update-vm.ts';
import type { UpdateMemory } from '../operations/update-vm.ts';
import { isVmAction, vmAction } from '../operations/vm-actions.ts';
import type { ServiceContext } from './context.ts';
import { cursorAfter, placeOf } from './cursor.ts';

/** How soon what could not be taken over is tried again. */
const RESUME_PAUSE_MS = 1000;

/** How many operations are looked through at once for those that a caller may know of. */
const LOOKED_AT_ONCE = 200;

/** Operations as the API shows them, and what a crash interrupted. */
export class OperationService {
  readonly #context: ServiceContext;
  #isResumingLater = false;
  /** What was taken over and could not be gone on with yet. */
  #left: OperationRecord[] = [];

  constructor(context: ServiceContext) {
    this.#context = context;
  }

  /**
   * A page of those that a caller may know of, newest first, without those whose kind only another
   * version of Berth knows. Neither how long it is nor its cursor tells anything of all the others.
   * @throws BERTH_SPEC_INVALID for a cursor of another list
   */
  async operations(
    { limit, cursor }: PageQuery,
    query: OperationQuery,
    caller: Caller,
  ): Promise<Page<OperationStatus>> {
    const place = placeOf(cursor, 'operations', [0, '']);
    const after = place && { startedAt: Number(place[0]), id: String(place[1]) };
    const found: OperationStatus[] = [];
    for await (const operation of this.#seenBy(caller, after, query, limit + 1)) {
      found.push(operation);
      if (found.length > limit) break;
    }
    const items = found.slice(0, limit);
    const last = items.at(-1)?.record;
    return found.length > limit && last !== undefined
      ? { items, next: cursorAfter('operations', [last.startedAt, last.id]) }
      : { items };
  }

  async *#seenBy(
    caller: Caller,
    start: OperationPlace | undefined,
    { state, vm, host, kind }: OperationQuery,
    atOnce: number,
  ): AsyncGenerator<OperationStatus, void> {
    const filter = {
      states: state === 'running' ? (['running', 'undoing'] as const) : state && [state],
      kinds: kind && [kind],
      vm,
      host,
    };
    const size = caller.scope === undefined ? atOnce : Math.max(atOnce, LOOKED_AT_ONCE);
    for (let after = start; ;) {
      const found = await this.#context.runner.list(size, after, filter);
      yield* found.filter(({ record }) => isKnown(record.kind) && this.isSeenBy(caller, record));
      after = found.at(-1)?.record;
      if (found.length < size) return;
    }
  }

  async operation(
    id: string,
    wait?: { readonly after: number; readonly waitMs: number },
  ): Promise<OperationStatus> {
    return this.#context.runner.get(id, wait);
  }

  /**
   * Whether a caller may know of an operation: its own, and those on VMs that it sees; of a VM that is
   * not there, as that was when it began.
   */
  isSeenBy(caller: Caller, { token, vmUuid, labels }: OperationRecord): boolean {
    if (caller.scope === undefined) return true;
    if (token !== undefined && token === caller.tokenId) return true;
    const there = this.#context.fleet.labelsOf(vmUuid) ?? { labels };
    return seesLabels(caller, there.labels);
  }

  /**
   * Cancels an operation, whichever server carries it out: it is taken back as if its step had failed.
   * One that is being taken back already is answered as it stands.
   * @throws BERTH_NOT_FOUND; BERTH_CONFLICT when it has ended, or there is no way back from it
   */
  async cancel(id: string): Promise<OperationStatus> {
    const { runner } = this.#context;
    const found = await runner.get(id);
    if (found.record.state === 'undoing') return found;
    const plan = this.#planOf(found.record);
    const isOpen = plan !== undefined && hasWayBack(plan, found.record);
    const isCancelled = isOpen && (await runner.cancel(id));
    const { record } = await runner.get(id);
    if (isCancelled || record.state === 'undoing') return { record };
    throw cannotCancel(record);
  }

  /**
   * Goes on with what servers that are no more have left, this one's life before included: each
   * operation as soon as its host answers. A claim that no operation works on any more is given back:
   * nobody else would. What cannot be written now is tried again.
   */
  async resume(): Promise<void> {
    const { runner } = this.#context;
    const { taken, isAll } = await runner.takeOver();
    await this.#resumeAll([...this.#left, ...taken]);
    const areGiven = await this.#giveLeftClaimsBack();
    const isDone = isAll && areGiven && this.#left.length === 0;
    if (!isDone && !this.#isResumingLater) void this.#resumeLater();
  }

  /**
   * Goes on with what this server has let go of and nobody else has taken over.
   * @returns false when that must be tried again.
   */
  async takeUp(): Promise<boolean> {
    const { taken, isAll } = await this.#context.runner.takeUp();
    // What was left is among them, as it stands now.
    await this.#resumeAll(taken);
    return isAll;
  }

  async #resumeAll(records: readonly OperationRecord[]): Promise<void> {
    this.#left = [];
    for (const record of records) await this.#resumeOrLeave(record);
  }

  /** One that this server has made its own is nobody else's any more: it is not let go of. */
  async #resumeOrLeave(record: OperationRecord): Promise<void> {
    try {
      await this.#resume(record);
    } catch (error) {
      this.#left.push(record);
      const { id: operation } = record;
      this.#context.ports.log.error({ operation, err: error }, 'cannot go on with an operation');
    }
  }

  async #resumeLater(): Promise<void> {
    const { ports, runner } = this.#context;
    this.#isResumingLater = true;
    for (let isDone = false; !isDone;) {
      await ports.sleep(RESUME_PAUSE_MS, runner.stopping).catch(() => undefined);
      if (runner.stopping.aborted) return;
      try {
        this.#isResumingLater = false;
        await this.resume();
        isDone = true;
      } catch (error) {
        this.#isResumingLater = true;
        ports.log.error({ err: error }, 'cannot go on with operations');
      }
    }
  }

  async #giveLeftClaimsBack(): Promise<boolean> {
    const { ports, store } = this.#context;
    try {
      for (const { vm, uuid } of await store.claims.releaseLeft()) {
        ports.log.warn({ vm, uuid }, 'a claim was left behind');
      }
      return true;
    } catch (error) {
      if (!isPassing(error)) throw error;
      return false;
    }
  }

  async #resume(record: OperationRecord): Promise<void> {
    const { fleet, runner } = this.#context;
    const plan = this.#planOf(record);
    if (plan !== undefined) return runner.resume(plan, record, fleet.reachable(record.host));
    await runner.giveUp(record, 'another version of Berth began it, in steps of its own');
  }

  /** How an operation of the journal is carried out; undefined for one of another version. */
  #planOf(record: OperationRecord): OperationPlan<unknown> | undefined {
    const plan = this.#planOfKind(record) as OperationPlan<unknown> | undefined;
    // A journal counts steps: those of another version may be others.
    const names = plan?.steps.map((step) => step.name).join('\n');
    return names === record.steps.join('\n') ? plan : undefined;
  }

  /** The journal keeps what these very plans have put there. */
  #planOfKind({ kind, memory }: OperationRecord): unknown {
    const { fleet, store, ports } = this.#context;
    if (kind === 'create') return createVm(this.#context, (memory as CreateMemory).start);
    if (kind === 'update') {
      return updateVm({ fleet, store, now: ports.now }, memory as UpdateMemory);
    }
    if (kind === 'adopt') return adoptVm(fleet);
    return isVmAction(kind) ? vmAction({ fleet, store }, kind) : undefined;
  }
}

function isKnown(kind: string): boolean {
  return ['create', 'update', 'adopt'].includes(kind) || isVmAction(kind);
}

function cannotCancel(record: OperationRecord): Error {
  const { operation } = whereOf(record);
  return berthError('BERTH_CONFLICT', {
    what: `cancel ${operation}`,
    why: isEnded(record)
      ? `it has ended already, as ${record.state}`
      : 'there is no way back from what it has begun',
    remedy: `look at it with: berth operation show ${record.id}`,
  });
}
