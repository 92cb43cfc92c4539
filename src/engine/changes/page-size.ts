import { formatSize, KIB } from '../../base/units.ts';
import type { PlacementRequest } from '../request.ts';
import type { Change } from './change.ts';
import { exactSize } from './change.ts';
import type { World } from './world.ts';
import { machinesOf } from './world.ts';

/** Every other page size that the memory is a multiple of, the largest first, ordinary pages last. */
export function pageSizes(world: World, request: PlacementRequest): readonly Change[] {
  const { pageKiB, ...rest } = request;
  if (request.cells === 'none') return [];
  const pools = machinesOf(world).flatMap((ledger) => ledger.unboundPages);
  const sizes = [...new Set(pools.filter((p) => p.total > 0).map((p) => p.sizeKiB))];
  const changes = sizes
    .filter((size) => size !== pageKiB && isWhole(request, size))
    .toSorted((a, b) => b - a)
    .map((size) => ({
      kind: 'page-size' as const,
      say: `back its memory with ${formatSize(size * KIB)} pages`,
      set: { 'spec.memory.pages': exactSize(size * KIB) },
      request: { ...request, pageKiB: size },
    }));
  if (pageKiB === undefined) return changes;
  const ordinary = {
    kind: 'page-size' as const,
    say: 'back its memory with ordinary pages',
    set: { 'spec.memory.pages': null },
    request: rest,
  };
  return [...changes, ordinary];
}

/** Memory of the guest, and of each of its cells given by hand, is whole pages. */
function isWhole({ memoryBytes, cells }: PlacementRequest, sizeKiB: number): boolean {
  const given = typeof cells === 'object' ? cells.map((cell) => cell.memoryBytes) : [];
  return [memoryBytes, ...given].every((bytes) => bytes % (sizeKiB * KIB) === 0);
}
