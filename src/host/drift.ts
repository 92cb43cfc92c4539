import { cellDistance } from '../engine/host-shape.ts';
import { cpuNumbers } from '../model/topology.ts';
import type { HostTopology } from '../model/topology.ts';
import type { VmSpec } from '../model/vm-spec.ts';
import { readDomain } from '../xml/domain.ts';
import type { DomainXml } from '../xml/domain.ts';
import { parseXml } from '../xml/index.ts';
import { readActual } from './actual-seat.ts';
import { readDefinition, readRunning } from './definition.ts';
import { isActive } from './domain-record.ts';
import { isDefined } from './domains.ts';
import type { DomainRecord } from './domain-record.ts';
import type { HostLink, Wait } from './host-link.ts';
import type { VmMetadata } from './metadata.ts';
import { ownedBy, placedDisks } from './owned-devices.ts';
import type { Owned } from './owned-devices.ts';
import { OWNED_PARTS } from './owned-parts.ts';
import { renderDomain } from './render-domain.ts';
import { verifySeat } from './verify.ts';
import type { Verified } from './verify.ts';

/** One way in which a VM is not what its document and its placement say. */
export interface Drift {
  /** Such as `memory`, or `vcpu 0 affinity`. */
  readonly what: string;
  readonly wanted: string;
  readonly is: string;
  /** What tells so: libvirt's definition of the domain, libvirt of what runs, or the kernel. */
  readonly source: 'definition' | 'libvirt' | 'kernel';
  /** What to do about it, in a sentence. */
  readonly mend: string;
}

/** What a VM should be: its metadata, and the spec that its document says. */
export interface Intent {
  readonly metadata: VmMetadata;
  readonly spec: VmSpec;
}

/** What a VM is held against. */
export interface DriftWish {
  /** From its next start on. */
  readonly defined: Intent;
  /** What runs now; absent where that cannot be told. */
  readonly running?: Intent;
  /** Of the host that it is on. */
  readonly topology: HostTopology;
  /** Where its threads may run, where that has been looked at already. */
  readonly verified?: Verified | undefined;
}

/** A VM as it is, and as it should be. */
interface DriftCase {
  /** The definition as libvirt has it, and as Berth would write it. */
  readonly definition: DomainXml;
  readonly wanted: DomainXml;
  readonly owned: Owned;
  /** True of a guest that runs, but whose definition somebody has taken away. */
  readonly isUndefined: boolean;
  /** Of a guest that runs: as libvirt has it, and as Berth would have it now. */
  readonly running?: { readonly is: DomainXml; readonly wanted: DomainXml };
  /** Where its threads may run, and its memory comes from. */
  readonly verified?: Verified;
}

/** What of a running guest can be changed by hand, and is no part of where it sits. */
const LIVE_PARTS = ['vCPUs', 'memory', 'memory at the start'];

const ANEW = 'apply its document again: its definition is written anew';
const RESTART = 'apply its document again with --restart, or stop and start it';
const GONE: Drift = {
  what: 'its definition',
  wanted: 'kept by libvirt',
  is: 'gone: the VM is lost when its guest ends',
  source: 'libvirt',
  mend: ANEW,
};
const PINS = 'apply its document again: its threads are moved back';

/**
 * How a VM differs from what it should be: its definition, and what runs.
 * @throws BERTH_HOST_UNREACHABLE, BERTH_LIBVIRT_REFUSED when the domain is gone
 */
export async function readDrift(
  link: HostLink,
  record: DomainRecord,
  wish: DriftWish,
  wait: Wait,
): Promise<readonly Drift[]> {
  const { uuid } = record;
  const { defined, running, topology } = wish;
  const xml = await readDefinition(link, uuid, { secrets: false }, wait);
  const definition = readDomain(parseXml(xml, 'a domain').root);
  const written = ({ metadata, spec }: Intent): DomainXml => {
    const text = renderDomain({
      ...metadata,
      spec,
      uuid,
      domainType: definition.type ?? 'qemu',
      arch: topology.arch,
      // They are taken as they are there.
      disks: placedDisks(xml, spec, []),
      distance: (from, to) => cellDistance(topology, from, to),
    });
    return readDomain(parseXml(text, 'a domain').root);
  };
  const offline = { definition, wanted: written(defined), owned: ownedBy([defined.metadata]) };
  if (!isActive(record.state)) return driftOf({ ...offline, isUndefined: false });
  const is = await readRunning(link, uuid, wait);
  const verified = wish.verified ?? (await verifiedSeat(link, record, topology, wait));
  return driftOf({
    ...offline,
    isUndefined: !(await isDefined(link, uuid, wait)),
    ...(running === undefined ? {} : { running: { is, wanted: written(running) } }),
    ...(verified === undefined ? {} : { verified }),
  });
}

/** True for drift that only goes with the guest that runs. */
export function needsRestart({ mend }: Drift): boolean {
  return mend === RESTART;
}

async function verifiedSeat(
  link: HostLink,
  record: DomainRecord,
  topology: HostTopology,
  wait: Wait,
): Promise<Verified | undefined> {
  if (record.metadata === undefined) return undefined;
  const actual = await readActual(link, record, cpuNumbers(topology), wait);
  return verifySeat(record.metadata.placement, actual);
}

/** Everything in which a VM is not what its document and its placement say. Pure. */
function driftOf(seen: DriftCase): readonly Drift[] {
  const { owned, running, verified } = seen;
  // Without a definition libvirt shows what runs in its place: there is nothing to compare.
  const defined = seen.isUndefined ? [GONE] : definitionDrift(seen);
  if (running === undefined) return defined;
  const live = OWNED_PARTS.filter(({ what }) => LIVE_PARTS.includes(what)).flatMap(
    ({ what, tell }) =>
      difference(
        { what: `${what} of the running guest`, source: 'libvirt', mend: RESTART },
        tell(running.wanted, owned),
        tell(running.is, owned),
      ),
  );
  const pins = (verified?.differences ?? []).map(({ what, planned, actual, source }) => ({
    what,
    wanted: planned,
    is: actual,
    source,
    mend: isPin(what) ? PINS : RESTART,
  }));
  return [...defined, ...live, ...pins];
}

function definitionDrift({ definition, wanted, owned }: DriftCase): readonly Drift[] {
  return OWNED_PARTS.flatMap(({ what, tell }) =>
    difference(
      { what, source: 'definition', mend: ANEW },
      tell(wanted, owned),
      tell(definition, owned),
    ),
  );
}

/** What a thread may run on can be changed while it runs; where memory lies cannot. */
function isPin(what: string): boolean {
  return what.endsWith('affinity');
}

function difference(
  about: Pick<Drift, 'what' | 'source' | 'mend'>,
  wanted: string | undefined,
  is: string | undefined,
): readonly Drift[] {
  if (wanted === is) return [];
  return [{ ...about, wanted: wanted ?? 'none', is: is ?? 'none' }];
}
