import { BitSet } from '../base/bit-set.ts';
import type { Frame } from './frame.ts';
import type { CellAccount } from './ledger.ts';
import { roomFor } from './memory-plan.ts';
import type { Policy, TermName } from './policy/policy.ts';
import { weightsOf } from './policy/policy.ts';
import type { Seating } from './seating.ts';

/**
 * One consideration, `value` from 0 (worst) to 1 (best).
 *
 * - `fewest-cells`: 1 over the number of cells in use: memory and caches of one cell are the nearest.
 * - `cores-kept`: share of the touched cores that are not newly broken, so that whole cores stay.
 * - `cells-kept`: share of the host's cells that are not newly touched, so that whole cells stay.
 * - `cpu-fit`: dedicated guests go where they leave fewest pCPUs over; floating ones, which run
 *   better the fewer compete, where the load stays lowest.
 * - `memory-fit`: bound memory goes where it leaves least over; memory bound to no cell where most
 *   is left.
 */
export interface ScoreTerm {
  readonly name: TermName | 'wishes';
  readonly value: number;
  readonly weight: number;
}

/** How good a placement is, to compare hosts: the weighted mean of its terms, 0 to 1. */
export interface Score {
  readonly total: number;
  readonly terms: readonly ScoreTerm[];
}

/** Scores a seating before it is taken. */
export function scoreOf(frame: Frame, seating: Seating, policy: Policy): Score {
  const values: Readonly<Record<TermName, () => number>> = {
    'fewest-cells': () => fewestCells(frame, seating),
    'cores-kept': () => coresKept(frame, seating),
    'cells-kept': () => cellsKept(frame, seating),
    'cpu-fit': () => cpuFit(frame, seating),
    'memory-fit': () => memoryFit(frame, seating),
  };
  const terms = weightsOf(policy).map(([name, weight]) => ({
    name,
    weight,
    value: values[name](),
  }));
  return { total: totalOf(terms), terms };
}

/** The weighted mean of terms, 0 to 1; 1 where there are none. */
export function totalOf(terms: readonly ScoreTerm[]): number {
  const weights = terms.reduce((sum, term) => sum + term.weight, 0);
  return weights === 0 ? 1 : terms.reduce((sum, t) => sum + t.value * t.weight, 0) / weights;
}

function fewestCells(frame: Frame, seating: Seating): number {
  const homes = new Set(seating.parts.map(({ home }) => home)).size;
  return 1 / Math.max(1, homes === 0 ? frame.homes.length : homes);
}

function coresKept(frame: Frame, seating: Seating): number {
  if (frame.request.policy === 'shared') return 1;
  const taken = takenBy(seating);
  const cores = frame.ledger.shape.cells.flatMap((cell) => cell.cores);
  const touched = cores.filter((core) => core.cpus.some((cpu) => taken.has(cpu))).length;
  return 1 - seating.broken / Math.max(1, touched);
}

function cellsKept(frame: Frame, seating: Seating): number {
  const { ledger } = frame;
  const withCpus = ledger.cells.filter((cell) => cell.hasCpus);
  const homes = new Set(seating.parts.map(({ home }) => home));
  const newly = withCpus.filter((cell) => homes.has(cell.index) && isUntouched(frame, cell));
  return 1 - newly.length / Math.max(1, withCpus.length);
}

/** No memory is bound to the cell, no pCPU of it dedicated, no guest kept to it. */
function isUntouched({ ledger, limits }: Frame, cell: CellAccount): boolean {
  const cpus = ledger.shape.cells[cell.index]?.cpus ?? new BitSet();
  const kept = limits.some(
    ({ where, vcpus }) => where.kind === 'cell' && where.id === cell.id && vcpus > 0,
  );
  return (
    cell.boundBytes === 0 &&
    cell.pools.every((pool) => pool.claimed === 0) &&
    !kept &&
    ![...ledger.holders.keys()].some((cpu) => cpus.has(cpu))
  );
}

function cpuFit(frame: Frame, seating: Seating): number {
  const { ledger, request } = frame;
  if (request.policy === 'shared') {
    const vcpus = [...ledger.floats.values()].reduce((sum, group) => sum + group.vcpus, 0);
    const allowed = ledger.pool.size * ledger.host.policy.cpuRatio;
    return clamp(1 - (vcpus + request.vcpus) / Math.max(1, allowed));
  }
  const homes = new Set(seating.parts.map(({ home }) => home));
  const cells = ledger.shape.cells.filter((cell) => homes.has(cell.index));
  const cpus = cells.reduce((all, cell) => all.or(cell.cpus), new BitSet());
  const left = cpus.and(ledger.free).minus(takenBy(seating)).size;
  return clamp(1 - left / Math.max(1, cpus.size));
}

function memoryFit(frame: Frame, seating: Seating): number {
  const { ledger } = frame;
  const bound = seating.memory.filter((share) => share.cell !== undefined);
  if (bound.length === 0 || seating.mode === 'preferred') {
    const bytes = frame.request.memoryBytes + frame.overheadBytes;
    const allowed = ledger.limitBytes * ledger.host.policy.ramRatio;
    return clamp(1 - (ledger.usedBytes + bytes) / Math.max(1, allowed));
  }
  const ids = new Set(bound.map((share) => share.cell));
  const cells = ledger.cells.filter((cell) => ids.has(cell.id));
  const room = cells.reduce((sum, cell) => sum + roomFor(frame, cell), 0);
  const bytes = bound.reduce((sum, share) => sum + share.bytes, 0);
  const size = cells.reduce((sum, cell) => sum + sizeOf(frame, cell), 0);
  return clamp(1 - (room - bytes) / Math.max(1, size));
}

/** All memory of the guest's page size that guests may ever have from the cell. */
function sizeOf(frame: Frame, cell: CellAccount): number {
  if (!frame.huge) return cell.limitBytes;
  const pool = cell.pools.find(({ sizeKiB }) => sizeKiB === frame.pageKiB);
  return (pool?.total ?? 0) * frame.unitBytes;
}

function takenBy(seating: Seating): BitSet {
  return new BitSet([
    ...seating.vcpus.flatMap((seat) => seat.pcpus),
    ...seating.blocked,
    ...seating.emulator,
  ]);
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}
