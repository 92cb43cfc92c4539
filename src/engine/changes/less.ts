import { formatSize } from '../../base/units.ts';
import type { PlacementRequest } from '../request.ts';
import { counted } from '../wording.ts';
import type { Change } from './change.ts';
import { exactSize } from './change.ts';
import { mostThatFits } from './most-that-fits.ts';
import type { World } from './world.ts';

/** The most memory that fits, where less than asked for does; guest cells by hand are as given. */
export function lessMemory(world: World, request: PlacementRequest): readonly Change[] {
  const most = mostOf(world, request, 'memory');
  if (most === undefined) return [];
  return [
    {
      kind: 'memory',
      say: `give it ${formatSize(most.memoryBytes)} of memory instead of ${formatSize(request.memoryBytes)}`,
      set: { 'spec.memory.size': exactSize(most.memoryBytes) },
      request: most,
    },
  ];
}

/** The most vCPUs that fit. */
export function fewerVcpus(world: World, request: PlacementRequest): readonly Change[] {
  const most = mostOf(world, request, 'vcpus');
  if (most === undefined) return [];
  return [
    {
      kind: 'vcpus',
      say: `give it ${counted(most.vcpus, 'vCPU')} instead of ${request.vcpus}`,
      set: { 'spec.cpu.count': most.vcpus },
      request: most,
    },
  ];
}

/** The most of both together, where neither helps alone. */
export function lessOfBoth(world: World, request: PlacementRequest): readonly Change[] {
  const inProportion = mostOf(world, request, 'both');
  if (inProportion === undefined) return [];
  const most = grown(world, request, inProportion);
  const have = `${counted(most.vcpus, 'vCPU')} and ${formatSize(most.memoryBytes)} of memory`;
  return [
    {
      kind: 'vcpus-and-memory',
      say: `give it ${have} instead of ${request.vcpus} and ${formatSize(request.memoryBytes)}`,
      set: { 'spec.cpu.count': most.vcpus, 'spec.memory.size': exactSize(most.memoryBytes) },
      request: most,
    },
  ];
}

function mostOf(
  world: World,
  request: PlacementRequest,
  what: 'memory' | 'vcpus' | 'both',
): PlacementRequest | undefined {
  return typeof request.cells === 'object' ? undefined : mostThatFits(world, request, what);
}

/**
 * From a request that fits to one with which no more vCPUs, and no more memory, would fit beside
 * the other. It takes turns, because more memory can be cut into more guest cells.
 */
function grown(
  world: World,
  request: PlacementRequest,
  fitting: PlacementRequest,
): PlacementRequest {
  for (let best = fitting; ;) {
    const { memoryBytes } = best;
    const wide = mostThatFits(world, { ...request, memoryBytes }, 'vcpus') ?? best;
    const { vcpus } = wide;
    const next = mostThatFits(world, { ...request, vcpus }, 'memory') ?? wide;
    if (next.vcpus === best.vcpus && next.memoryBytes === best.memoryBytes) return best;
    best = next;
  }
}
