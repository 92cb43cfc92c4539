import { MIB } from '../base/units.ts';
import type { Arrival, Flavor } from '../model/arrival.ts';
import { MACHINE_CELLS_MAX } from '../model/machine-description.ts';
import type { CsvFile, CsvRow } from './csv.ts';
import { csvError } from './csv.ts';
import { amountField, MIB_MAX, timeField, vcpusField, wholeField } from './csv-number.ts';
import { Flavors } from './flavors.ts';

/** Every column that a trace of our own may have; the first three must be there. */
const TRACE_COLUMNS = [
  'at',
  'vcpus',
  'memory_mib',
  'until',
  'event',
  'id',
  'policy',
  'cells',
  'page',
  'expected_s',
] as const;

/**
 * Requests of the format that docs/simulate.md describes. A guest leaves at `until`, or at a later
 * line with the event `delete` and its id.
 */
export function readBerthTrace({ where, columns, rows }: CsvFile): readonly Arrival[] {
  const unknown = columns.find((name) => !TRACE_COLUMNS.some((known) => known === name));
  if (unknown !== undefined) {
    const problem = `unknown column "${unknown}"`;
    throw csvError({ where, line: 1 }, problem, `columns of ${TRACE_COLUMNS.join(', ')}`);
  }
  const trace = new BerthTrace(where);
  for (const row of rows) trace.read(row);
  return trace.arrivals;
}

const PAGES: Readonly<Record<string, number>> = { '4KiB': 4, '2MiB': 2048, '1GiB': 1024 * 1024 };

class BerthTrace {
  readonly arrivals: Arrival[] = [];
  readonly #where: string;
  readonly #flavors = new Flavors();
  /** Rows of the guests that are there, or are to come again, by id; undefined once deleted. */
  readonly #ids = new Map<string, number | undefined>();
  #before = 0;

  constructor(where: string) {
    this.#where = where;
  }

  read(row: CsvRow): void {
    const where = this.#where;
    const at = timeField({ row, where, column: 'at' }, this.#before);
    this.#before = at;
    const event = row.get('event') ?? '';
    if (event === 'delete') this.#delete(row, at);
    else if (event === '' || event === 'create') this.#create(row, at);
    else throw this.#wrong(row, `unknown event "${event}"`, 'create or delete');
  }

  #create(row: CsvRow, at: number): void {
    const id = row.get('id') ?? '';
    if (this.#ids.has(id)) throw this.#wrong(row, `the id ${id} is there twice`, 'each id once');
    if (id !== '') this.#ids.set(id, this.arrivals.length);
    const until = this.#optional(row, 'until');
    if (until !== undefined && until < at) {
      const problem = `the guest leaves at ${until} s, before it comes at ${at} s`;
      throw this.#wrong(row, problem, `at least ${at}, or nothing`);
    }
    const expected = this.#optional(row, 'expected_s');
    this.arrivals.push({
      at,
      ...(until === undefined ? {} : { until }),
      flavor: this.#flavor(row),
      ...(expected === undefined ? {} : { rules: { expectedLifetimeMs: expected * 1000 } }),
    });
  }

  #delete(row: CsvRow, at: number): void {
    const id = row.get('id') ?? '';
    const created = this.#ids.get(id);
    const arrival = created === undefined ? undefined : this.arrivals[created];
    if (created === undefined || arrival === undefined) {
      const problem = this.#ids.has(id)
        ? `${id} was deleted before`
        : `"${id}" is deleted, and was never created`;
      throw this.#wrong(row, problem, 'the id of a guest that is there');
    }
    if (arrival.until !== undefined) {
      const problem = `${id} leaves at ${arrival.until} s already, as its own line says`;
      throw this.#wrong(row, problem, 'either until or a line with the event delete');
    }
    this.arrivals[created] = { ...arrival, until: at };
    this.#ids.set(id, undefined);
  }

  #flavor(row: CsvRow): Flavor {
    const where = this.#where;
    const vcpus = vcpusField({ row, where, column: 'vcpus' });
    const memoryBytes = wholeField({ row, where, column: 'memory_mib' }, 1, MIB_MAX) * MIB;
    const policy = this.#policy(row);
    const cells = this.#cells(row, policy);
    const page = row.get('page') ?? '';
    const pageKiB = PAGES[page];
    if (page !== '' && pageKiB === undefined) {
      throw this.#wrong(row, `unknown page size "${page}"`, Object.keys(PAGES).join(', '));
    }
    const parts = typeof cells === 'number' ? cells : 1;
    if (parts > vcpus || memoryBytes % ((pageKiB ?? 4) * 1024) !== 0) {
      const problem = `${vcpus} vCPUs and ${memoryBytes / MIB} MiB do not go into ${parts} guest cells and whole pages`;
      throw this.#wrong(row, problem, 'a vCPU for each cell, and whole pages');
    }
    if (vcpus % parts !== 0) {
      const problem = `${vcpus} vCPUs cannot be split evenly over ${parts} guest cells`;
      throw this.#wrong(row, problem, `a multiple of ${parts}`);
    }
    if (cells === 'none' && pageKiB !== undefined) {
      const problem = `pages of ${page} are bound to a cell, and cells is none`;
      throw this.#wrong(row, problem, 'no page, or cells of auto or a number');
    }
    return this.#flavors.of({
      vcpus,
      memoryBytes,
      policy,
      cells,
      ...(pageKiB === undefined ? {} : { pageKiB }),
    });
  }

  #policy(row: CsvRow): Flavor['policy'] {
    const policy = row.get('policy') ?? '';
    if (policy === '' || policy === 'dedicated') return 'dedicated';
    if (policy === 'shared') return 'shared';
    throw this.#wrong(row, `unknown policy "${policy}"`, 'dedicated or shared');
  }

  #cells(row: CsvRow, policy: Flavor['policy']): Flavor['cells'] {
    const cells = row.get('cells') ?? '';
    if (cells === '' || cells === 'auto') return 'auto';
    if (cells === 'none' && policy === 'shared') return 'none';
    if (cells === 'none') {
      throw this.#wrong(row, 'a dedicated guest is always bound to cells', 'auto or a number');
    }
    return wholeField({ row, where: this.#where, column: 'cells' }, 1, MACHINE_CELLS_MAX);
  }

  #optional(row: CsvRow, column: string): number | undefined {
    const text = row.get(column) ?? '';
    return text === '' ? undefined : amountField({ row, where: this.#where, column });
  }

  #wrong(row: CsvRow, problem: string, expected: string): Error {
    return csvError({ where: this.#where, line: row.line }, problem, expected);
  }
}
