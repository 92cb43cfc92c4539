import type { Arrival } from '../model/arrival.ts';
import type { CsvFile } from './csv.ts';
import { csvError } from './csv.ts';
import { amountField, gibField, timeField, vcpusField } from './csv-number.ts';
import { Flavors } from './flavors.ts';

/**
 * Requests of the Azure trace: sizes and arrivals, and lifetimes where the file has them. A guest
 * whose lifetime was not seen to its end (`censored`) stays. The trace does not say how vCPUs were
 * backed; each has a pCPU, in as few cells as fit.
 */
export function readAzureTrace({ where, columns, rows }: CsvFile): readonly Arrival[] {
  const flavors = new Flavors();
  const lives = columns.includes('lifetime_s');
  const ids = new Set<string>();
  const arrivals: Arrival[] = [];
  let before = 0;
  for (const row of rows) {
    const at = timeField({ row, where, column: 'arrival_s' }, before);
    before = at;
    const id = row.get('vm_id') ?? '';
    if (ids.has(id)) {
      throw csvError({ where, line: row.line }, `vm_id ${id} is there twice`, 'each VM once');
    }
    ids.add(id);
    const flavor = flavors.of({
      vcpus: vcpusField({ row, where, column: 'vcpu' }),
      memoryBytes: gibField({ row, where, column: 'mem_gib' }),
      policy: 'dedicated',
      cells: 'auto',
    });
    const ends = lives && row.get('lifetime_s') !== '' && row.get('censored') !== '1';
    const until = ends ? at + amountField({ row, where, column: 'lifetime_s' }) : undefined;
    arrivals.push({ at, ...(until === undefined ? {} : { until }), flavor });
  }
  return arrivals;
}
