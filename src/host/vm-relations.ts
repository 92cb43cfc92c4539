import type { Seat } from '../model/host.ts';
import { OVER_HOST } from '../model/relation.ts';

/** What other VMs must know of one: its labels, and whom it keeps away. */
export type VmRelations = Pick<Seat, 'labels' | 'keepsAway'>;

/**
 * Reads them from the document in a domain's metadata. Anybody who may change the domain can write
 * it: what is not as it should be counts as absent.
 */
export function vmRelations(document: unknown): VmRelations {
  const labels = Object.entries(recordIn(document, 'metadata', 'labels')).flatMap(([key, value]) =>
    typeof value === 'string' ? [[key, value] as const] : [],
  );
  const { antiAffinity } = recordIn(document, 'spec', 'placement');
  const rules: readonly unknown[] = Array.isArray(antiAffinity) ? antiAffinity : [];
  const keepsAway = rules.flatMap(keptAwayBy);
  return {
    ...(labels.length === 0 ? {} : { labels: Object.fromEntries(labels) }),
    ...(keepsAway.length === 0 ? {} : { keepsAway }),
  };
}

function keptAwayBy(rule: unknown): NonNullable<Seat['keepsAway']> {
  if (typeof rule === 'string') return [{ selector: rule, over: OVER_HOST }];
  const { selector, over = OVER_HOST, hard = true } = recordIn(rule);
  return typeof selector === 'string' && typeof over === 'string' && hard === true
    ? [{ selector, over }]
    : [];
}

/** The record at a path; empty where there is none. */
function recordIn(value: unknown, ...path: readonly string[]): Readonly<Record<string, unknown>> {
  const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
  const record = isRecord ? (value as Readonly<Record<string, unknown>>) : {};
  const [key, ...rest] = path;
  return key === undefined ? record : recordIn(record[key], ...rest);
}
