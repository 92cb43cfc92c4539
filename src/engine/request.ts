import type { CpuPolicy, MemoryMode, ThreadPlace, ThreadPolicy } from '../model/placement.ts';
import type { SeatAsks, SeatTaker } from '../model/host.ts';
import type { PlacementRules } from '../model/relation.ts';
import { keptAway, rulesOf } from '../model/relation.ts';
import type { PciAsk } from '../model/pci-ask.ts';
import type { IoThreadSpec, NumaSpec, VmSpec } from '../model/vm-spec.ts';
import type { Policy } from './policy/policy.ts';
import { looksAhead } from './policy/policy.ts';

/**
 * What one VM asks of a host: the part of its spec that placement decides on. The fields mean what
 * they mean in the spec, and a request is expected to be free of the contradictions that
 * `specProblems` finds.
 */
export interface PlacementRequest extends PlacementRules {
  readonly name: string;
  /** Of a VM that exists: whatever seat it holds already is looked at as if it were free. */
  readonly uuid?: string;
  readonly vcpus: number;
  readonly policy: CpuPolicy;
  /** vCPUs of a mixed guest that have a pCPU each. */
  readonly dedicatedVcpus?: readonly number[];
  /** Only dedicated vCPUs have a say in threads; it is ignored for shared guests. */
  readonly threads: ThreadPolicy;
  readonly cpuset?: readonly number[];
  readonly emulator: ThreadPlace;
  readonly ioThreads?: IoThreadSpec;
  readonly memoryBytes: number;
  /** Page size of the backing; absent, or the host's smallest: ordinary pages. */
  readonly pageKiB?: number;
  readonly cells: NumaSpec['cells'];
  /** Absent: strict where vCPUs are dedicated or cells are asked for, else preferred. */
  readonly memoryMode?: MemoryMode;
  readonly nodeset?: readonly number[];
  /** PCI functions that it needs. */
  readonly pci?: readonly PciAsk[];
  /** Hosts that may be used; empty: every one. */
  readonly hosts: readonly string[];
  /** The VM's own labels, by which others keep near it or away. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Networks and bridges that its NICs need, by name. */
  readonly networks?: readonly string[];
  /**
   * When it is expected to be gone if it is placed now, in milliseconds of the clock that the seats
   * go by; absent: nobody knows. Whoever knows the time sets it, with `expectedLifetimeMs`.
   */
  readonly expectedEnd?: number;
}

/** The request that a spec makes. */
export function requestOf(spec: VmSpec, uuid?: string): PlacementRequest {
  const { cpu, memory, numa } = spec;
  const networks = new Set(spec.nics.flatMap(({ source }) => source ?? []));
  return {
    name: spec.name,
    ...(uuid === undefined ? {} : { uuid }),
    vcpus: cpu.count,
    policy: cpu.policy,
    ...(cpu.dedicatedVcpus === undefined ? {} : { dedicatedVcpus: cpu.dedicatedVcpus }),
    threads: cpu.threads,
    ...(cpu.cpuset === undefined ? {} : { cpuset: cpu.cpuset }),
    emulator: cpu.emulator,
    ...(cpu.ioThreads === undefined ? {} : { ioThreads: cpu.ioThreads }),
    memoryBytes: memory.sizeBytes,
    ...(memory.pageKiB === undefined ? {} : { pageKiB: memory.pageKiB }),
    cells: numa.cells,
    ...(numa.policy === undefined ? {} : { memoryMode: numa.policy }),
    ...(numa.nodeset === undefined ? {} : { nodeset: numa.nodeset }),
    ...(spec.pci === undefined ? {} : { pci: spec.pci }),
    hosts: spec.hosts,
    ...(Object.keys(spec.labels).length === 0 ? {} : { labels: spec.labels }),
    ...(networks.size === 0 ? {} : { networks: [...networks] }),
    ...rulesOf(spec),
  };
}

/** True for a vCPU that has a pCPU for itself. */
export function isDedicatedVcpu(request: PlacementRequest, vcpu: number): boolean {
  if (request.policy !== 'mixed') return request.policy === 'dedicated';
  return request.dedicatedVcpus?.includes(vcpu) === true;
}

/** How many vCPUs have a pCPU each, and how many float. */
export function vcpuKinds({ policy, vcpus, dedicatedVcpus }: PlacementRequest): {
  readonly dedicated: number;
  readonly floating: number;
} {
  const own = policy === 'mixed' ? (dedicatedVcpus?.length ?? 0) : vcpus;
  const dedicated = policy === 'shared' ? 0 : own;
  return { dedicated, floating: vcpus - dedicated };
}

/** The VM that the request is for, as the one who takes the seat: not running yet. */
export function takerOf(request: PlacementRequest, uuid: string): SeatTaker {
  const { name, labels, expectedEnd } = request;
  const asks = asksOf(request);
  const keepsAway = keptAway(request);
  return {
    name,
    uuid,
    running: false,
    ...(labels === undefined ? {} : { labels }),
    ...(keepsAway.length === 0 ? {} : { keepsAway }),
    ...(expectedEnd === undefined ? {} : { expectedEnd }),
    ...(Object.keys(asks).length === 0 ? {} : { asks }),
  };
}

/**
 * The request of a VM that comes at that time, in milliseconds: with its end, where it is known how
 * long it is expected to stay. Nobody knows that to the second: lifetimes become powers of two of a
 * second, and ends whole eighths of them, never earlier than was said. So VMs which come close in
 * time are of one kind, and searched for as such.
 */
export function comingAt(request: PlacementRequest, now: number): PlacementRequest {
  const told = request.expectedLifetimeMs;
  if (told === undefined) return request;
  const expectedLifetimeMs = SECOND * 2 ** Math.round(Math.log2(Math.max(1, told / SECOND)));
  const step = expectedLifetimeMs / 8;
  const expectedEnd = Math.ceil((now + told) / step) * step;
  return { ...request, expectedLifetimeMs, expectedEnd };
}

const SECOND = 1000;

/** What the request asks about hosts and other VMs. */
function asksOf(request: PlacementRequest): SeatAsks {
  const { hosts, networks } = request;
  const { expectedLifetimeMs: _, ...rules } = rulesOf(request);
  return {
    ...rules,
    ...(hosts.length === 0 ? {} : { hosts }),
    ...(networks === undefined ? {} : { networks }),
  };
}

/** Whether counts say everything that placement must know of it: it names no CPUs, cells or devices. */
export function isPlain(request: PlacementRequest): boolean {
  const { policy, cpuset, nodeset, memoryMode, emulator, ioThreads, cells, pci = [] } = request;
  const isEven = typeof cells !== 'object' && pci.length === 0;
  const isBound = memoryMode === undefined || memoryMode === 'strict';
  const isOwn = emulator === 'share' && ioThreads === undefined && policy !== 'mixed';
  return isEven && isBound && isOwn && cpuset === undefined && nodeset === undefined;
}

/**
 * The same for requests that every host answers alike: all but the name, the hosts that may be used,
 * and the VMs and networks around. When a VM is expected to end counts where the policy looks at it.
 */
export function kindKey(request: PlacementRequest, policy: Policy): string {
  const { vcpus, policy: cpus, threads, memoryBytes, pageKiB, cells } = request;
  const { expectedEnd, expectedLifetimeMs } = looksAhead(policy) ? request : NO_LIFETIME;
  if (isPlain(request)) {
    const asked = `${cpus} ${threads} ${vcpus} ${memoryBytes} ${pageKiB} ${JSON.stringify(cells)}`;
    return expectedEnd === undefined ? asked : `${asked} ${expectedEnd} ${expectedLifetimeMs}`;
  }
  return JSON.stringify({ ...request, ...NO_SURROUNDINGS, expectedEnd, expectedLifetimeMs });
}

const NO_LIFETIME: Pick<PlacementRequest, 'expectedEnd' | 'expectedLifetimeMs'> = {};

const NO_SURROUNDINGS = {
  name: '',
  uuid: undefined,
  hosts: [],
  excludeHosts: undefined,
  hostLabels: undefined,
  networks: undefined,
  labels: undefined,
  affinity: undefined,
  antiAffinity: undefined,
  spread: undefined,
} as const;
