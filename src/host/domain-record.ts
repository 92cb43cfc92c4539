import { isBerthError } from '../base/errors.ts';
import { KIB } from '../base/units.ts';
import { seatOf, VM_STATES } from '../model/host.ts';
import { joinedSeat } from '../model/joined-seat.ts';
import type { Seat, VmState } from '../model/host.ts';
import type { MemoryShare } from '../model/placement.ts';
import { parseXml } from '../xml/index.ts';
import type { XmlElement } from '../xml/index.ts';
import { readDomain } from '../xml/domain.ts';
import type { DomainXml } from '../xml/domain.ts';
import { withoutDevices } from './domain-text.ts';
import { readAdoption, readMetadata } from './metadata.ts';
import type { Adoption, VmMetadata } from './metadata.ts';
import { SharedValues } from './shared-values.ts';
import { vmRelations } from './vm-relations.ts';

/** What of a domain's definition is kept: the rest can be read when it is asked for. */
export type DomainDigest = Pick<
  DomainXml,
  'type' | 'vcpu' | 'memoryBytes' | 'numaTune' | 'memoryBacking'
>;

/** One domain of a host, read and understood, as compact as a fleet of many needs it. */
export interface DomainRecord {
  readonly uuid: string;
  readonly name: string;
  readonly state: VmState;
  readonly definition: DomainDigest;
  /** Present for a VM that Berth made; a foreign domain is only watched. */
  readonly metadata?: VmMetadata;
  /** What a domain that Berth did not make has from it, once it was taken in. */
  readonly adopted?: Adoption;
  /** Why Berth's metadata could not be read, when somebody has damaged it. */
  readonly damage?: string;
  readonly seat: Seat;
}

/** libvirt's number for a domain's state in words; 0 and a later libvirt's number are `unknown`. */
export function stateOf(number: number): VmState {
  return (number === 0 ? undefined : VM_STATES[number - 1]) ?? 'unknown';
}

/** True while QEMU exists and holds the guest's memory. */
export function isActive(state: VmState): boolean {
  return state !== 'shutoff' && state !== 'crashed' && state !== 'unknown';
}

/**
 * Understands a domain from its XML.
 * @param shared where many records are kept: what they have alike is kept once.
 * @throws BERTH_XML_INVALID, BERTH_SPEC_INVALID
 */
export function domainRecord(
  xml: string,
  state: VmState,
  shared: SharedValues = new SharedValues(),
): DomainRecord {
  const { root } = parseXml(withoutDevices(xml), 'a domain');
  const definition = readDomain(root);
  const { metadata, adopted, damage } = metadataOrDamage(root);
  const id = { name: definition.name ?? '', uuid: definition.uuid ?? '' };
  const running = isActive(state);
  return {
    ...id,
    state,
    ...shared.share({
      definition: digestOf(definition),
      ...(metadata === undefined ? {} : { metadata }),
      ...(adopted === undefined ? {} : { adopted }),
      ...(damage === undefined ? {} : { damage }),
      seat:
        metadata === undefined
          ? { ...foreignSeat(id, definition, running), ...labelled(adopted) }
          : managedSeat({ ...id, running }, metadata),
    }),
  };
}

function digestOf({ type, vcpu, memoryBytes, numaTune, memoryBacking }: DomainXml): DomainDigest {
  return { type, vcpu, memoryBytes, numaTune, memoryBacking };
}

function managedSeat(
  vm: { readonly name: string; readonly uuid: string; readonly running: boolean },
  { document, placement, expectedEnd, next }: VmMetadata,
): Seat {
  const end = expectedEnd === undefined ? {} : { expectedEnd };
  const seat = seatOf({ ...vm, ...vmRelations(document), ...end }, placement);
  if (next === undefined) return seat;
  const later = seatOf({ ...vm, ...vmRelations(next.document), ...end }, next.placement);
  return joinedSeat(seat, later);
}

/**
 * A domain whose XML says what cannot be understood: it is shown and only watched. What it takes is
 * unknown, so that it counts as one vCPU that floats.
 */
export function unreadableRecord(uuid: string, state: VmState, damage: string): DomainRecord {
  const { root } = parseXml('<domain/>', 'a domain');
  const definition = readDomain(root);
  const name = `unreadable-${uuid}`;
  return {
    uuid,
    name,
    state,
    definition: digestOf(definition),
    damage,
    seat: foreignSeat({ name, uuid }, definition, isActive(state)),
  };
}

function labelled(adopted: Adoption | undefined): Pick<Seat, 'labels'> {
  if (adopted === undefined || Object.keys(adopted.labels).length === 0) return {};
  return { labels: adopted.labels };
}

function metadataOrDamage(root: XmlElement): {
  metadata?: VmMetadata | undefined;
  adopted?: Adoption | undefined;
  damage?: string;
} {
  try {
    return { metadata: readMetadata(root), adopted: readAdoption(root) };
  } catch (error) {
    if (!isBerthError(error, 'BERTH_FACTS_INVALID')) throw error;
    return { damage: error.message };
  }
}

/**
 * What a domain takes that Berth did not place: a vCPU pinned to a single pCPU is taken at its word,
 * every other one floats. While it does not run it takes nothing: nobody promised it a place.
 */
function foreignSeat(
  vm: { readonly name: string; readonly uuid: string },
  definition: DomainXml,
  running: boolean,
): Seat {
  const base = { vm: vm.name, uuid: vm.uuid, managed: false, running, overheadBytes: 0 };
  if (!running) return { ...base, dedicated: [], floating: { vcpus: 0 }, memory: [] };
  const sets = allowedSets(definition);
  const single = sets.filter((set) => set?.length === 1).flatMap((set) => set ?? []);
  const floating = sets.filter((set) => set?.length !== 1);
  const unbound = floating.some((set) => set === undefined);
  const over = [...new Set(floating.flatMap((set) => set ?? []))].toSorted((a, b) => a - b);
  const pci = definition.devices.hostdevs.flatMap((device) => device.pci ?? []);
  return {
    ...base,
    dedicated: [...new Set(single)].toSorted((a, b) => a - b),
    floating: { vcpus: floating.length, ...(unbound || over.length === 0 ? {} : { over }) },
    memory: foreignMemory(definition),
    ...(pci.length === 0 ? {} : { pci }),
  };
}

/** For each vCPU plugged in, the pCPUs it may run on; undefined for every one. */
function allowedSets({ vcpu, cpuTune }: DomainXml): readonly (readonly number[] | undefined)[] {
  const count = vcpu?.current ?? vcpu?.count ?? 1;
  const pins = new Map(cpuTune?.vcpuPins.map((pin) => [pin.id, pin.cpus]));
  return Array.from({ length: count }, (_, id) => pins.get(id) ?? vcpu?.cpus);
}

function foreignMemory(definition: DomainXml): readonly MemoryShare[] {
  const bytes = definition.memoryBytes ?? 0;
  const pageKiB = pageSizeKiB(definition);
  const { memory, cells: perCell = [] } = definition.numaTune ?? {};
  const guestCells = definition.cpu?.cells ?? [];
  if (guestCells.length > 0 && perCell.length > 0) {
    return guestCells.map((cell) => {
      const binding = perCell.find((node) => node.guestCell === cell.id) ?? memory;
      return share(cell.memoryBytes ?? 0, pageKiB, binding);
    });
  }
  return [share(bytes, pageKiB, memory)];
}

/** Bound only when strictly so and to one cell: anything softer may lie elsewhere. */
function share(
  bytes: number,
  pageKiB: number,
  binding:
    | { readonly mode: string | undefined; readonly hostCells: readonly number[] | undefined }
    | undefined,
): MemoryShare {
  const [cell, ...more] = binding?.hostCells ?? [];
  const strict = (binding?.mode ?? 'strict') === 'strict';
  return strict && cell !== undefined && more.length === 0
    ? { cell, bytes, pageKiB }
    : { bytes, pageKiB };
}

/**
 * Size of the pages behind a domain's memory; 4 for ordinary ones. Huge pages without a size are the
 * host's default ones: 2 MiB on x86_64 unless booted otherwise.
 */
export function pageSizeKiB({ memoryBacking }: Pick<DomainXml, 'memoryBacking'>): number {
  const pages = memoryBacking?.hugepages;
  if (pages === undefined) return 4;
  return (pages[0]?.sizeBytes ?? 2048 * KIB) / KIB;
}
