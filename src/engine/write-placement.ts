import { present } from '../base/assert.ts';
import type { GuestCell, PciPlace, Placement } from '../model/placement.ts';
import type { Frame } from './frame.ts';
import { guestTopology } from './guest-topology.ts';
import { reasonsFor } from './reasons.ts';
import type { Seating } from './seating.ts';

/** Writes a placement down; `brief`: without its reasons, which cost more than all the rest. */
export type WritePlacement = (how?: 'brief') => Placement;

/** Writes a seating down as a placement. */
export function placementOf(frame: Frame, seating: Seating, how?: 'brief'): Placement {
  const topology = guestTopology(frame, seating);
  return {
    host: frame.ledger.host.name,
    policy: frame.request.policy,
    cells: cellsOf(frame, seating),
    ...(frame.request.cpuset === undefined ? {} : { cpuset: frame.request.cpuset }),
    vcpus: seating.vcpus,
    emulator: seating.emulator,
    ...(seating.ioThreads.length === 0 ? {} : { ioThreads: seating.ioThreads }),
    dedicated: seating.dedicated,
    blocked: seating.blocked,
    memory: seating.memory,
    ...(seating.mode === undefined ? {} : { memoryMode: seating.mode }),
    guestCells: guestCells(frame, seating),
    guestTopology: topology,
    ...(seating.pci.length === 0 ? {} : { pci: pciPlaces(frame, seating) }),
    overheadBytes: frame.overheadBytes,
    reasons: how === 'brief' ? [] : reasonsFor(frame, seating, topology),
  };
}

function cellsOf(frame: Frame, seating: Seating): readonly number[] {
  const homes = seating.parts.map(({ home }) => idOf(frame, home));
  const memory = seating.memory.flatMap(({ cell }) => cell ?? []);
  return [...new Set([...homes, ...memory])].toSorted((a, b) => a - b);
}

function guestCells(frame: Frame, { parts }: Seating): readonly GuestCell[] {
  if (parts.length < 2) return [];
  return parts
    .map(({ part, home }) => ({
      id: part.id,
      hostCell: idOf(frame, home),
      vcpus: part.vcpus,
      bytes: part.bytes,
    }))
    .toSorted((a, b) => a.id - b.id);
}

function pciPlaces(frame: Frame, { pci, parts }: Seating): readonly PciPlace[] {
  return pci.map(({ pci: { address }, home, ask }) => {
    const guestCell = parts.length < 2 ? undefined : parts.find((part) => part.home === home);
    return {
      address,
      ...(ask.pool === undefined ? {} : { pool: ask.pool }),
      ...(home === undefined ? {} : { cell: idOf(frame, home) }),
      ...(guestCell === undefined ? {} : { guestCell: guestCell.part.id }),
    };
  });
}

function idOf(frame: Frame, index: number): number {
  return present(frame.ledger.cells[index], `cell at ${index}`).id;
}
