import type { HostSnapshot } from '../../model/host.ts';
import type { BrokenLimit } from '../refusal.ts';
import type { PlacementRequest } from '../request.ts';

/** Whether the request may use the host at all, whatever is free on it and whoever runs there. */
export function mayUse(host: HostSnapshot, request: PlacementRequest): boolean {
  const { hosts, excludeHosts, hostLabels, networks } = request;
  if (hosts.length > 0 && !hosts.includes(host.name)) return false;
  if (excludeHosts?.includes(host.name) === true) return false;
  if (isClosed(host, request)) return false;
  if (hostLabels !== undefined && wrongLabels(host, hostLabels).length > 0) return false;
  return networks === undefined || missingNetworks(host, networks).length === 0;
}

/**
 * What of the host itself, by name, label and network, stands against the request. Of a host that
 * it leaves out by name that alone is said.
 */
export function hostRules(host: HostSnapshot, request: PlacementRequest): readonly BrokenLimit[] {
  const excluded = notAskedFor(host, request);
  if (excluded.length > 0) return excluded;
  return [
    ...(isClosed(host, request) ? [closedHost(host)] : []),
    ...wrongLabels(host, request.hostLabels ?? {}).map(([key, value]) =>
      wrongLabel(host, key, value),
    ),
    ...missingNetworks(host, request.networks ?? []).map((name) => missingNetwork(host, name)),
  ];
}

function notAskedFor(
  { name }: HostSnapshot,
  { hosts, excludeHosts = [] }: PlacementRequest,
): readonly BrokenLimit[] {
  const check = 'host-excluded';
  if (hosts.length > 0 && !hosts.includes(name)) {
    const say = `the VM is to run on ${hosts.join(' or ')}, not on ${name}`;
    return [{ check, need: hosts.join(', '), have: name, say, heldBy: [] }];
  }
  if (!excludeHosts.includes(name)) return [];
  const say = `the VM is not to run on ${name}`;
  return [{ check, need: `not ${excludeHosts.join(', ')}`, have: name, say, heldBy: [] }];
}

/** A VM that is there already is no new one. */
function isClosed({ closed, seats }: HostSnapshot, { uuid }: PlacementRequest): boolean {
  if (closed === undefined) return false;
  return uuid === undefined || !seats.some((seat) => seat.uuid === uuid);
}

function closedHost({ name, closed = '' }: HostSnapshot): BrokenLimit {
  const say = `${name} takes no new VMs: ${closed}`;
  return { check: 'host-closed', need: 'a host that takes new VMs', have: closed, say, heldBy: [] };
}

function wrongLabels(
  { labels = {} }: HostSnapshot,
  wanted: Readonly<Record<string, string>>,
): readonly (readonly [string, string])[] {
  return Object.entries(wanted).filter(([key, value]) => labels[key] !== value);
}

function wrongLabel({ name, labels = {} }: HostSnapshot, key: string, value: string): BrokenLimit {
  const own = labels[key];
  return {
    check: 'host-label',
    need: `${key}=${value}`,
    have: own === undefined ? `no ${key}` : `${key}=${own}`,
    say: `the VM is to run on a host with ${key}=${value}, and ${name} has ${
      own === undefined ? `no label ${key}` : `${key}=${own}`
    }`,
    heldBy: [],
  };
}

/** Networks that the host is known to lack; a host that does not tell is taken to have every one. */
function missingNetworks({ networks }: HostSnapshot, wanted: readonly string[]): readonly string[] {
  return networks === undefined ? [] : wanted.filter((name) => !networks.includes(name));
}

function missingNetwork({ name, networks = [] }: HostSnapshot, network: string): BrokenLimit {
  const have = networks.length === 0 ? 'none' : networks.join(', ');
  return {
    check: 'network',
    need: network,
    have,
    say: `the VM needs network ${network}, and ${name} has ${have}`,
    heldBy: [],
  };
}
