import { atOnce } from '../../base/at-once.ts';
import { isBerthError } from '../../base/errors.ts';
import { parseVmDocument } from '../../api/vm-spec.ts';
import type { DriftView } from '../../api/change.ts';
import { cellDistance } from '../../engine/host-shape.ts';
import { readActual } from '../../host/actual-seat.ts';
import { readDefinition, readRunning } from '../../host/definition.ts';
import { isActive } from '../../host/domain-record.ts';
import type { DomainRecord } from '../../host/domain-record.ts';
import { configMetadata } from '../../host/metadata.ts';
import type { VmMetadata } from '../../host/metadata.ts';
import { ownedBy, placedDisks } from '../../host/owned-devices.ts';
import { renderDomain } from '../../host/render-domain.ts';
import { verifySeat } from '../../host/verify.ts';
import type { Verified } from '../../host/verify.ts';
import type { HostTopology } from '../../model/topology.ts';
import { cpuNumbers } from '../../model/topology.ts';
import { readDomain } from '../../xml/domain.ts';
import type { DomainXml } from '../../xml/domain.ts';
import { parseXml } from '../../xml/index.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { HostMirror } from '../fleet/host-mirror.ts';
import { driftOf } from './drift-of.ts';

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
): Promise<readonly DriftView[]> {
  const { metadata, uuid } = record;
  if (metadata === undefined) return [];
  const wait = mirror.wait();
  const { topology } = await mirror.lastSnapshot([]);
  const xml = await readDefinition(mirror.link, uuid, { secrets: false }, wait);
  const config = configMetadata(metadata);
  const wanted = asWritten({ xml, uuid, topology }, config);
  if (wanted === undefined) return [];
  const definition = readDomain(parseXml(xml, 'a domain').root);
  const owned = ownedBy([config]);
  if (!isActive(record.state)) return driftOf({ definition, wanted, owned });
  const running = asWritten({ xml, uuid, topology }, metadata);
  const is = await readRunning(mirror.link, uuid, wait);
  const pcpus = cpuNumbers(topology);
  const verify = async (): Promise<Verified> =>
    verifySeat(metadata.placement, await readActual(mirror.link, record, pcpus, wait));
  return driftOf({
    definition,
    wanted,
    owned,
    ...(running === undefined ? {} : { running: { is, wanted: running } }),
    verified: verified ?? (await verify()),
  });
}

/** How every VM of Berth's on the hosts that answer differs from its document. */
export async function driftOfFleet(
  fleet: Fleet,
): Promise<readonly { readonly vm: string; readonly host: string; readonly drift: DriftView[] }[]> {
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
): Promise<readonly DriftView[]> {
  try {
    return await readDrift(mirror, record, verified);
  } catch (error) {
    const isGone =
      isBerthError(error, 'BERTH_HOST_UNREACHABLE') || isBerthError(error, 'BERTH_LIBVIRT_REFUSED');
    if (isGone) return [];
    throw error;
  }
}

/** The definition that Berth would write; its disks are taken as they are there. */
function asWritten(
  host: { readonly xml: string; readonly uuid: string; readonly topology: HostTopology },
  metadata: VmMetadata,
): DomainXml | undefined {
  const { xml, uuid, topology } = host;
  try {
    const spec = parseVmDocument(metadata.document);
    const text = renderDomain({
      ...metadata,
      spec,
      uuid,
      domainType: readDomain(parseXml(xml, 'a domain').root).type ?? 'qemu',
      arch: topology.arch,
      disks: placedDisks(xml, spec, []),
      distance: (from, to) => cellDistance(topology, from, to),
    });
    return readDomain(parseXml(text, 'a domain').root);
  } catch (error) {
    if (isBerthError(error, 'BERTH_SPEC_INVALID')) return undefined;
    throw error;
  }
}
