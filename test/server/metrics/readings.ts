import type { HostStats } from '../../../src/host/stats.ts';
import type { VmStats } from '../../../src/host/stats-vm.ts';
import { defaultPolicy } from '../../../src/model/host.ts';
import type { HostTopology } from '../../../src/model/topology.ts';
import type { HostReading } from '../../../src/server/metrics/host-metrics.ts';

/** A running VM that has all figures. */
export function vmStats(name: string, instead: Partial<VmStats> = {}): VmStats {
  return {
    uuid: `uuid-of-${name}`,
    name,
    state: 'running',
    cpuSeconds: 12.5,
    cpuUserSeconds: 10,
    cpuSystemSeconds: 2.5,
    memory: {
      actualBytes: 1024 ** 3,
      maximumBytes: 1024 ** 3,
      residentBytes: 600 * 1024 ** 2,
      usableBytes: 500 * 1024 ** 2,
      swapInBytes: 0,
      swapOutBytes: 4096,
      majorFaults: 7,
    },
    vcpus: [
      { id: 0, seconds: 6, waitSeconds: 0, delaySeconds: 0.25 },
      { id: 1, seconds: 4, waitSeconds: 0, delaySeconds: 0.5 },
    ],
    disks: [
      {
        name: 'vda',
        read: { bytes: 1000, requests: 10, seconds: 0.1 },
        write: { bytes: 2000, requests: 20, seconds: 0.2 },
        flush: { requests: 3, seconds: 0.3 },
        capacityBytes: 1024 ** 3,
        allocationBytes: 1024 ** 2,
      },
    ],
    nics: [
      {
        name: 'vnet0',
        received: { bytes: 500, packets: 5, errors: 0, drops: 0 },
        sent: { bytes: 400, packets: 4, errors: 0, drops: 1 },
      },
    ],
    ...instead,
  };
}

/** A host of one cell with four pCPUs. */
export const TOPOLOGY: HostTopology = {
  arch: 'x86_64',
  cells: [
    {
      id: 0,
      memoryBytes: 8 * 1024 ** 3,
      freeBytes: 4 * 1024 ** 3,
      pages: [{ sizeKiB: 2048, total: 100, free: 60 }],
      distances: [10],
      cpus: [0, 1, 2, 3].map((id) => ({
        id,
        socket: 0,
        die: 0,
        core: id,
        siblings: [id],
        online: id !== 3,
      })),
      pci: [],
    },
  ],
  offlineCpus: [],
  pciAnywhere: [],
};

/** The figures of that host. */
export function hostStats(vms: readonly VmStats[], instead: Partial<HostStats> = {}): HostStats {
  return {
    cpuSeconds: { user: 100, kernel: 50, idle: 1000, iowait: 10 },
    memoryBytes: { total: 8e9, free: 4e9, buffers: 1e8, cached: 9e8 },
    cells: [{ cell: 0, freeBytes: 4 * 1024 ** 3 }],
    pages: [{ cell: 0, sizeKiB: 2048, free: 60 }],
    vms,
    ...instead,
  };
}

/** All that is known of it. */
export function hostReading(name: string, vms: readonly VmStats[]): HostReading {
  return {
    name,
    isConnected: true,
    states: vms.map(({ state }) => state),
    stats: hostStats(vms),
    readSeconds: 0.02,
    failures: 0,
    books: {
      topology: TOPOLOGY,
      policy: { ...defaultPolicy(TOPOLOGY), reservedCpus: [0] },
      seats: [
        {
          vm: 'db1',
          uuid: 'uuid-of-db1',
          managed: true,
          running: true,
          dedicated: [1],
          floating: { vcpus: 1 },
          memory: [],
          overheadBytes: 0,
        },
      ],
      claims: 0,
    },
  };
}
