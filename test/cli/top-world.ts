import type { HostUsageView, VmUsageView } from '../../src/api/metrics.ts';
import type { Route } from './api-server.ts';

const MIB = 1024 ** 2;

const VMS: readonly VmUsageView[] = [
  {
    name: 'db1',
    uuid: 'a',
    host: 'kvm1',
    state: 'running',
    vcpus: 4,
    usage: { cpu: 3.214, wait: 0.08, memory: 16_384 * MIB, disk: 21 * MIB, net: 1_200_000 },
  },
  // It has been there for one reading: there is no rate yet.
  {
    name: 'new',
    uuid: 'b',
    host: 'kvm1',
    state: 'running',
    vcpus: 2,
    usage: { memory: 900 * MIB },
  },
  { name: 'off\u001b[2J', uuid: 'c', host: 'kvm1', state: 'shutoff', vcpus: 0, usage: {} },
];

const HOSTS: readonly HostUsageView[] = [
  {
    name: 'kvm1',
    state: 'connected',
    cpus: 16,
    memoryBytes: 65_536 * MIB,
    vms: 3,
    usage: { cpu: 4.4, wait: 0.08, memory: 18_000 * MIB, disk: 21 * MIB, net: 1_200_000 },
  },
  { name: 'kvm2', state: 'unreachable', cpus: 0, memoryBytes: 0, vms: 0, usage: {} },
];

/** What uses most, in the fleet that command lines are tried on. */
export function usageRoutes(): Readonly<Record<string, Route>> {
  const asked = <T>(rows: readonly T[], query: URLSearchParams): readonly T[] => {
    const sorted = query.get('sort') === 'cpu' ? rows : rows.toReversed();
    return sorted.slice(0, Number(query.get('limit')));
  };
  return {
    'GET /api/v1/usage/vms': ({ query }) => ({ total: VMS.length, vms: asked(VMS, query) }),
    'GET /api/v1/usage/hosts': ({ query }) => ({ total: HOSTS.length, hosts: asked(HOSTS, query) }),
  };
}
