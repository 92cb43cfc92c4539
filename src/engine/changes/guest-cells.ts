import type { PlacementRequest } from '../request.ts';
import type { Change } from './change.ts';
import type { World } from './world.ts';
import { machinesOf } from './world.ts';

/** More guest cells first, the fewest more; then fewer; cells given by hand are left to Berth. */
export function guestCells(world: World, request: PlacementRequest): readonly Change[] {
  const { cells } = request;
  if (typeof cells === 'object') return [cellsChange(request, 'auto')];
  if (cells === 'none') return [];
  const most = Math.min(request.vcpus, mostCells(world));
  const counts = Array.from({ length: most }, (_, index) => index + 1);
  if (cells === 'auto') {
    return request.policy === 'shared' ? counts.map((n) => cellsChange(request, n)) : [];
  }
  const more = counts.filter((n) => n > cells);
  const fewer = counts.filter((n) => n < cells).toReversed();
  return [...more, ...fewer].map((n) => cellsChange(request, n));
}

/** Cells with CPUs of the machine that has most. */
export function mostCells(world: World): number {
  const counts = machinesOf(world).map((l) => l.cells.filter((cell) => cell.hasCpus).length);
  return Math.max(0, ...counts);
}

function cellsChange(request: PlacementRequest, cells: 'auto' | number): Change {
  return {
    kind: 'guest-cells',
    say:
      cells === 'auto'
        ? 'let Berth cut the guest into cells'
        : `give the guest ${cells === 1 ? 'one cell' : `${cells} cells`}`,
    set: { 'spec.numa.cells': cells },
    request: { ...request, cells },
  };
}
