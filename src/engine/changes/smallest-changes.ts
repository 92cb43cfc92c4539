import type { PlacementRequest } from '../request.ts';
import type { Change } from './change.ts';
import { guestCells } from './guest-cells.ts';
import { GUEST_WISHES } from './guest-wishes.ts';
import { HOST_WISHES } from './host-wishes.ts';
import { fewerVcpus, lessMemory, lessOfBoth } from './less.ts';
import { fewestMoves } from './moves.ts';
import { pageSizes } from './page-size.ts';
import { fewestWishes, pairOfWishes } from './wish.ts';
import type { World } from './world.ts';

/**
 * Looks for single changes with which a refused VM fits: one of each kind, each as small as its kind
 * allows. First come wishes, dropped or softened; then another page size, another number of guest
 * cells, the most memory and the most vCPUs that fit, and the fewest moves of other VMs. Where none
 * of them helps, wishes of two kinds may together, else fewer vCPUs with less memory. The world is
 * left as it was.
 */
export function smallestChanges(world: World, request: PlacementRequest): readonly Change[] {
  const single = singleChanges(world, request);
  if (single.length > 0) return single;
  const pair = pairOfWishes(world, WISHES, request);
  return pair.length > 0 ? pair : lessOfBoth(world, request);
}

const WISHES = [...HOST_WISHES, ...GUEST_WISHES];

function singleChanges(world: World, request: PlacementRequest): readonly Change[] {
  const candidates = [pageSizes(world, request), guestCells(world, request)];
  return [
    ...WISHES.flatMap((wish) => fewestWishes(world, wish, request) ?? []),
    ...candidates.flatMap((kind) => firstThatFits(world, kind)),
    ...lessMemory(world, request),
    ...fewerVcpus(world, request),
    ...fewestMoves(world, request),
  ];
}

function firstThatFits(world: World, changes: readonly Change[]): readonly Change[] {
  const found = changes.find((change) => world.fits(change.request));
  return found === undefined ? [] : [found];
}
