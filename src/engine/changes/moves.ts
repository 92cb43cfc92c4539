import type { PlacementRequest } from '../request.ts';
import type { Change, Move } from './change.ts';
import { MoveSearch } from './move-search.ts';
import type { World } from './world.ts';

/** More VMs are never asked to move for one. */
const MOVES_MAX = 3;

/**
 * The fewest other VMs that, moved one after the other, leave room for the VM: three at most, and of
 * as many those with the least memory. The search is bounded: in a large and tangled fleet it may
 * find none, or more than the fewest.
 */
export function fewestMoves(world: World, request: PlacementRequest): readonly Change[] {
  if (world.ledgers.length < 2) return [];
  const search = new MoveSearch(world);
  for (let most = 1; most <= MOVES_MAX; most++) {
    const moves = search.within(request, most);
    if (moves !== undefined)
      return [{ kind: 'move', say: sayMoves(moves), set: {}, request, moves }];
  }
  return [];
}

function sayMoves(moves: readonly Move[]): string {
  return moves.map(({ vm, from, to }) => `move ${vm} from ${from} to ${to}`).join(', then ');
}
