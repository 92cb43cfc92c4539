import { refusalTables } from './placement/refusal-section.ts';
import { scaleTables } from './placement/scale-section.ts';
import { traceTables } from './placement/traces-section.ts';
import { workloadTables } from './placement/workloads-section.ts';
import type { BenchTable, TableOptions } from './table.ts';

/**
 * The placement engine: its speed and memory as fleets grow, what it refuses beside its peers, what
 * a refusal costs, and how far it is from the optimum.
 */

/** The parts of this benchmark, which can be run alone. */
export const sections = ['scale', 'workloads', 'traces', 'refusal', 'joint'] as const;

type Section = (typeof sections)[number];

export async function* tables(options: TableOptions): AsyncGenerator<BenchTable> {
  for (const section of sections) {
    const isWanted = options.sections.length === 0 || options.sections.includes(section);
    if (isWanted) yield* tablesOf(section, options);
  }
}

async function* tablesOf(section: Section, options: TableOptions): AsyncGenerator<BenchTable> {
  switch (section) {
    case 'scale':
      return yield* scaleTables(options);
    case 'workloads':
      return yield* workloadTables(options);
    case 'traces':
      return yield* traceTables(options);
    case 'refusal':
      return yield* refusalTables(options);
    case 'joint': {
      const { jointTables } = await import('./placement/joint-section.ts'); // loads the solver
      return yield* jointTables(options);
    }
  }
}
