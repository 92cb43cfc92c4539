import type { AffinityRule, SpreadRule } from '../../model/relation.ts';
import { OVER_HOST } from '../../model/relation.ts';
import type { PlacementRequest } from '../request.ts';
import type { Change } from './change.ts';

/** Candidates for leaving out which hosts are asked for, and which are not. */
export function hostChoices(request: PlacementRequest): readonly (readonly Change[])[] {
  return [anyHost(request), hostLabels(request), excludeHosts(request)];
}

/** Candidates for softening what is asked about other VMs: one rule by itself, else all of a kind. */
export function relationWishes(request: PlacementRequest): readonly (readonly Change[])[] {
  return [
    softened(request, 'affinity', request.affinity),
    softened(request, 'antiAffinity', request.antiAffinity),
    softened(request, 'spread', request.spread),
  ];
}

function anyHost(request: PlacementRequest): readonly Change[] {
  if (request.hosts.length === 0) return [];
  return [
    {
      kind: 'any-host',
      say: `let it run on any host, not only on ${request.hosts.join(', ')}`,
      set: { 'spec.placement.hosts': null },
      request: { ...request, hosts: [] },
    },
  ];
}

function hostLabels(request: PlacementRequest): readonly Change[] {
  const { hostLabels: labels = {}, ...rest } = request;
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  if (pairs.length === 0) return [];
  return [
    {
      kind: 'host-labels',
      say: `let it run on hosts without ${pairs.join(' and ')}`,
      set: { 'spec.placement.hosts': null },
      request: rest,
    },
  ];
}

function excludeHosts(request: PlacementRequest): readonly Change[] {
  const { excludeHosts: excluded = [], ...rest } = request;
  if (excluded.length === 0) return [];
  return [
    {
      kind: 'exclude-hosts',
      say: `let it run on ${excluded.join(', ')}, too`,
      set: { 'spec.placement.excludeHosts': null },
      request: rest,
    },
  ];
}

const KINDS = {
  affinity: { kind: 'affinity', say: 'prefer to be near' },
  antiAffinity: { kind: 'anti-affinity', say: 'prefer to keep away from' },
  spread: { kind: 'spread', say: 'prefer to be spread' },
} as const;

/** The same rules with one that is hard made a wish, for each; then with all of them. */
function softened<R extends AffinityRule | SpreadRule>(
  request: PlacementRequest,
  field: keyof typeof KINDS,
  rules: readonly R[] = [],
): readonly Change[] {
  const hard = rules.flatMap((rule, index) => (rule.hard ? [index] : []));
  const choices = [...hard.map((index) => [index]), ...(hard.length > 1 ? [hard] : [])];
  return choices.map((choice) => {
    const changed = rules.map((rule, at) =>
      choice.includes(at) ? { ...rule, hard: false } : rule,
    );
    const said = choice.map((at) => ruleText(rules[at]));
    return {
      kind: KINDS[field].kind,
      say: `let it only ${KINDS[field].say} ${said.join(' and ')}, instead of having to`,
      set: { [`spec.placement.${field}`]: changed },
      request: { ...request, [field]: changed },
    };
  });
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
