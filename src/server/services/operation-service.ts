import type { Page, PageQuery } from '../../api/paging.ts';
import type { OperationRecord } from '../../store/operations.ts';
import { createVm } from '../operations/create-vm.ts';
import type { CreateMemory } from '../operations/create-vm.ts';
import type { OperationPlan } from '../operations/operation-kind.ts';
import type { OperationStatus } from '../operations/operation-runner.ts';
import { isVmAction, vmAction } from '../operations/vm-actions.ts';
import type { ServiceContext } from './context.ts';
import { cursorAfter, placeOf } from './cursor.ts';

/** Operations as the API shows them, and what a crash interrupted. */
export class OperationService {
  readonly #context: ServiceContext;

  constructor(context: ServiceContext) {
    this.#context = context;
  }

  /**
   * A page, newest first, without those whose kind only another version of Berth knows.
   * @throws BERTH_SPEC_INVALID for a cursor of another list
   */
  async operations({ limit, cursor }: PageQuery): Promise<Page<OperationStatus>> {
    const place = placeOf(cursor, 'operations', [0, '']);
    const after = place && { startedAt: Number(place[0]), id: String(place[1]) };
    const found = await this.#context.runner.list(limit + 1, after);
    const page = found.slice(0, limit);
    const last = page.at(-1)?.record;
    return {
      items: page.filter(({ record }) => record.kind === 'create' || isVmAction(record.kind)),
      ...(found.length > limit && last !== undefined
        ? { next: cursorAfter('operations', [last.startedAt, last.id]) }
        : {}),
    };
  }

  async operation(
    id: string,
    wait?: { readonly after: number; readonly waitMs: number },
  ): Promise<OperationStatus> {
    return this.#context.runner.get(id, wait);
  }

  /**
   * Goes on with what a crash interrupted, each operation as soon as its host answers. A claim that
   * no operation works on any more is given back: nobody else would.
   */
  async resume(): Promise<void> {
    const claims = await this.#context.store.claims.list();
    const unfinished = await this.#context.store.operations.unfinished();
    const working = new Set(unfinished.map((record) => record.vmUuid));
    for (const claim of claims.filter(({ uuid }) => !working.has(uuid))) {
      this.#context.ports.log.warn({ vm: claim.vm, uuid: claim.uuid }, 'a claim was left behind');
      await this.#context.store.claims.release(claim.uuid);
    }
    for (const record of unfinished) await this.#resume(record);
  }

  async #resume(record: OperationRecord): Promise<void> {
    const ready = this.#context.fleet.reachable(record.host);
    const { kind } = record;
    if (kind === 'create') {
      // The journal keeps what `createVm` put there.
      const { start } = record.memory as CreateMemory;
      const plan = createVm(this.#context, start);
      if (sameSteps(plan, record)) return this.#context.runner.resume(plan, record, ready);
    } else if (isVmAction(kind)) {
      const plan = vmAction(this.#context.fleet, kind);
      if (sameSteps(plan, record)) return this.#context.runner.resume(plan, record, ready);
    }
    return this.#context.runner.giveUp(
      record,
      'another version of Berth began it, in steps of its own',
    );
  }
}

/** A journal counts steps: those of another version may be others. */
function sameSteps<M>(plan: OperationPlan<M>, record: OperationRecord): boolean {
  const names = plan.steps.map((step) => step.name);
  return names.join('\n') === record.steps.join('\n');
}
