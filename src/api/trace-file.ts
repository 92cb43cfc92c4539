import type { Arrival } from '../model/arrival.ts';
import { readAzureTrace } from './azure-trace.ts';
import { readBerthTrace } from './berth-trace.ts';
import { csvError, readCsv } from './csv.ts';
import type { CsvFile } from './csv.ts';
import { readHuaweiTrace } from './huawei-trace.ts';

/** What requests a trace has, and in which format it was written. */
export interface Trace {
  readonly format: 'azure' | 'huawei' | 'berth';
  readonly arrivals: readonly Arrival[];
}

/**
 * Reads a trace of requests: a CSV file of one of three formats, told by its header, as
 * docs/simulate.md describes them.
 * @param where the file's name, for messages.
 * @throws BERTH_SPEC_INVALID with the line of what is wrong.
 */
export function parseTrace(text: string, where: string): Trace {
  const file = readCsv(text, where);
  const known = FORMATS.find(({ columns }) => columns.every((name) => file.columns.includes(name)));
  if (known !== undefined) return { format: known.format, arrivals: known.read(file) };
  throw csvError(
    { where, line: 1 },
    'this is the header of no trace that is known',
    FORMATS.map(({ columns }) => columns.join(',')).join(', or '),
  );
}

/** Columns by which a format is known, and who reads it. */
const FORMATS: readonly {
  readonly format: Trace['format'];
  readonly columns: readonly string[];
  readonly read: (file: CsvFile) => readonly Arrival[];
}[] = [
  { format: 'azure', columns: ['vm_id', 'arrival_s', 'vcpu', 'mem_gib'], read: readAzureTrace },
  {
    format: 'huawei',
    columns: ['request', 'vcpu', 'mem_gib', 'numa_nodes'],
    read: readHuaweiTrace,
  },
  { format: 'berth', columns: ['at', 'vcpus', 'memory_mib'], read: readBerthTrace },
];
