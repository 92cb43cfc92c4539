import { berthError } from '../../base/errors.ts';
import type { ServiceContext } from './context.ts';

/** How many operations on one name are looked at, the newest first. */
const LOOKED_AT_MAX = 200;

/**
 * Refuses a name that a VM may have on a host which has not been read since the server started: what
 * that host has nobody knows yet, but the journal knows what was made there.
 * @throws BERTH_CONFLICT
 */
export async function mustNotBeElsewhere(
  { fleet, store }: Pick<ServiceContext, 'fleet' | 'store'>,
  name: string,
): Promise<void> {
  const unread = new Set(
    fleet.mirrors
      .filter(({ state }) => state.phase !== 'connected' && state.lastContactAt === undefined)
      .map((mirror) => mirror.name),
  );
  if (unread.size === 0) return;
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
  const perhaps = operations.find(
    ({ kind, vmUuid, host }) =>
      kind === 'create' && !removed.has(vmUuid) && host !== undefined && unread.has(host),
  );
  if (perhaps?.host === undefined) return;
  throw berthError('BERTH_CONFLICT', {
    what: `create ${name}`,
    why: `a VM of that name was made on host ${perhaps.host}, which has not answered since the server started`,
    remedy: `wait for the host, or forget it with: berth host rm ${perhaps.host} --force`,
  });
}
