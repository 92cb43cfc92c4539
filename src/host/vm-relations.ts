import type { Seat } from '../model/host.ts';
import type { SpreadRule } from '../model/relation.ts';
import { OVER_HOST } from '../model/relation.ts';

/** What other VMs must know of one: its labels, and whom it keeps away; and what it asks itself. */
export type VmRelations = Pick<Seat, 'labels' | 'keepsAway' | 'asks'>;

/**
 * Reads them from the document in a domain's metadata. Anybody who may change the domain can write
 * it: what is not as it should be counts as absent.
 */
export function vmRelations(document: unknown): VmRelations {
  const labels = Object.entries(recordIn(document, 'metadata', 'labels')).filter(isTextPair);
  const { antiAffinity } = recordIn(document, 'spec', 'placement');
  const keepsAway = listIn(antiAffinity).flatMap(hardRule);
  const asks = asksIn(document, keepsAway);
  return {
    ...(labels.length === 0 ? {} : { labels: Object.fromEntries(labels) }),
    ...(keepsAway.length === 0 ? {} : { keepsAway }),
    ...(Object.keys(asks).length === 0 ? {} : { asks }),
  };
}

/** What must hold wherever the VM is: its hosts, networks and hard rules. */
function asksIn(
  document: unknown,
  keepsAway: NonNullable<Seat['keepsAway']>,
): NonNullable<Seat['asks']> {
  const { hosts, excludeHosts, affinity, spread } = recordIn(document, 'spec', 'placement');
  const hostLabels = Object.entries(recordIn(hosts)).filter(isTextPair);
  const near = listIn(affinity).flatMap(hardRule);
  const nics = listIn(recordIn(document, 'spec')['nics']).map((nic) => recordIn(nic));
  const networks = nics.map(({ network, bridge }) => network ?? bridge);
  return filled({
    hosts: listIn(hosts).filter(isText),
    hostLabels: Object.fromEntries(hostLabels),
    excludeHosts: listIn(excludeHosts).filter(isText),
    affinity: near.map((rule) => ({ ...rule, hard: true })),
    antiAffinity: keepsAway.map((rule) => ({ ...rule, hard: true })),
    spread: listIn(spread).flatMap(hardSpread),
    networks: networks.filter(isText),
  });
}

/** Leaves out lists and maps in which there is nothing. */
function filled<T extends object>(values: T): Partial<T> {
  const entries = Object.entries(values).filter(
    ([, value]) => Object.keys(value as object).length > 0,
  );
  return Object.fromEntries(entries) as Partial<T>;
}

function listIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isTextPair(pair: readonly [string, unknown]): pair is [string, string] {
  return isText(pair[1]);
}

/** A rule, where it must hold. */
function hardRule(rule: unknown): NonNullable<Seat['keepsAway']> {
  if (typeof rule === 'string') return [{ selector: rule, over: OVER_HOST }];
  const { selector, over = OVER_HOST, hard = true } = recordIn(rule);
  return typeof selector === 'string' && typeof over === 'string' && hard === true
    ? [{ selector, over }]
    : [];
}

/** A rule of evenness, where it must hold. */
function hardSpread(rule: unknown): readonly SpreadRule[] {
  const { over, selector, maxSkew = 1, hard = true } = recordIn(rule);
  const isSkew = typeof maxSkew === 'number' && Number.isInteger(maxSkew) && maxSkew >= 1;
  if (typeof over !== 'string' || !isSkew || hard !== true) return [];
  return [{ over, ...(typeof selector === 'string' ? { selector } : {}), maxSkew, hard: true }];
}

/** The record at a path; empty where there is none. */
function recordIn(value: unknown, ...path: readonly string[]): Readonly<Record<string, unknown>> {
  const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
  const record = isRecord ? (value as Readonly<Record<string, unknown>>) : {};
  const [key, ...rest] = path;
  return key === undefined ? record : recordIn(record[key], ...rest);
}
