import { berthError } from '../../base/errors.ts';
import { isActive } from '../../host/domain-record.ts';
import { askShutdown, destroyDomain, keepDefined } from '../../host/domains.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { HostMirror } from '../fleet/host-mirror.ts';
import type { Step } from './operation-kind.ts';

/** The VM whose guest is to end. */
export interface ShutdownMemory {
  readonly host: string;
  readonly uuid: string;
  readonly name: string;
  /** Pulls the plug instead of asking the guest. */
  readonly force: boolean;
}

/** How long a guest that was asked to shut down may take before that counts as not listening. */
const SHUTDOWN_MS = 60_000;
const SHUTDOWN_LOOK_MS = 200;
/** How long a domain whose QEMU is gone may be told as running, while libvirt clears it away. */
const ENDING_MS = 2000;

/**
 * With force the plug is pulled; without, the guest is asked and waited for. A VM of Berth's whose
 * definition somebody has taken away gets it back first: it would be gone with its guest.
 */
export function shutdown<M extends ShutdownMemory>(fleet: Fleet): Step<M> {
  return {
    name: 'shut the guest down',
    act: async (memory, signal) => {
      const mirror = fleet.host(memory.host);
      if (mirror.record(memory.uuid)?.metadata !== undefined) {
        await keepDefined(mirror.link, memory.uuid, mirror.wait(signal));
      }
      if (memory.force) await destroyDomain(mirror.link, memory.uuid, mirror.wait(signal));
      else await askAndWait(mirror, memory, signal);
      await mirror.refresh(memory.uuid);
      return memory;
    },
  };
}

async function askAndWait(
  mirror: HostMirror,
  { uuid, name }: ShutdownMemory,
  signal: AbortSignal,
): Promise<void> {
  const asking = askShutdown(mirror.link, uuid, mirror.wait(signal));
  const isAsked = await asking.then(
    () => true,
    () => false,
  );
  if (!isAsked) await mirror.refresh(uuid);
  // A guest that is ending at this very moment cannot be asked any more.
  const mostMs = isAsked ? SHUTDOWN_MS : ENDING_MS;
  for (let waitedMs = 0; waitedMs < mostMs; waitedMs += SHUTDOWN_LOOK_MS) {
    void mirror.link; // while the host is away nobody knows whether the guest has ended
    const record = mirror.record(uuid);
    if (record === undefined || !isActive(record.state)) return;
    await mirror.pause(SHUTDOWN_LOOK_MS, signal);
  }
  await asking; // throws what it was refused with
  throw berthError('BERTH_CONFLICT', {
    what: `stop ${name}`,
    why: `the guest was asked to shut down and still runs after ${SHUTDOWN_MS / 1000} s`,
    remedy: `pull the plug with: berth vm stop ${name} --force`,
  });
}
