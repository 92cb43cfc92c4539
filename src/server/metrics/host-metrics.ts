import { KIB } from '../../base/units.ts';
import type { HostStats } from '../../host/stats.ts';
import { VM_STATES } from '../../model/host.ts';
import type { HostPolicy, Seat, VmState } from '../../model/host.ts';
import { onlineCpus } from '../../model/topology.ts';
import type { HostTopology } from '../../model/topology.ts';
import { metricsOf } from './metric.ts';
import type { Emit, MeasuredMetric } from './metric.ts';

/** What is known of one host when it is asked for. */
export interface HostReading {
  readonly name: string;
  readonly isConnected: boolean;
  /** How its domains stand; unknown while it is away. */
  readonly states: readonly VmState[];
  /** Absent while the host does not answer: a gap, not zeros. */
  readonly stats?: HostStats;
  /** How long reading it took, in seconds. */
  readonly readSeconds?: number;
  /** Times that reading it has failed since the server began. */
  readonly failures: number;
  /** What it is made of and what is taken there, as last seen. */
  readonly books?: HostBooks;
}

/** Who sits where on a host. */
export interface HostBooks {
  readonly topology: HostTopology;
  readonly policy: HostPolicy;
  /** Of its domains, and of claims in flight. */
  readonly seats: readonly Seat[];
  /** How many of the seats are claims. */
  readonly claims: number;
}

const LIBVIRT_CELLS = 'nodeGetCellsFreeMemory';
const TOPOLOGY = 'capabilities and sysfs';
const LEDGER = 'the ledger of the host';

/** Everything that is read of each host. */
export const HOST_METRICS: readonly MeasuredMetric<HostReading>[] = metricsOf<HostReading>(
  'berth_host_',
  ['host'],
  [
    {
      name: 'up',
      help: '1 while the host answers, 0 while it is unreachable',
      source: 'the connection to its libvirt',
      read: (host, emit) => emit(host.isConnected ? 1 : 0),
    },
    {
      name: 'read_duration_seconds',
      help: 'How long reading the figures of the host took the last time',
      source: 'the clock of the server',
      read: (host, emit) => emit(host.readSeconds),
    },
    {
      name: 'read_failures_total',
      type: 'counter',
      help: 'Times that the figures of a connected host could not be read',
      source: 'the server',
      read: (host, emit) => emit(host.failures),
    },
    {
      name: 'cpu_seconds_total',
      type: 'counter',
      labels: ['mode'],
      help: 'Time of all pCPUs of the host by what they did',
      source: 'nodeGetCPUStats',
      read: ({ stats }, emit) => emitAll(stats?.cpuSeconds, emit),
    },
    {
      name: 'memory_bytes',
      labels: ['kind'],
      help: 'Memory of the host as its kernel counts it: total, free, buffers, cached',
      source: 'nodeGetMemoryStats',
      read: ({ stats }, emit) => emitAll(stats?.memoryBytes, emit),
    },
    {
      name: 'cell_memory_bytes',
      labels: ['cell'],
      help: 'Memory of a NUMA cell',
      source: TOPOLOGY,
      read: ({ books }, emit) =>
        books?.topology.cells.forEach((cell) => emit(cell.memoryBytes, `${cell.id}`)),
    },
    {
      name: 'cell_memory_free_bytes',
      labels: ['cell'],
      help: 'Memory of a NUMA cell that nobody uses, page pools left out',
      source: LIBVIRT_CELLS,
      read: ({ stats }, emit) =>
        stats?.cells.forEach(({ cell, freeBytes }) => emit(freeBytes, `${cell}`)),
    },
    {
      name: 'cell_pages',
      labels: ['cell', 'size_bytes'],
      help: 'Pages in the pool of one size on a NUMA cell',
      source: TOPOLOGY,
      read: ({ books }, emit) =>
        books?.topology.cells.forEach(({ id, pages }) =>
          pages.forEach((pool) => emit(pool.total, `${id}`, `${pool.sizeKiB * KIB}`)),
        ),
    },
    {
      name: 'cell_pages_free',
      labels: ['cell', 'size_bytes'],
      help: 'Pages of a pool that nobody holds',
      source: 'nodeGetFreePages',
      read: ({ stats }, emit) =>
        stats?.pages.forEach(({ cell, sizeKiB, free }) =>
          emit(free, `${cell}`, `${sizeKiB * KIB}`),
        ),
    },
    {
      name: 'cpus',
      labels: ['state'],
      help: 'pCPUs by who may use them: one VM alone (dedicated), floating vCPUs (shared), the host (reserved), nobody (offline)',
      source: LEDGER,
      read: ({ books }, emit) => (books === undefined ? undefined : emitCpus(books, emit)),
    },
    {
      name: 'floating_vcpus',
      help: 'vCPUs that share pCPUs with others, of running VMs and of those that are promised a place',
      source: LEDGER,
      read: ({ books }, emit) =>
        emit(books?.seats.reduce((sum, { floating }) => sum + floating.vcpus, 0)),
    },
    {
      name: 'claims',
      help: 'Places taken for VMs that the host does not show yet',
      source: 'the store',
      read: ({ books }, emit) => emit(books?.claims),
    },
    {
      name: 'vms',
      labels: ['state'],
      help: 'Domains by how they stand, those of others included',
      source: 'events of the host',
      read: ({ states }, emit) => emitStates(states, emit),
    },
  ],
);

function emitAll(figures: Readonly<Record<string, number>> | undefined, emit: Emit): void {
  for (const [kind, value] of Object.entries(figures ?? {})) emit(value, kind);
}

function emitCpus({ topology, policy, seats }: HostBooks, emit: Emit): void {
  const online = onlineCpus(topology).map(({ id }) => id);
  const reserved = new Set(policy.reservedCpus);
  const dedicated = new Set(seats.flatMap((seat) => seat.dedicated));
  const taken = online.filter((id) => dedicated.has(id)).length;
  const kept = online.filter((id) => reserved.has(id) && !dedicated.has(id)).length;
  const inCells = topology.cells.reduce((sum, { cpus }) => sum + cpus.length, 0);
  emit(taken, 'dedicated');
  emit(online.length - taken - kept, 'shared');
  emit(kept, 'reserved');
  emit(inCells - online.length + topology.offlineCpus.length, 'offline');
}

/** Every state, so that one that has ended shows 0 and not its last number. */
function emitStates(states: readonly VmState[], emit: Emit): void {
  for (const state of VM_STATES) emit(states.filter((one) => one === state).length, state);
}
