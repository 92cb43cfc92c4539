import type { HostLink, Wait } from '../../host/host-link.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Step } from './operation-kind.ts';

/** What acting on a VM that exists needs to know. */
export interface ActMemory {
  readonly host: string;
  readonly uuid: string;
  readonly name: string;
  /** Pulls the plug of a guest that runs. */
  readonly force: boolean;
  /** Of a removal: also of a domain that Berth did not make, and has not taken in. */
  readonly foreign?: boolean;
  /** Volumes that were made for the VM and go with it. */
  readonly volumes: readonly string[];
  /** Nothing that it has on a disk is deleted: Berth did not make it. */
  readonly keepsFiles?: boolean;
}

export type ActStep = Step<ActMemory>;

/** A step that is one call to the host, after which the VM is read again. */
export function oneCall(
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
