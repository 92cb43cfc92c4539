import { MIB } from '../../base/units.ts';
import type { Placement } from '../../model/placement.ts';

/** What one cell gives to a guest. */
export interface CellLine {
  readonly cell: number;
  /** In the order of the vCPUs; empty where they float. */
  readonly pcpus: readonly number[];
  readonly memoryMiB: number;
  readonly pageKiB: number;
}

/** Where the guest of a row sits, for other programs. */
export interface PlacementLine {
  readonly row: number;
  readonly host: string;
  /** Empty for a guest that is bound to no cell. */
  readonly cells: readonly CellLine[];
}

/** Writes a placement down cell by cell. Memory that merely prefers a cell is bound to none. */
export function placementLine(row: number, placement: Placement): PlacementLine {
  const isBound =
    placement.policy !== 'shared' || (placement.memoryMode ?? 'preferred') !== 'preferred';
  const cells = isBound ? placement.cells.map((cell) => cellLine(placement, cell)) : [];
  return { row, host: placement.host, cells };
}

function cellLine(placement: Placement, cell: number): CellLine {
  const { guestCells, vcpus, memory, policy } = placement;
  const own = new Set(guestCells.filter((part) => part.hostCell === cell).flatMap((p) => p.vcpus));
  const seats = guestCells.length === 0 ? vcpus : vcpus.filter(({ vcpu }) => own.has(vcpu));
  const shares = memory.filter((share) => share.cell === cell);
  return {
    cell,
    pcpus: policy === 'shared' ? [] : seats.flatMap(({ pcpus }) => pcpus),
    memoryMiB: shares.reduce((sum, share) => sum + share.bytes, 0) / MIB,
    pageKiB: shares[0]?.pageKiB ?? 4,
  };
}
