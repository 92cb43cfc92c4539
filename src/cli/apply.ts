import { errorOf } from '../api/problem.ts';
import type { FleetPlanView, VmPlanView } from '../api/declare.ts';
import type { OperationView } from '../api/resources.ts';
import type { VmDocument } from '../api/vm-spec.ts';
import { atOnce } from '../base/at-once.ts';
import { berthError, ERRORS, isBerthError } from '../base/errors.ts';
import { hintOf } from './failure.ts';
import { FleetProgress } from './fleet-progress.ts';
import { painter } from './look.ts';
import type { Session } from './session.ts';

/**
 * Which guests may be stopped and started: none, those of which something can only be done while they
 * are off, or all that would have something at their next start alone.
 */
export type RestartScope = 'none' | 'needed' | 'all';

/** How a fleet is made as its documents say. */
export interface ApplyOptions {
  readonly restart: RestartScope;
  /** Guests that are stopped are not asked. */
  readonly force: boolean;
  /** New VMs are started. */
  readonly start: boolean;
  /** How many operations run at the same time, from 1. */
  readonly parallel: number;
}

/** What became of one VM. */
export interface Applied {
  readonly vm: string;
  readonly action: VmPlanView['action'];
  /**
   * `skipped`: it was not begun, because the command was stopped before. `unknown`: the server went
   * away before it could tell.
   */
  readonly state: OperationView['state'] | 'unchanged' | 'skipped' | 'unknown';
  readonly operation?: string;
  readonly error?: OperationView['error'];
}

/**
 * Refuses a plan that cannot be carried out whole, before anything is begun.
 * @throws BERTH_REFUSED for a VM without a place; BERTH_CONFLICT for a change that cannot be made,
 * or only with a restart that is not allowed
 */
export function checkPlan(
  { vms }: FleetPlanView,
  { restart }: Pick<ApplyOptions, 'restart'>,
): void {
  for (const vm of vms) {
    if (vm.action === 'blocked') {
      throw berthError('BERTH_CONFLICT', {
        what: `change ${vm.vm}`,
        why: vm.why,
        remedy: vm.remedy,
      });
    }
    const plan = vm.action === 'create' || vm.action === 'update' ? vm.plan : undefined;
    if (plan?.placed === false) {
      const { summary } = plan;
      throw berthError('BERTH_REFUSED', { vm: vm.vm, summary, explanation: plan });
    }
    if (vm.action === 'update' && vm.cost === 'restart' && restart === 'none') {
      throw berthError('BERTH_CONFLICT', {
        what: `change ${vm.vm}`,
        why: 'some of it can only be done while no guest runs',
        remedy: 'allow guests to be stopped and started with --restart',
      });
    }
  }
}

/** True where carrying out the plan would do anything. */
export function hasWork(
  { vms }: FleetPlanView,
  { restart }: Pick<ApplyOptions, 'restart'>,
): boolean {
  return vms.some((vm) => isWork(vm, restart));
}

/**
 * Carries a plan out, VM by VM, several at a time. One that fails stops none of the others. A new VM
 * that found no place is tried again once others have come, which it may have to be near. The first
 * Ctrl-C lets no further one begin; the second ends the waiting.
 */
export async function applyPlan(
  session: Session,
  { vms }: FleetPlanView,
  documents: ReadonlyMap<string, VmDocument>,
  options: ApplyOptions,
): Promise<readonly Applied[]> {
  const progress = new FleetProgress(session);
  const ended = new Map<string, Applied>();
  let left: readonly VmPlanView[] = vms;
  for (let hasCome = true; hasCome && left.length > 0;) {
    const round = await atOnce(options.parallel, left, async (vm): Promise<Applied> => {
      const { action, vm: name } = vm;
      if (!isWork(vm, options.restart)) return { vm: name, action, state: 'unchanged' };
      if (session.ports.signal.aborted) return { vm: name, action, state: 'skipped' };
      const applied = await applyOne(session, vm, documents.get(name), { ...options, progress });
      if (!isRefused(applied)) progress.ended(name, appliedText(session, applied));
      return applied;
    });
    for (const one of round) {
      // One that was refused, and is not tried again because of Ctrl-C, was refused all the same.
      if (one.state !== 'skipped' || !ended.has(one.vm)) ended.set(one.vm, one);
    }
    left = left.filter(({ vm }) => isRefused(ended.get(vm)));
    hasCome = round.some(({ action, state }) => action === 'create' && state === 'done');
  }
  const applied = vms.flatMap(({ vm }) => ended.get(vm) ?? []);
  for (const one of applied.filter(isRefused)) progress.ended(one.vm, appliedText(session, one));
  return applied;
}

/** A new VM for which there was no place. */
function isRefused(applied: Applied | undefined): boolean {
  return applied?.action === 'create' && applied.error?.code === 'BERTH_REFUSED';
}

/** What the command ends with, when some of it failed or was not begun. */
export function statusOf(applied: readonly Applied[]): number {
  const [failed] = applied.flatMap(({ error }) => error ?? []);
  if (failed !== undefined) return failed.exit;
  if (applied.some(({ state }) => state === 'skipped')) return 130;
  return applied.some(({ state }) => state === 'failed' || state === 'undone') ? 1 : 0;
}

function isWork(vm: VmPlanView, restart: RestartScope): boolean {
  return vm.action !== 'unchanged' || isRestarted(vm, restart);
}

/** The guests that carrying out the plan stops and starts. */
export function restartedVms(
  { vms }: FleetPlanView,
  { restart }: Pick<ApplyOptions, 'restart'>,
): readonly string[] {
  return vms.filter((vm) => isRestarted(vm, restart)).map(({ vm }) => vm);
}

function isRestarted(vm: VmPlanView, restart: RestartScope): boolean {
  if (vm.action === 'unchanged') return restart === 'all' && vm.pending.length > 0;
  if (vm.action !== 'update' || restart === 'none') return false;
  return vm.cost === 'restart' || (restart === 'all' && vm.cost === 'next boot');
}

async function applyOne(
  session: Session,
  vm: VmPlanView,
  document: VmDocument | undefined,
  options: ApplyOptions & { readonly progress: FleetProgress },
): Promise<Applied> {
  const { action, vm: name } = vm;
  const client = await session.client();
  const { leave } = session.ports;
  let begun: OperationView | undefined;
  try {
    begun = await begin(session, vm, document, options);
    const last = await client.wait(begun, (next) => options.progress.show(next), leave);
    const error = last.error === undefined ? {} : { error: last.error };
    return { vm: name, action, state: last.state, operation: last.id, ...error };
  } catch (error) {
    // What one VM is refused with must not hide what becomes of the others.
    if (!isBerthError(error) || leave.aborted) throw error;
    const { problemOf } = await import('../api/problem.ts');
    const isLost = isBerthError(error, 'BERTH_SERVER_UNREACHABLE');
    const isUnknown = isLost && (begun !== undefined || error.data.isSent === true);
    const state = isUnknown ? 'unknown' : 'undone';
    const operation = begun === undefined ? {} : { operation: begun.id };
    return { vm: name, action, state, ...operation, error: problemOf(error) };
  }
}

/** Not cut off by the first Ctrl-C: without the answer nobody could tell what has been begun. */
async function begin(
  session: Session,
  plan: VmPlanView,
  document: VmDocument | undefined,
  { start, restart: scope, force }: ApplyOptions,
): Promise<OperationView> {
  const { action, vm } = plan;
  const restart = isRestarted(plan, scope);
  const client = await session.client();
  const { leave } = session.ports;
  if (action === 'remove' || document === undefined) {
    return client.removeVm(vm, { force: true }, leave);
  }
  if (action === 'create') return client.createVm(document, { start }, leave);
  return client.updateVm(document, { restart, force: restart && force }, leave);
}

const DONE = {
  create: 'is made',
  update: 'is changed',
  unchanged: 'is started anew',
  remove: 'is removed',
  blocked: 'stays',
} as const;

function appliedText(session: Session, applied: Applied): string {
  const c = painter(session.err);
  const { vm, action, state, operation, error } = applied;
  if (state === 'done') return `${c.green('ok')}      ${vm} ${DONE[action]}`;
  const told = error === undefined ? undefined : errorOf(error);
  const message = told?.message ?? error?.detail ?? state;
  const isUnknown = state === 'unknown';
  const hint =
    isUnknown && operation !== undefined
      ? `it goes on in the server; see what becomes of it with: berth operation wait ${operation}`
      : told && hintOf(told);
  const head = isUnknown ? c.yellow('unknown') : `${c.red('failed')} `;
  const text = `${head} ${action} ${vm}: ${message}`;
  return hint === undefined || hint === '' ? text : `${text}\n        ${c.dim(hint)}`;
}

/** The exit code of a plan that cannot be carried out; 0 of any other. */
export function planStatus({ vms }: FleetPlanView): number {
  const isRefused = vms.some(
    (vm) => (vm.action === 'create' || vm.action === 'update') && vm.plan?.placed === false,
  );
  if (isRefused) return ERRORS.BERTH_REFUSED.exit;
  return vms.some(({ action }) => action === 'blocked') ? ERRORS.BERTH_CONFLICT.exit : 0;
}
