import type { Wait } from '../libvirt/index.ts';
import {
  callCounted,
  connectGetAllDomainStats,
  DomainStats,
  DomainStatsFlag,
  nodeGetCpuStats,
  nodeGetMemoryStats,
} from '../libvirt/index.ts';
import { readFreeMemory, readFreePages } from './free-memory.ts';
import type { MemoryPlan } from './free-memory.ts';
import type { HostLink } from './host-link.ts';
import { nodeFiguresOf } from './stats-node.ts';
import type { NodeFigures } from './stats-node.ts';
import { vmStatsOf } from './stats-vm.ts';
import type { VmStats } from './stats-vm.ts';

/** What a host and its domains have used since they began, and what is free there now. */
export interface HostStats extends NodeFigures {
  readonly cells: readonly { readonly cell: number; readonly freeBytes: number }[];
  /** Pages of each pool that nobody holds. */
  readonly pages: readonly {
    readonly cell: number;
    readonly sizeKiB: number;
    readonly free: number;
  }[];
  readonly vms: readonly VmStats[];
}

/** Means the host as a whole, where a number of a CPU or a cell is asked for. */
const WHOLE_HOST = -1;

/** Groups of figures that cost libvirt one look at procfs and one question to QEMU each. */
const GROUPS =
  DomainStats.state |
  DomainStats.cpuTotal |
  DomainStats.balloon |
  DomainStats.vcpu |
  DomainStats.interface |
  DomainStats.block;

/**
 * Reads the figures of a host: one call for all its domains, however many, and a handful for the
 * host itself. A QEMU whose monitor is busy is not waited for: its figures are absent.
 * @throws BERTH_HOST_UNREACHABLE, BERTH_DEADLINE, BERTH_LIBVIRT_REFUSED
 */
export async function readHostStats(
  link: HostLink,
  fixture: MemoryPlan,
  wait: Wait,
): Promise<HostStats> {
  const all = { doms: [], stats: GROUPS, flags: DomainStatsFlag.nowait };
  const [domains, cpu, memory, freeMemory, pages] = await Promise.all([
    link.call(connectGetAllDomainStats, all, wait),
    callCounted(link, nodeGetCpuStats, { cpuNum: WHOLE_HOST, flags: 0 }, wait),
    callCounted(link, nodeGetMemoryStats, { cellNum: WHOLE_HOST, flags: 0 }, wait),
    readFreeMemory(link, fixture, wait),
    readFreePages(link, fixture, wait),
  ]);
  return {
    ...nodeFiguresOf(cpu.params, memory.params),
    cells: freeMemory.map(({ cell, bytes }) => ({ cell, freeBytes: bytes })),
    pages,
    vms: domains.retStats.map(({ dom, params }) => vmStatsOf(dom, params)),
  };
}
