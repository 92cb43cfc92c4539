import type { Adoption } from '../../host/metadata.ts';
import { removeMetadata, writeAdoption } from '../../host/write-metadata.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { OperationPlan } from './operation-kind.ts';

/** What taking a domain in needs to know. */
export interface AdoptMemory {
  readonly host: string;
  readonly uuid: string;
  readonly labels: Adoption['labels'];
  /** What it had from Berth before; absent: nothing. */
  readonly before?: Adoption;
}

/** Taking in a domain that Berth did not make: its labels are written down, and nothing else. */
export function adoptVm(fleet: Fleet): OperationPlan<AdoptMemory> {
  const ready = async ({ host }: AdoptMemory): Promise<void> => fleet.reachable(host);
  return {
    kind: 'adopt',
    hostOf: ({ host }) => host,
    ready,
    steps: [
      {
        name: 'write its labels into its metadata',
        act: async (memory, signal) => {
          const { host, uuid, labels } = memory;
          const mirror = fleet.host(host);
          await writeAdoption(mirror.link, uuid, { labels }, mirror.wait(signal));
          await mirror.refresh(uuid);
          return memory;
        },
        undo: async ({ host, uuid, before }, signal) => {
          const mirror = fleet.host(host);
          if ((await mirror.refresh(uuid)) === undefined) return;
          const wait = mirror.wait(signal);
          if (before === undefined) await removeMetadata(mirror.link, uuid, wait);
          else await writeAdoption(mirror.link, uuid, before, wait);
          await mirror.refresh(uuid);
        },
      },
    ],
  };
}
