import type { PlacementRequest } from '../../../src/engine/request.ts';
import type { HostSnapshot, Seat } from '../../../src/model/host.ts';
import type { AffinityRule, SpreadRule } from '../../../src/model/relation.ts';

/**
 * The rules between VMs, read from the snapshots anew each time and in the plainest way: what the
 * engine's counts are held against. Nothing of the engine is used here.
 */

type Labels = Readonly<Record<string, string>> | undefined;

function has(labels: Labels, selector: string): boolean {
  const at = selector.indexOf('=');
  return labels?.[selector.slice(0, at)] === selector.slice(at + 1);
}

function placeOf(host: HostSnapshot, over: string): string | undefined {
  return over === 'host' ? host.name : host.labels?.[over];
}

function seatsIn(hosts: readonly HostSnapshot[], over: string, place: string): readonly Seat[] {
  return hosts.flatMap((host) => (placeOf(host, over) === place ? host.seats : []));
}

/** Whether every hard rule between VMs holds with the VM on that host. */
export function plainAllows(
  hosts: readonly HostSnapshot[],
  host: HostSnapshot,
  request: PlacementRequest,
): boolean {
  const { affinity = [], antiAffinity = [], spread = [] } = request;
  return (
    affinity.every((rule) => !rule.hard || isNear(hosts, host, request, rule)) &&
    antiAffinity.every((rule) => !rule.hard || matching(hosts, host, rule).length === 0) &&
    spread.every((rule) => !rule.hard || isEven(hosts, host, request, rule)) &&
    hosts.every((other) =>
      other.seats.every((seat) =>
        (seat.keepsAway ?? []).every(
          ({ selector, over }) =>
            !has(request.labels, selector) ||
            placeOf(host, over) === undefined ||
            placeOf(other, over) !== placeOf(host, over),
        ),
      ),
    )
  );
}

function matching(
  hosts: readonly HostSnapshot[],
  host: HostSnapshot,
  { over, selector }: AffinityRule,
): readonly Seat[] {
  const place = placeOf(host, over);
  if (place === undefined) return [];
  return seatsIn(hosts, over, place).filter((seat) => has(seat.labels, selector));
}

function isNear(
  hosts: readonly HostSnapshot[],
  host: HostSnapshot,
  request: PlacementRequest,
  rule: AffinityRule,
): boolean {
  if (placeOf(host, rule.over) === undefined) return false;
  if (matching(hosts, host, rule).length > 0) return true;
  const somewhere = hosts.some((other) => matching(hosts, other, rule).length > 0);
  return !somewhere && has(request.labels, rule.selector);
}

function isEven(
  hosts: readonly HostSnapshot[],
  host: HostSnapshot,
  request: PlacementRequest,
  { over, selector, maxSkew }: SpreadRule,
): boolean {
  const own = placeOf(host, over);
  if (own === undefined) return false;
  const counts = (labels: Labels): boolean => selector === undefined || has(labels, selector);
  const after = new Map<string, number>();
  for (const place of hosts.filter((h) => mayUse(h, request)).map((h) => placeOf(h, over))) {
    if (place === undefined) continue;
    const there = seatsIn(hosts, over, place).filter((seat) => counts(seat.labels)).length;
    after.set(place, there + (place === own && counts(request.labels) ? 1 : 0));
  }
  return (after.get(own) ?? 0) - Math.min(...after.values()) <= maxSkew;
}

/** Whether the request may use the host by its name and labels. */
export function mayUse(host: HostSnapshot, request: PlacementRequest): boolean {
  return (
    (request.hosts.length === 0 || request.hosts.includes(host.name)) &&
    !(request.excludeHosts ?? []).includes(host.name) &&
    Object.entries(request.hostLabels ?? {}).every(([key, value]) => host.labels?.[key] === value)
  );
}
