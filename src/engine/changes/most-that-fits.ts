import { KIB, MIB } from '../../base/units.ts';
import { layoutOf } from '../frame.ts';
import { ORDINARY_PAGE_KIB } from '../../model/placement.ts';
import type { PlacementRequest } from '../request.ts';
import { mostCells } from './guest-cells.ts';
import type { World } from './world.ts';
import { machinesOf } from './world.ts';

/** What is made less of: one of the two, or both in the proportion in which they were asked for. */
export type Lessened = 'memory' | 'vcpus' | 'both';

/**
 * The request with the most memory, the most vCPUs, or the most of both, less than asked for that
 * fits a host; undefined when no amount does. For a fixed number of guest cells, whatever fits still
 * fits with less, so each number of cells is searched by halving, and only where it could beat the
 * ones before it.
 */
export function mostThatFits(
  world: World,
  request: PlacementRequest,
  what: Lessened,
): PlacementRequest | undefined {
  const units = what === 'memory' ? [1] : coreSizes(world, request);
  const shapes = shapesOf(world, request);
  let best: PlacementRequest | undefined;
  for (const unit of units) {
    const scale = scaleOf(request, what, unit);
    for (const { shape, least } of shapes) {
      const fits = (steps: number): boolean => world.fits({ ...shape, ...scale.at(steps, least) });
      const from = Math.max(least, scale.least, best === undefined ? 1 : scale.over(best));
      const steps = searchMost(fits, { from, to: scale.below });
      if (steps !== undefined) best = { ...request, ...scale.at(steps, least) };
    }
  }
  return best;
}

/** The quantity counted in steps. */
interface Scale {
  /** The fewest steps that leave the guest what it is. */
  readonly least: number;
  /** The most steps that are less than asked for. */
  readonly below: number;
  /** So many steps, of a guest with at least `least` guest cells. */
  readonly at: (steps: number, least: number) => Partial<PlacementRequest>;
  /** The fewest steps that are more than another request has. */
  readonly over: (request: PlacementRequest) => number;
}

function scaleOf(request: PlacementRequest, what: Lessened, unit: number): Scale {
  const { pageKiB = ORDINARY_PAGE_KIB } = request;
  const memoryUnit = pageKiB > ORDINARY_PAGE_KIB ? pageKiB * KIB : MIB;
  const memoryBelow = Math.ceil(request.memoryBytes / memoryUnit) - 1;
  if (what === 'memory') {
    return {
      least: 1,
      below: memoryBelow,
      at: (steps) => ({ memoryBytes: steps * memoryUnit }),
      over: (other) => Math.floor(other.memoryBytes / memoryUnit) + 1,
    };
  }
  const inProportion = (vcpus: number, least: number): number => {
    const share = Math.floor((request.memoryBytes * vcpus) / request.vcpus / memoryUnit);
    const units = Math.min(memoryBelow, Math.max(least, share)); // each guest cell has one at least
    return Math.max(1, units) * memoryUnit;
  };
  const kept = request.policy === 'mixed' ? fewestMixed(request) : 1;
  return {
    least: kept,
    below: Math.ceil(request.vcpus / unit) - 1,
    at: (steps, least) => ({
      vcpus: steps * unit,
      ...(what === 'both' ? { memoryBytes: inProportion(steps * unit, least) } : {}),
    }),
    over: (other) => Math.floor(other.vcpus / unit) + 1,
  };
}

/** The fewest vCPUs that leave a mixed guest its dedicated ones, and one that floats. */
function fewestMixed({ dedicatedVcpus = [] }: PlacementRequest): number {
  return Math.max(...dedicatedVcpus.map((vcpu) => vcpu + 1), dedicatedVcpus.length + 1);
}

/**
 * By how many vCPUs the guest can be smaller: whole cores, where it asks so, of each kind of machine
 * that has SMT. What fits machines with cores of one size still fits them with fewer such cores, so
 * that by halving no fewer are found than these take.
 */
function coreSizes(world: World, { policy, threads }: PlacementRequest): readonly number[] {
  if (policy !== 'dedicated' || threads !== 'require') return [1];
  const sizes = new Set(machinesOf(world).map(({ shape }) => shape.threads));
  return [...sizes].filter((size) => size > 1);
}

/**
 * The request for each number of guest cells that `auto` stands for, and the steps each needs at
 * least. The most cells come first: they carry most, which spares searching the others. On machines
 * where the guest would float it stays as it is.
 */
function shapesOf(
  world: World,
  request: PlacementRequest,
): readonly { readonly shape: PlacementRequest; readonly least: number }[] {
  const { cells } = request;
  if (typeof cells === 'number') return [{ shape: request, least: cells }];
  if (typeof cells === 'object') return [];
  const layouts = new Set(machinesOf(world).map((machine) => layoutOf(machine, request)));
  const bound = layouts.delete('bound') ? mostCells(world) : 0;
  const counts = Array.from({ length: bound }, (_, index) => index + 1).toReversed();
  return [
    ...counts.map((count) => ({ shape: { ...request, cells: count }, least: count })),
    ...(layouts.size > 0 ? [{ shape: request, least: 1 }] : []),
  ];
}

/** The greatest number of steps that fits, if what fits fits with less: by halving. */
function searchMost(
  fits: (steps: number) => boolean,
  range: { readonly from: number; readonly to: number },
): number | undefined {
  if (range.from > range.to || !fits(range.from)) return undefined;
  let [good, bad] = [range.from, range.to + 1];
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (fits(middle)) good = middle;
    else bad = middle;
  }
  return good;
}
