import { checkCount, invalid } from './machine-check.ts';
import type { MachineDescription, SocketDistances } from './machine-description.ts';

/** What counts as near and far where nothing is said: Intel's with sub-NUMA clusters. */
const DISTANCES: SocketDistances = { near: 12, far: 21 };
const MEMORY_DISTANCE = 14;
const LOCAL_DISTANCE = 10;
/** 255 stands for unreachable (ACPI, SLIT). */
const DISTANCE_MAX = 254;

/**
 * Distances between all cells of a machine, those of memory alone last.
 * @param socketOfCell the socket of each cell that has CPUs.
 * @throws BERTH_SPEC_INVALID
 */
export function distanceMatrix(
  { distances = DISTANCES, memoryOnly = [] }: MachineDescription,
  socketOfCell: readonly number[],
): readonly (readonly number[])[] {
  const cells = socketOfCell.length;
  const count = cells + memoryOnly.length;
  memoryOnly.forEach((cell, index) => {
    checkCount(`memoryOnly[${index}].at`, cell.at ?? 0, 0, cells - 1);
    checkDistance(`memoryOnly[${index}].distance`, cell.distance ?? MEMORY_DISTANCE);
  });
  if (!('near' in distances)) return checkedMatrix(distances, count);
  checkDistance('distances.near', distances.near);
  checkDistance('distances.far', distances.far);
  const place = (id: number): { readonly cell: number; readonly extra: number } => {
    const own = memoryOnly[id - cells];
    if (own === undefined) return { cell: id, extra: 0 };
    return { cell: own.at ?? 0, extra: (own.distance ?? MEMORY_DISTANCE) - LOCAL_DISTANCE };
  };
  const between = (a: number, b: number): number => {
    if (a === b) return LOCAL_DISTANCE;
    return socketOfCell[a] === socketOfCell[b] ? distances.near : distances.far;
  };
  return Array.from({ length: count }, (_, from) =>
    Array.from({ length: count }, (__, to) => {
      if (from === to) return LOCAL_DISTANCE;
      const [a, b] = [place(from), place(to)];
      return Math.min(between(a.cell, b.cell) + a.extra + b.extra, DISTANCE_MAX);
    }),
  );
}

function checkedMatrix(
  rows: readonly (readonly number[])[],
  count: number,
): readonly (readonly number[])[] {
  if (rows.length !== count) {
    throw invalid('distances', `it has ${rows.length} rows`, `${count}, one for each cell`);
  }
  for (const [from, row] of rows.entries()) {
    const where = `distances[${from}]`;
    if (row.length !== count) {
      throw invalid(where, `it has ${row.length} numbers`, `${count}, one for each cell`);
    }
    row.forEach((value, to) => checkDistance(`${where}[${to}]`, value));
    if (row[from] !== LOCAL_DISTANCE) {
      const expected = `${LOCAL_DISTANCE} from a cell to itself`;
      throw invalid(`${where}[${from}]`, `${row[from]}`, expected);
    }
  }
  return rows;
}

function checkDistance(where: string, distance: number): void {
  checkCount(where, distance, LOCAL_DISTANCE, DISTANCE_MAX);
}
