import { KIB, MIB } from '../../base/units.ts';
import { layoutOf, ORDINARY_PAGE_KIB } from '../frame.ts';
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
  const [unit] = units;
  if (unit === undefined) return undefined;
  const scale = scaleOf(request, what, unit);
  if (units.length > 1) return mostByOne(world, request, scaleOf(request, what, 1));
  let best: PlacementRequest | undefined;
  for (const { shape, least } of shapesOf(world, request)) {
    const fits = (steps: number): boolean => world.fits({ ...shape, ...scale.at(steps, least) });
    const from = Math.max(least, scale.least, best === undefined ? 1 : scale.over(best));
    const steps = searchMost(fits, { from, to: scale.below });
    if (steps !== undefined) best = { ...request, ...scale.at(steps, least) };
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
  // A mixed guest keeps its dedicated vCPUs, and one that floats.
  const kept = request.policy === 'mixed' ? Math.max(...(request.dedicatedVcpus ?? [])) + 2 : 1;
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

/** By how many vCPUs the guest can be smaller: whole cores of any of the machines, where it asks so. */
function coreSizes(world: World, { policy, threads }: PlacementRequest): readonly number[] {
  if (policy !== 'dedicated' || threads !== 'require') return [1];
  return [...new Set(machinesOf(world).map(({ shape }) => shape.threads))];
}

/** Where cores differ between machines, fewer vCPUs may fit nowhere though more do. */
function mostByOne(
  world: World,
  request: PlacementRequest,
  { below, at }: Scale,
): PlacementRequest | undefined {
  for (let steps = below; steps > 0; steps--) {
    const less = { ...request, ...at(steps, 1) };
    if (world.fits(less)) return less;
  }
  return undefined;
}

/**
 * The request for each number of guest cells that `auto` stands for, and the steps each needs at
 * least. The most cells come first: they carry most, which spares searching the others.
 */
function shapesOf(
  world: World,
  request: PlacementRequest,
): readonly { readonly shape: PlacementRequest; readonly least: number }[] {
  const { cells } = request;
  const [machine] = machinesOf(world);
  if (typeof cells === 'number') return [{ shape: request, least: cells }];
  if (typeof cells === 'object' || machine === undefined) return [];
  if (layoutOf(machine, request) !== 'bound') return [{ shape: request, least: 1 }];
  return Array.from({ length: mostCells(world) }, (_, index) => ({
    shape: { ...request, cells: index + 1 },
    least: index + 1,
  })).toReversed();
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
