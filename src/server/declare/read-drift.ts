import { atOnce } from '../../base/at-once.ts';
import { isBerthError } from '../../base/errors.ts';
import type { DomainRecord } from '../../host/domain-record.ts';
import { readDrift as readDriftOf } from '../../host/drift.ts';
import type { Drift, Intent } from '../../host/drift.ts';
import { configMetadata } from '../../host/metadata.ts';
import type { VmMetadata } from '../../host/metadata.ts';
import type { Verified } from '../../host/verify.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { HostMirror } from '../fleet/host-mirror.ts';
import { specIn } from './update-of.ts';

/** VMs whose definitions are read at the same time. */
const READS_AT_ONCE = 16;

/**
 * How a VM of Berth's differs from its document and its placement: its definition, and what runs.
 * Nothing of a domain whose document cannot be read.
 * @param verified where its threads may run, where that has been looked at already.
 * @throws BERTH_HOST_UNREACHABLE, BERTH_LIBVIRT_REFUSED when the domain is gone
 */
export async function readDrift(
  mirror: HostMirror,
  record: DomainRecord,
  verified?: Verified,
): Promise<readonly Drift[]> {
  const { metadata } = record;
  if (metadata === undefined) return [];
  const defined = intentOf(configMetadata(metadata));
  if (defined === undefined) return [];
  const running = intentOf(metadata);
  const { topology } = await mirror.lastSnapshot([]);
  const wish = { defined, topology, verified, ...(running === undefined ? {} : { running }) };
  return readDriftOf(mirror.link, record, wish, mirror.wait());
}

/** How every VM of Berth's on the hosts that answer differs from its document. */
export async function driftOfFleet(
  fleet: Fleet,
): Promise<readonly { readonly vm: string; readonly host: string; readonly drift: Drift[] }[]> {
  const vms = fleet.mirrors
    .filter((mirror) => mirror.unreachable === undefined)
    .flatMap((mirror) => mirror.records.map((record) => ({ mirror, record })))
    .filter(({ record }) => record.metadata !== undefined);
  const views = await atOnce(READS_AT_ONCE, vms, async ({ mirror, record }) => ({
    vm: record.name,
    host: mirror.name,
    drift: [...(await driftIfThere(mirror, record))],
  }));
  return views.filter(({ drift }) => drift.length > 0);
}

/** One that goes away meanwhile, or whose host does, has no drift to tell of. */
export async function driftIfThere(
  mirror: HostMirror,
  record: DomainRecord,
  verified?: Verified,
): Promise<readonly Drift[]> {
  try {
    return await readDrift(mirror, record, verified);
  } catch (error) {
    const isGone =
      isBerthError(error, 'BERTH_HOST_UNREACHABLE') || isBerthError(error, 'BERTH_LIBVIRT_REFUSED');
    if (isGone) return [];
    throw error;
  }
}

function intentOf(metadata: VmMetadata): Intent | undefined {
  const spec = specIn(metadata.document);
  return spec && { metadata, spec };
}
