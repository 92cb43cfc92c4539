import type { CapabilitiesCell, CapabilitiesCpu, CapabilitiesXml } from '../xml/index.ts';
import type { RawCell, RawCpu, RawTopology } from './raw-topology.ts';

/**
 * The machine as libvirt's capabilities tell it. A CPU without any identity is one that libvirt
 * found offline: virCapabilitiesFillCPUInfo leaves it bare.
 */
export function capabilitiesTopology(capabilities: CapabilitiesXml): RawTopology {
  const all = capabilities.cells.flatMap((cell) => cell.cpus);
  const l3 = capabilities.caches.filter((bank) => bank.level === 3);
  return {
    cells: capabilities.cells.map((cell): RawCell => ({
      id: cell.id,
      memoryBytes: cell.memoryBytes,
      freeBytes: undefined,
      pages: cell.pages.map(({ sizeBytes, total }) => ({
        sizeKiB: sizeBytes / 1024,
        total,
        free: undefined,
      })),
      basePageKiB: basePageKiB(cell),
      distances: new Map(cell.distances.map(({ cell, value }) => [cell, value])),
      cpus: ascending(cell.cpus.filter((cpu) => !isBare(cpu)).map((cpu) => cpu.id)),
    })),
    cpus: new Map(all.filter((cpu) => !isBare(cpu)).map((cpu) => [cpu.id, rawCpu(cpu)])),
    offline: ascending(all.filter((cpu) => isBare(cpu)).map((cpu) => cpu.id)),
    l3: l3.length === 0 ? undefined : l3.map(({ id, cpus }) => ({ id, cpus })),
  };
}

function basePageKiB({ pages }: CapabilitiesCell): number | undefined {
  return pages.length === 0 ? undefined : Math.min(...pages.map((pool) => pool.sizeBytes)) / 1024;
}

function isBare(cpu: CapabilitiesCpu): boolean {
  return cpu.socket === undefined && cpu.core === undefined && cpu.siblings.length === 0;
}

function rawCpu({ socket, die, core, siblings }: CapabilitiesCpu): RawCpu {
  return { socket, die, core, siblings: siblings.length === 0 ? undefined : siblings };
}

function ascending(ids: readonly number[]): readonly number[] {
  return ids.toSorted((a, b) => a - b);
}
