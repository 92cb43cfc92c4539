import { USAGE_FIGURES } from '../../api/metrics.ts';
import type { UsageFigure } from '../../api/metrics.ts';
import { berthError } from '../../base/errors.ts';
import { packColumn, unpackColumn } from './history-codec.ts';
import type { Usage } from './usage.ts';

/** Units in one pCPU or byte, to which values are rounded: nobody sees less in a chart. */
const SCALES: Readonly<Record<UsageFigure, number>> = {
  cpu: 1000,
  wait: 1000,
  memory: 1 / 65_536,
  disk: 1 / 64,
  net: 1 / 64,
};

/** The columns of a block: for each figure a value a step, undefined for a gap. */
export type Columns = Readonly<Record<UsageFigure, readonly (number | undefined)[]>>;

/** Packs uses at equal distances, for the store: base64 of each column, with commas between. */
export function packBlock(uses: readonly (Usage | undefined)[]): string {
  return USAGE_FIGURES.map((figure) => {
    const column = uses.map((usage) => usage?.[figure]);
    return Buffer.from(packColumn(column, SCALES[figure])).toString('base64');
  }).join();
}

/** Unpacks what `packBlock` has packed. @throws BERTH_FACTS_INVALID for anything else. */
export function unpackBlock(text: string): Columns {
  const parts = text.split(',');
  if (parts.length !== USAGE_FIGURES.length) {
    const problem = `it has ${parts.length} columns, not ${USAGE_FIGURES.length}`;
    throw berthError('BERTH_FACTS_INVALID', { fact: 'a block of history', problem });
  }
  const columns = USAGE_FIGURES.map((figure, index) => {
    const bytes = Buffer.from(parts[index] ?? '', 'base64');
    return [figure, unpackColumn(bytes, SCALES[figure])] as const;
  });
  // One entry for each figure.
  return Object.fromEntries(columns) as Columns;
}
