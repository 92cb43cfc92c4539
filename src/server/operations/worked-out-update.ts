import { isDeepStrictEqual } from 'node:util';
import { berthError } from '../../base/errors.ts';
import { parseVmDocument } from '../../api/vm-spec.ts';
import { isActive } from '../../host/domain-record.ts';
import { configMetadata } from '../../host/metadata.ts';
import type { VmMetadata } from '../../host/metadata.ts';
import { updateOf } from '../declare/update-of.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { UpdateMemory } from './update-vm.ts';

/**
 * What a VM says of itself now that nobody else works on it, if the change still is the one that was
 * worked out before: another server may have changed, started or removed the VM in between.
 * @throws BERTH_CONFLICT when it is not; BERTH_HOST_UNREACHABLE
 */
export async function asWorkedOut(
  fleet: Fleet,
  { host, uuid, name, before, document, restart }: UpdateMemory,
): Promise<VmMetadata> {
  const mirror = fleet.host(host);
  void mirror.link;
  const record = await mirror.refresh(uuid);
  if (record?.metadata === undefined) throw isAnother(name, 'it was removed meanwhile');
  const [was, now] = [configMetadata(before), configMetadata(record.metadata)];
  // Its place is not compared: pins of floating vCPUs follow the pool at any time.
  if (!isDeepStrictEqual(was.document, now.document)) {
    throw isAnother(name, 'somebody else has changed it meanwhile');
  }
  const update = updateOf({ mirror, record }, parseVmDocument(document));
  if (!update.isPossible) throw isAnother(name, update.why);
  if (restart && !isActive(record.state)) throw isAnother(name, 'its guest has ended meanwhile');
  if (!restart && update.cost === 'restart') throw isAnother(name, 'it was started meanwhile');
  return record.metadata;
}

function isAnother(name: string, why: string): Error {
  const remedy = 'look at what would change with berth plan, and apply it again';
  return berthError('BERTH_CONFLICT', { what: `change ${name}`, why, remedy });
}
