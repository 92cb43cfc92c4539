import type { AffinityRule, SpreadRule } from '../../model/relation.ts';
import { OVER_HOST } from '../../model/relation.ts';
import type { PlacementRequest } from '../request.ts';
import type { Change } from './change.ts';
import type { Softening, Wish } from './wish.ts';
import { whole } from './wish.ts';

function anyHost(request: PlacementRequest): readonly Softening[] {
  if (request.hosts.length === 0) return [];
  return [
    whole({
      kind: 'any-host',
      say: `let it run on any host, not only on ${request.hosts.join(', ')}`,
      set: { 'spec.placement.hosts': null },
      request: { ...request, hosts: [] },
    }),
  ];
}

function hostLabels(request: PlacementRequest): readonly Softening[] {
  const { hostLabels: labels = {}, ...rest } = request;
  const pairs = Object.entries(labels);
  if (pairs.length === 0) return [];
  const without = (parts: readonly number[]): Change => {
    const dropped = pairs.filter((_, at) => parts.includes(at));
    const kept = Object.fromEntries(pairs.filter((_, at) => !parts.includes(at)));
    const isNone = dropped.length === pairs.length;
    return {
      kind: 'host-labels',
      say: `let it run on hosts without ${dropped.map(([key, value]) => `${key}=${value}`).join(' and ')}`,
      set: { 'spec.placement.hosts': isNone ? null : kept },
      request: { ...rest, ...(isNone ? {} : { hostLabels: kept }) },
    };
  };
  return [{ parts: pairs.length, without }];
}

function excludeHosts(request: PlacementRequest): readonly Softening[] {
  const { excludeHosts: excluded = [], ...rest } = request;
  if (excluded.length === 0) return [];
  const without = (parts: readonly number[]): Change => {
    const dropped = excluded.filter((_, at) => parts.includes(at));
    const kept = excluded.filter((_, at) => !parts.includes(at));
    return {
      kind: 'exclude-hosts',
      say: `let it run on ${dropped.join(', ')}, too`,
      set: { 'spec.placement.excludeHosts': kept.length === 0 ? null : kept },
      request: { ...rest, ...(kept.length === 0 ? {} : { excludeHosts: kept }) },
    };
  };
  return [{ parts: excluded.length, without }];
}

const KINDS = {
  affinity: { kind: 'affinity', say: 'prefer to be near' },
  antiAffinity: { kind: 'anti-affinity', say: 'prefer to keep away from' },
  spread: { kind: 'spread', say: 'prefer to be spread' },
} as const;

/** The same rules with some of those that are hard made wishes. */
function softened<R extends AffinityRule | SpreadRule>(
  request: PlacementRequest,
  field: keyof typeof KINDS,
  rules: readonly R[] = [],
): readonly Softening[] {
  const hard = rules.flatMap((rule, index) => (rule.hard ? [index] : []));
  if (hard.length === 0) return [];
  const without = (parts: readonly number[]): Change => {
    const chosen = hard.filter((_, at) => parts.includes(at));
    const changed = rules.map((rule, at) =>
      chosen.includes(at) ? { ...rule, hard: false } : rule,
    );
    const said = chosen.map((at) => ruleText(rules[at]));
    return {
      kind: KINDS[field].kind,
      say: `let it only ${KINDS[field].say} ${said.join(' and ')}, instead of having to`,
      set: { [`spec.placement.${field}`]: changed },
      request: { ...request, [field]: changed },
    };
  };
  return [{ parts: hard.length, without }];
}

/** "app=db on a host" or "evenly over zone". */
function ruleText(rule: AffinityRule | SpreadRule | undefined): string {
  if (rule === undefined) return '';
  const place = rule.over === OVER_HOST ? 'host' : rule.over;
  if ('maxSkew' in rule) {
    return `${rule.selector === undefined ? '' : `with ${rule.selector} `}evenly over each ${place}`;
  }
  return `${rule.selector} over ${place}`;
}

/** Which hosts are asked for, and which are not; then what is asked about other VMs. */
export const HOST_WISHES: readonly Wish[] = [
  anyHost,
  hostLabels,
  excludeHosts,
  (request) => softened(request, 'affinity', request.affinity),
  (request) => softened(request, 'antiAffinity', request.antiAffinity),
  (request) => softened(request, 'spread', request.spread),
];
