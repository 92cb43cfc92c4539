import { berthError } from '../../base/errors.ts';
import type { OperationKind } from '../../api/resources.ts';
import { isActive } from '../../host/domain-record.ts';
import {
  askShutdown,
  destroyDomain,
  pauseDomain,
  rebootDomain,
  resumeDomain,
  startDomain,
  undefineDomain,
} from '../../host/domains.ts';
import type { HostLink, Wait } from '../../host/host-link.ts';
import { deleteVolumePaths } from '../../host/image-pool.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { settleFloating } from '../fleet/floating.ts';
import type { HostMirror } from '../fleet/host-mirror.ts';
import type { OperationPlan, Step } from './operation-kind.ts';

/** What acting on a VM that exists needs to know. */
export interface ActMemory {
  readonly host: string;
  readonly uuid: string;
  readonly name: string;
  readonly force: boolean;
  /** Volumes that were made for the VM and go with it. */
  readonly volumes: readonly string[];
}

/** How long a guest that was asked to shut down may take before that counts as not listening. */
const SHUTDOWN_MS = 60_000;
const SHUTDOWN_LOOK_MS = 200;
/** How long a domain whose QEMU is gone may be told as running, while libvirt clears it away. */
const ENDING_MS = 2000;

type ActStep = Step<ActMemory>;

/** The plan for one kind of action on a VM that exists. */
export function vmAction(
  fleet: Fleet,
  kind: Exclude<OperationKind, 'create'>,
): OperationPlan<ActMemory> {
  const ready = async ({ host }: ActMemory): Promise<void> => fleet.reachable(host);
  return { kind, steps: STEPS[kind](fleet), hostOf: (memory) => memory.host, ready };
}

/** True for a kind of action on a VM that exists, of a journal that may be another version's. */
export function isVmAction(kind: string): kind is Exclude<OperationKind, 'create'> {
  return Object.hasOwn(STEPS, kind);
}

const STEPS: Readonly<
  Record<Exclude<OperationKind, 'create'>, (fleet: Fleet) => readonly ActStep[]>
> = {
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
      simple(fleet, 'undefine the domain', async (link, { uuid }, wait) =>
        undefineDomain(link, uuid, wait),
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

/** With force the plug is pulled; without, the guest is asked and waited for. */
function shutdown(fleet: Fleet): ActStep {
  return {
    name: 'shut the guest down',
    act: async (memory, signal) => {
      const mirror = fleet.host(memory.host);
      if (memory.force) await destroyDomain(mirror.link, memory.uuid, mirror.wait(signal));
      else await askAndWait(mirror, memory, signal);
      await mirror.refresh(memory.uuid);
      return memory;
    },
  };
}

async function askAndWait(
  mirror: HostMirror,
  { uuid, name }: ActMemory,
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
