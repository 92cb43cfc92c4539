/** One metric as Prometheus knows it: a row of the list from which everything else is made. */
export interface Metric {
  /** In full, by Prometheus's conventions: base unit last, and `_total` behind that of a counter. */
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** The base unit that its name ends with; absent for plain numbers. */
  readonly unit?: 'seconds' | 'bytes';
  readonly labels: readonly string[];
  /** One sentence without its full stop. */
  readonly help: string;
  /** Where its values come from. */
  readonly source: string;
}

/** Takes one value with those of the row's own labels, in their order; undefined is no value. */
export type Emit = (value: number | undefined, ...labels: readonly string[]) => void;

/** A metric that is read from what was last seen of a host or a VM. */
export interface MeasuredMetric<S> extends Metric {
  readonly read: (subject: S, emit: Emit) => void;
}

/** What differs between the rows of one kind of subject. */
export interface Row<S> {
  /** Behind the prefix of its kind. */
  readonly name: string;
  /** A gauge when absent. */
  readonly type?: 'counter';
  /** Beside those of its kind. */
  readonly labels?: readonly string[];
  readonly help: string;
  readonly source: string;
  readonly read: (subject: S, emit: Emit) => void;
}

/** Makes rows of one kind: their prefix and the labels that all of them have. */
export function metricsOf<S>(
  prefix: string,
  labels: readonly string[],
  rows: readonly Row<S>[],
): readonly MeasuredMetric<S>[] {
  return rows.map((row) => ({
    name: `${prefix}${row.name}`,
    type: row.type ?? 'gauge',
    ...unitOf(row.name),
    labels: [...labels, ...(row.labels ?? [])],
    help: row.help,
    source: row.source,
    read: row.read,
  }));
}

/** The unit in a name, which Prometheus wants there. */
export function unitOf(name: string): { readonly unit?: 'seconds' | 'bytes' } {
  const [, unit] = /_(seconds|bytes)(?:_total)?$/.exec(`_${name}`) ?? [];
  return unit === 'seconds' || unit === 'bytes' ? { unit } : {};
}
