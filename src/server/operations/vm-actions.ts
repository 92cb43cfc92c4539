import type { OperationKind } from '../../api/resources.ts';
import { pauseDomain, rebootDomain, resumeDomain, startDomain } from '../../host/domains.ts';
import { settleFloating } from '../fleet/floating.ts';
import { oneCall } from './act-step.ts';
import type { ActMemory, ActStep } from './act-step.ts';
import type { OperationPlan } from './operation-kind.ts';
import { removal } from './remove-vm.ts';
import type { RemovalContext } from './remove-vm.ts';
import { shutdown } from './shutdown.ts';

/** The kinds of operation that only need to know which VM they are about. */
export type VmAction = Exclude<OperationKind, 'create' | 'update' | 'adopt'>;

/** The plan for one kind of action on a VM that exists. */
export function vmAction(context: RemovalContext, kind: VmAction): OperationPlan<ActMemory> {
  const ready = async ({ host }: ActMemory): Promise<void> => context.fleet.reachable(host);
  return { kind, steps: STEPS[kind](context), hostOf: (memory) => memory.host, ready };
}

/** True for a kind of action on a VM that exists, of a journal that may be another version's. */
export function isVmAction(kind: string): kind is VmAction {
  return Object.hasOwn(STEPS, kind);
}

const STEPS: Readonly<Record<VmAction, (context: RemovalContext) => readonly ActStep[]>> = {
  start: ({ fleet }) => [
    {
      name: 'move floating vCPUs to the shared pool',
      act: async (memory, signal) => {
        await settleFloating(fleet, memory.host, signal);
        return memory;
      },
    },
    forGood(
      oneCall(fleet, 'start the domain', async (link, { uuid }, wait) =>
        startDomain(link, uuid, wait),
      ),
    ),
  ],
  stop: ({ fleet }) => [shutdown(fleet)],
  reboot: ({ fleet }) => [
    forGood(
      oneCall(fleet, 'reboot the guest', async (link, { uuid }, wait) =>
        rebootDomain(link, uuid, wait),
      ),
    ),
  ],
  pause: ({ fleet }) => [
    forGood(
      oneCall(fleet, 'pause the guest', async (link, { uuid }, wait) =>
        pauseDomain(link, uuid, wait),
      ),
    ),
  ],
  resume: ({ fleet }) => [
    forGood(
      oneCall(fleet, 'resume the guest', async (link, { uuid }, wait) =>
        resumeDomain(link, uuid, wait),
      ),
    ),
  ],
  remove: removal,
};

/** Nothing takes such a step back: once it may have been done, cancelling comes too late. */
function forGood(step: ActStep): ActStep {
  return { ...step, lasting: true };
}
