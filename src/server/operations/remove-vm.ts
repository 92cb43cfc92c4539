import { berthError } from '../../base/errors.ts';
import type { DomainRecord } from '../../host/domain-record.ts';
import { isActive } from '../../host/domain-record.ts';
import { destroyDomain, removeDomain } from '../../host/domains.ts';
import type { Store } from '../../store/store.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { settleFloating } from '../fleet/floating.ts';
import { oneCall } from './act-step.ts';
import type { ActMemory, ActStep } from './act-step.ts';
import { deleteOwnPaths } from './own-volumes.ts';

/** Removing a VM: what it takes away does not come back. */
export function removal({ fleet, store }: RemovalContext): readonly ActStep[] {
  return [
    endGuest(fleet),
    {
      ...oneCall(fleet, 'undefine the domain', async (link, memory, wait) =>
        removeDomain(link, memory.uuid, wait, { keepsFiles: memory.keepsFiles ?? false }),
      ),
      lasting: true,
    },
    {
      name: 'delete its disks',
      lasting: true,
      act: async (memory, signal) => {
        if (memory.volumes.length === 0) return memory;
        const mirror = fleet.host(memory.host);
        const scene = { store, mirror, link: mirror.link, wait: mirror.wait(signal) };
        await deleteOwnPaths(scene, memory, memory.volumes);
        return memory;
      },
    },
    {
      name: 'give its pCPUs back to the pool',
      act: async (memory, signal) => {
        await settleFloating(fleet, memory.host, signal);
        return memory;
      },
    },
  ];
}

/** What the steps act on. */
export interface RemovalContext {
  readonly fleet: Fleet;
  readonly store: Store;
}

/**
 * Refuses to remove what must stay: a domain that is not Berth's, and a guest that runs.
 * @throws BERTH_CONFLICT
 */
export function mustBeRemovable(
  { name, state, metadata, adopted }: DomainRecord,
  { force, foreign = false }: Pick<ActMemory, 'force' | 'foreign'>,
): void {
  const what = `remove ${name}`;
  if (metadata === undefined && adopted === undefined && !foreign) {
    throw berthError('BERTH_CONFLICT', {
      what,
      why: 'it is not one of Berth’s: it was there before',
      remedy: `remove it all the same, and keep its disks, with: berth vm rm ${name} --foreign`,
    });
  }
  if (isActive(state) && !force) {
    throw berthError('BERTH_CONFLICT', {
      what,
      why: `it is ${state}`,
      remedy: `stop it first, or end and remove it with: berth vm rm ${name} --force`,
    });
  }
}

/**
 * Only now nobody else works on the VM: another server may have started it, or given it other disks,
 * since it was decided to remove it. One that is gone already is removed for good.
 */
function endGuest(fleet: Fleet): ActStep {
  return {
    name: 'end the guest',
    lasting: true,
    act: async (memory, signal) => {
      const { uuid } = memory;
      const mirror = fleet.host(memory.host);
      const { link } = mirror;
      const record = await mirror.refresh(uuid);
      if (record === undefined) return memory;
      mustBeRemovable(record, memory);
      await destroyDomain(link, uuid, mirror.wait(signal));
      await mirror.refresh(uuid);
      const { metadata } = record;
      const volumes = metadata?.volumes ?? [];
      return { ...memory, volumes, keepsFiles: metadata === undefined };
    },
  };
}
