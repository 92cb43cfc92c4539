import { KIB, MIB } from '../base/units.ts';
import { layoutOf, wantsHuge } from './frame.ts';
import type { Ledger } from './ledger.ts';
import { fitsHost } from './place-on-host.ts';
import type { PlacementRequest } from './request.ts';

/** What is made less of: one of the two, or both in the proportion in which they were asked for. */
export type Lessened = 'memory' | 'vcpus' | 'both';

/**
 * The request with the most memory, the most vCPUs, or the most of both, less than asked for that
 * fits a host; undefined when no amount does. For a fixed number of guest cells, whatever fits still fits with
 * less, so each number of cells is searched by halving; a host is only searched when it could beat
 * the ones before it.
 */
export function mostThatFits(
  ledgers: readonly Ledger[],
  request: PlacementRequest,
  what: Lessened,
): PlacementRequest | undefined {
  let best: PlacementRequest | undefined;
  for (const ledger of ledgers) {
    const scale = scaleOf(ledger, request, what);
    for (const { shape, least } of shapesOf(ledger, request)) {
      const fits = (steps: number): boolean =>
        fitsHost(ledger, { ...shape, ...scale.at(steps, least) });
      const from = Math.max(least, best === undefined ? 1 : scale.over(best));
      const steps = searchMost(fits, { from, to: scale.below });
      if (steps !== undefined) best = { ...request, ...scale.at(steps, least) };
    }
  }
  return best;
}

/** The quantity counted in steps on one host. */
interface Scale {
  /** The most steps that are less than asked for. */
  readonly below: number;
  /** So many steps, of a guest with at least `least` guest cells. */
  readonly at: (steps: number, least: number) => Partial<PlacementRequest>;
  /** The fewest steps that are more than another request has. */
  readonly over: (request: PlacementRequest) => number;
}

function scaleOf(ledger: Ledger, request: PlacementRequest, what: Lessened): Scale {
  const memoryUnit = wantsHuge(ledger, request) ? (request.pageKiB ?? 0) * KIB : MIB;
  const memoryBelow = Math.ceil(request.memoryBytes / memoryUnit) - 1;
  if (what === 'memory') {
    return {
      below: memoryBelow,
      at: (steps) => ({ memoryBytes: steps * memoryUnit }),
      over: (other) => Math.floor(other.memoryBytes / memoryUnit) + 1,
    };
  }
  const unit =
    request.policy === 'dedicated' && request.threads === 'require' ? ledger.shape.threads : 1;
  const inProportion = (vcpus: number, least: number): number => {
    const share = Math.floor((request.memoryBytes * vcpus) / request.vcpus / memoryUnit);
    const units = Math.min(memoryBelow, Math.max(least, share)); // each guest cell has one at least
    return Math.max(1, units) * memoryUnit;
  };
  return {
    below: Math.ceil(request.vcpus / unit) - 1,
    at: (steps, least) => ({
      vcpus: steps * unit,
      ...(what === 'both' ? { memoryBytes: inProportion(steps * unit, least) } : {}),
    }),
    over: (other) => Math.floor(other.vcpus / unit) + 1,
  };
}

/**
 * The request for each number of guest cells that `auto` stands for, and the steps each needs at
 * least. The most cells come first: they carry most, which spares searching the others.
 */
function shapesOf(
  ledger: Ledger,
  request: PlacementRequest,
): readonly { readonly shape: PlacementRequest; readonly least: number }[] {
  const { cells } = request;
  if (typeof cells === 'number') return [{ shape: request, least: cells }];
  if (typeof cells === 'object') return [];
  if (layoutOf(ledger, request) !== 'bound') return [{ shape: request, least: 1 }];
  const most = ledger.cells.filter((cell) => cell.hasCpus).length;
  return Array.from({ length: most }, (_, index) => ({
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
