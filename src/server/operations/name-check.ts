import { berthError } from '../../base/errors.ts';
import type { Store } from '../../store/store.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { HostMirror } from '../fleet/host-mirror.ts';

/** How many operations on one name are looked at, the newest first. */
const LOOKED_AT_MAX = 200;

/** Where a name may be taken. */
interface NameScene {
  readonly fleet: Fleet;
  readonly store: Store;
}

/** A VM that was made, and that nobody has removed through Berth. */
interface MadeVm {
  readonly uuid: string;
  readonly host: string;
}

/**
 * Refuses a name that a VM has, whichever server has made it. What no host shows here the journal
 * knows: a VM that another server made may not have been heard of yet, and what a host has that cannot
 * be reached nobody can see. While an operation works on the name it stays as free as it was found.
 * @throws BERTH_EXISTS; BERTH_CONFLICT when only a host can tell that cannot be reached
 */
export async function mustBeFree({ fleet, store }: NameScene, name: string): Promise<void> {
  const found = fleet.find(name);
  if (found !== undefined) await mustBeGone(found.mirror, found.record.uuid, name);
  for (const { uuid, host } of await madeVms(store, name)) {
    await fleet.mustKnow(host);
    const generation = await store.hosts.generation(host);
    if (generation === undefined) continue; // forgotten, with all that it has
    const mirror = fleet.host(host);
    if (mirror.unreachable === undefined) await mustBeGone(mirror, uuid, name);
    else if (mirror.record(uuid) !== undefined) throw isThere(mirror, name);
    else if (mirror.isBehind(generation)) throw mayBeThere(mirror, name);
  }
}

/** A host that can be reached is asked: it may have been removed without news of it so far. */
async function mustBeGone(mirror: HostMirror, uuid: string, name: string): Promise<void> {
  const isAway = mirror.unreachable !== undefined;
  const record = isAway ? mirror.record(uuid) : await mirror.refresh(uuid);
  if (record?.name === name) throw isThere(mirror, name);
}

async function madeVms(store: Store, name: string): Promise<readonly MadeVm[]> {
  const operations = await store.operations.list(LOOKED_AT_MAX, undefined, {
    vm: name,
    kinds: ['create', 'remove'],
    states: ['done', 'failed'],
  });
  const removed = new Set(
    operations
      .filter(({ kind, state }) => kind === 'remove' && state === 'done')
      .map(({ vmUuid }) => vmUuid),
  );
  return operations.flatMap(({ kind, vmUuid: uuid, host }) =>
    kind === 'create' && host !== undefined && !removed.has(uuid) ? [{ uuid, host }] : [],
  );
}

function isThere(mirror: HostMirror, name: string): Error {
  return berthError('BERTH_EXISTS', { kind: 'VM', name, where: `on host ${mirror.name}` });
}

function mayBeThere({ name: host, state }: HostMirror, name: string): Error {
  const isUnread = state.phase !== 'connected' && state.lastContactAt === undefined;
  const when = isUnread ? 'has not answered since the server started' : 'is away';
  return berthError('BERTH_CONFLICT', {
    what: `create ${name}`,
    why: `a VM of that name was made on host ${host}, which ${when}`,
    remedy: `wait for the host, or forget it with: berth host rm ${host} --force`,
  });
}
