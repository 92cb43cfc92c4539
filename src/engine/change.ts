import { formatIntSet } from '../base/int-set.ts';
import { formatSize, GIB, KIB, MIB } from '../base/units.ts';
import type { Ledger } from './ledger.ts';
import { mostThatFits } from './most-that-fits.ts';
import { fitsHost } from './place-on-host.ts';
import type { PlacementRequest } from './request.ts';
import { counted } from './wording.ts';

/**
 * What is changed; each kind names one field of the spec, or one decision. The last one is two
 * changes that only help together.
 */
export type ChangeKind =
  | 'any-host'
  | 'emulator-share'
  | 'threads-prefer'
  | 'guest-cells'
  | 'drop-cpuset'
  | 'drop-nodeset'
  | 'page-size'
  | 'memory'
  | 'vcpus'
  | 'policy-shared'
  | 'vcpus-and-memory';

/** A change to the spec with which the VM fits somewhere: proven by placing it again. */
export interface Change {
  readonly kind: ChangeKind;
  /** One sentence: what to change, from what to what. */
  readonly say: string;
  /** Values to write into the spec, by path (`spec.memory.size`); null: take the field out. */
  readonly set: Readonly<Record<string, string | number | null>>;
  /** The whole request so changed. */
  readonly request: PlacementRequest;
}

/**
 * Looks for single changes with which a refused VM fits, each as small as its kind allows: the most
 * memory and the most vCPUs that fit, the nearest number of guest cells. The order is by how little
 * the guest notices. Where no single change helps, fewer vCPUs with less memory may.
 */
export function smallestChanges(
  ledgers: readonly Ledger[],
  request: PlacementRequest,
): readonly Change[] {
  const single = singleChanges(ledgers, request);
  return single.length > 0 ? single : lessOfBoth(ledgers, request);
}

function singleChanges(ledgers: readonly Ledger[], request: PlacementRequest): readonly Change[] {
  const fits = (changed: PlacementRequest): boolean =>
    ledgers.some((ledger) => fitsHost(ledger, changed));
  return [
    ...[
      ...anyHost(request),
      ...emulatorShare(request),
      ...threadsPrefer(request),
      ...firstOf(guestCells(ledgers, request), fits),
      ...dropCpuset(request),
      ...dropNodeset(request),
      ...pageSizes(ledgers, request),
    ].filter((change) => fits(change.request)),
    ...lessMemory(ledgers, request),
    ...fewerVcpus(ledgers, request),
    ...policyShared(request).filter((change) => fits(change.request)),
  ];
}

/** Writes a size so that reading it gives the same bytes, in the largest unit that does. */
export function exactSize(bytes: number): string {
  const units = [
    ['GiB', GIB],
    ['MiB', MIB],
    ['KiB', KIB],
  ] as const;
  const [name, size] = units.find(([, unit]) => bytes % unit === 0) ?? ['B', 1];
  return `${bytes / size}${name}`;
}

function firstOf(
  changes: readonly Change[],
  fits: (request: PlacementRequest) => boolean,
): readonly Change[] {
  const found = changes.find((change) => fits(change.request));
  return found === undefined ? [] : [found];
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

function emulatorShare(request: PlacementRequest): readonly Change[] {
  if (request.emulator === 'share') return [];
  return [
    {
      kind: 'emulator-share',
      say: `let QEMU's own threads share the vCPUs' pCPUs`,
      set: { 'spec.cpu.emulator': 'share' },
      request: { ...request, emulator: 'share' },
    },
  ];
}

function threadsPrefer(request: PlacementRequest): readonly Change[] {
  if (request.policy !== 'dedicated' || request.threads === 'prefer') return [];
  return [
    {
      kind: 'threads-prefer',
      say: `use thread policy prefer instead of ${request.threads}`,
      set: { 'spec.cpu.threads': 'prefer' },
      request: { ...request, threads: 'prefer' },
    },
  ];
}

/** More guest cells first, the fewest more; then fewer; cells given by hand are left to Berth. */
function guestCells(ledgers: readonly Ledger[], request: PlacementRequest): readonly Change[] {
  const { cells } = request;
  if (typeof cells === 'object') return [cellsChange(request, 'auto')];
  const most = Math.min(request.vcpus, cellsOfLargest(ledgers));
  const counts = Array.from({ length: most }, (_, index) => index + 1);
  if (cells === 'none') return [];
  if (cells === 'auto') {
    return request.policy === 'dedicated' ? [] : counts.map((n) => cellsChange(request, n));
  }
  const more = counts.filter((n) => n > cells);
  const fewer = counts.filter((n) => n < cells).toReversed();
  return [...more, ...fewer].map((n) => cellsChange(request, n));
}

function cellsChange(request: PlacementRequest, cells: 'auto' | number): Change {
  return {
    kind: 'guest-cells',
    say:
      cells === 'auto'
        ? 'let Berth cut the guest into cells'
        : `give the guest ${cells === 1 ? 'one cell' : `${cells} cells`}`,
    set: { 'spec.numa.cells': cells },
    request: { ...request, cells },
  };
}

function dropCpuset(request: PlacementRequest): readonly Change[] {
  const { cpuset, ...rest } = request;
  if (cpuset === undefined) return [];
  return [
    {
      kind: 'drop-cpuset',
      say: `leave out the cpuset ${formatIntSet(cpuset)}`,
      set: { 'spec.cpu.cpuset': null },
      request: rest,
    },
  ];
}

function dropNodeset(request: PlacementRequest): readonly Change[] {
  const { nodeset, ...rest } = request;
  if (nodeset === undefined) return [];
  return [
    {
      kind: 'drop-nodeset',
      say: `leave out the nodeset ${formatIntSet(nodeset)}`,
      set: { 'spec.numa.nodeset': null },
      request: rest,
    },
  ];
}

/** Every other page size that the memory is a multiple of, the largest first, ordinary pages last. */
function pageSizes(ledgers: readonly Ledger[], request: PlacementRequest): readonly Change[] {
  const { pageKiB, ...rest } = request;
  const pools = ledgers.flatMap((ledger) => ledger.unboundPages);
  const sizes = [...new Set(pools.filter((p) => p.total > 0).map((p) => p.sizeKiB))];
  const changes = sizes
    .filter((size) => size !== pageKiB && request.memoryBytes % (size * KIB) === 0)
    .toSorted((a, b) => b - a)
    .map((size) => ({
      kind: 'page-size' as const,
      say: `back its memory with ${formatSize(size * KIB)} pages`,
      set: { 'spec.memory.pages': exactSize(size * KIB) },
      request: { ...request, pageKiB: size },
    }));
  if (pageKiB === undefined) return changes;
  const ordinary = {
    kind: 'page-size' as const,
    say: 'back its memory with ordinary pages',
    set: { 'spec.memory.pages': null },
    request: rest,
  };
  return [...changes, ordinary];
}

function lessMemory(ledgers: readonly Ledger[], request: PlacementRequest): readonly Change[] {
  if (typeof request.cells === 'object') return [];
  const most = mostThatFits(ledgers, request, 'memory');
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

function fewerVcpus(ledgers: readonly Ledger[], request: PlacementRequest): readonly Change[] {
  if (typeof request.cells === 'object') return [];
  const most = mostThatFits(ledgers, request, 'vcpus');
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

function lessOfBoth(ledgers: readonly Ledger[], request: PlacementRequest): readonly Change[] {
  if (typeof request.cells === 'object') return [];
  const inProportion = mostThatFits(ledgers, request, 'both');
  if (inProportion === undefined) return [];
  const most = grown(ledgers, request, inProportion);
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

/**
 * From a request that fits to one with which no more vCPUs, and no more memory, would fit beside
 * the other. It takes turns, because more memory can be cut into more guest cells.
 */
function grown(
  ledgers: readonly Ledger[],
  request: PlacementRequest,
  fitting: PlacementRequest,
): PlacementRequest {
  for (let best = fitting; ;) {
    const { memoryBytes } = best;
    const wide = mostThatFits(ledgers, { ...request, memoryBytes }, 'vcpus') ?? best;
    const { vcpus } = wide;
    const next = mostThatFits(ledgers, { ...request, vcpus }, 'memory') ?? wide;
    if (next.vcpus === best.vcpus && next.memoryBytes === best.memoryBytes) return best;
    best = next;
  }
}

function policyShared(request: PlacementRequest): readonly Change[] {
  if (request.policy === 'shared') return [];
  const set = {
    'spec.cpu.policy': 'shared',
    ...(request.threads === 'prefer' ? {} : { 'spec.cpu.threads': 'prefer' }),
    ...(request.emulator === 'share' ? {} : { 'spec.cpu.emulator': 'share' }),
  };
  return [
    {
      kind: 'policy-shared',
      say: 'let its vCPUs float under overcommit instead of having pCPUs of their own',
      set,
      request: { ...request, policy: 'shared', threads: 'prefer', emulator: 'share' },
    },
  ];
}

function cellsOfLargest(ledgers: readonly Ledger[]): number {
  return Math.max(0, ...ledgers.map((l) => l.cells.filter((cell) => cell.hasCpus).length));
}
