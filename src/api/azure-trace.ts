import type { Arrival } from '../model/demand.ts';
import type { CsvFile, CsvRow } from './csv.ts';
import { csvError } from './csv.ts';
import { amountField, gibField, wholeField } from './csv-number.ts';
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
    const at = amountField({ row, where, column: 'arrival_s' });
    if (at < before) throw backwards(row, { where, at, before });
    before = at;
    const id = row.get('vm_id') ?? '';
    if (ids.has(id)) {
      throw csvError({ where, line: row.line }, `vm_id ${id} is there twice`, 'each VM once');
    }
    ids.add(id);
    const flavor = flavors.of({
      vcpus: wholeField({ row, where, column: 'vcpu' }, 1),
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

/** Time runs backwards in a trace. */
export function backwards(
  row: CsvRow,
  when: { readonly where: string; readonly at: number; readonly before: number },
): Error {
  const { where, at, before } = when;
  const problem = `time runs backwards: ${at} s comes after ${before} s`;
  return csvError({ where, line: row.line }, problem, `at least ${before}`);
}
