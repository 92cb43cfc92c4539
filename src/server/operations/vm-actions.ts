import type { OperationKind } from '../../api/resources.ts';
import {
  destroyDomain,
  pauseDomain,
  rebootDomain,
  removeDomain,
  resumeDomain,
  startDomain,
} from '../../host/domains.ts';
import type { HostLink, Wait } from '../../host/host-link.ts';
import { deleteVolumePaths } from '../../host/image-pool.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { settleFloating } from '../fleet/floating.ts';
import type { OperationPlan, Step } from './operation-kind.ts';
import { shutdown } from './shutdown.ts';

/** What acting on a VM that exists needs to know. */
export interface ActMemory {
  readonly host: string;
  readonly uuid: string;
  readonly name: string;
  readonly force: boolean;
  /** Volumes that were made for the VM and go with it. */
  readonly volumes: readonly string[];
  /** Nothing that it has on a disk is deleted: Berth did not make it. */
  readonly keepsFiles?: boolean;
}

type ActStep = Step<ActMemory>;

/** The kinds of operation that only need to know which VM they are about. */
export type VmAction = Exclude<OperationKind, 'create' | 'update' | 'adopt'>;

/** The plan for one kind of action on a VM that exists. */
export function vmAction(fleet: Fleet, kind: VmAction): OperationPlan<ActMemory> {
  const ready = async ({ host }: ActMemory): Promise<void> => fleet.reachable(host);
  return { kind, steps: STEPS[kind](fleet), hostOf: (memory) => memory.host, ready };
}

/** True for a kind of action on a VM that exists, of a journal that may be another version's. */
export function isVmAction(kind: string): kind is VmAction {
  return Object.hasOwn(STEPS, kind);
}

const STEPS: Readonly<Record<VmAction, (fleet: Fleet) => readonly ActStep[]>> = {
  start: (fleet) => [
    {
      name: 'move floating vCPUs to the shared pool',
      act: async (memory, signal) => {
        await settleFloating(fleet, memory.host, signal);
        return memory;
      },
    },
    simple(fleet, 'start the domain', async (link, { uuid }, wait) =>
      startDomain(link, uuid, wait),
    ),
  ],
  stop: (fleet) => [shutdown(fleet)],
  reboot: (fleet) => [
    simple(fleet, 'reboot the guest', async (link, { uuid }, wait) =>
      rebootDomain(link, uuid, wait),
    ),
  ],
  pause: (fleet) => [
    simple(fleet, 'pause the guest', async (link, { uuid }, wait) => pauseDomain(link, uuid, wait)),
  ],
  resume: (fleet) => [
    simple(fleet, 'resume the guest', async (link, { uuid }, wait) =>
      resumeDomain(link, uuid, wait),
    ),
  ],
  remove: (fleet) => [
    lasting(
      simple(fleet, 'end the guest', async (link, { uuid }, wait) =>
        destroyDomain(link, uuid, wait),
      ),
    ),
    lasting(
      simple(fleet, 'undefine the domain', async (link, { uuid, keepsFiles = false }, wait) =>
        removeDomain(link, uuid, wait, { keepsFiles }),
      ),
    ),
    lasting(
      simple(fleet, 'delete its disks', async (link, { name, volumes }, wait) =>
        deleteVolumePaths(link, name, volumes, wait),
      ),
    ),
    {
      name: 'give its pCPUs back to the pool',
      act: async (memory, signal) => {
        await settleFloating(fleet, memory.host, signal);
        return memory;
      },
    },
  ],
};

function lasting(step: ActStep): ActStep {
  return { ...step, lasting: true };
}

/** A step that is one call to the host, after which the VM is read again. */
function simple(
  fleet: Fleet,
  name: string,
  call: (link: HostLink, memory: ActMemory, wait: Wait) => Promise<unknown>,
): ActStep {
  return {
    name,
    act: async (memory, signal) => {
      const mirror = fleet.host(memory.host);
      await call(mirror.link, memory, mirror.wait(signal));
      await mirror.refresh(memory.uuid);
      return memory;
    },
  };
}
