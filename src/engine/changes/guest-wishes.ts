import { formatIntSet } from '../../base/int-set.ts';
import { askName } from '../../model/pci-ask.ts';
import type { PlacementRequest } from '../request.ts';
import type { Change } from './change.ts';
import type { Softening, Wish } from './wish.ts';
import { whole } from './wish.ts';

/** Its vCPUs float; what goes only with pCPUs of its own goes with them. */
function policyShared(request: PlacementRequest): readonly Softening[] {
  const { dedicatedVcpus, ...rest } = request;
  const { policy, threads, emulator, ioThreads } = rest;
  if (policy === 'shared') return [];
  const set = {
    'spec.cpu.policy': 'shared',
    ...(dedicatedVcpus === undefined ? {} : { 'spec.cpu.dedicatedVcpus': null }),
    ...(threads === 'prefer' ? {} : { 'spec.cpu.threads': 'prefer' }),
    ...(emulator === 'isolate' ? { 'spec.cpu.emulator': 'share' } : {}),
    ...(ioThreads?.place === 'isolate' ? { 'spec.cpu.ioThreads.place': 'share' } : {}),
  };
  const shared: PlacementRequest = {
    ...rest,
    policy: 'shared',
    threads: 'prefer',
    emulator: emulator === 'isolate' ? 'share' : emulator,
    ...(ioThreads?.place === 'isolate' ? { ioThreads: { ...ioThreads, place: 'share' } } : {}),
  };
  const say = 'let its vCPUs float under overcommit instead of having pCPUs of their own';
  return [whole({ kind: 'policy-shared', say, set, request: shared })];
}

function emulatorShare(request: PlacementRequest): readonly Softening[] {
  if (request.emulator === 'share') return [];
  return [
    whole({
      kind: 'emulator-share',
      say: `let QEMU's own threads share the vCPUs' pCPUs`,
      set: { 'spec.cpu.emulator': 'share' },
      request: { ...request, emulator: 'share' },
    }),
  ];
}

function ioThreadsShare(request: PlacementRequest): readonly Softening[] {
  const { ioThreads } = request;
  if (ioThreads === undefined || ioThreads.place === 'share') return [];
  return [
    whole({
      kind: 'io-threads-share',
      say: `let its I/O threads run beside QEMU's own`,
      set: { 'spec.cpu.ioThreads.place': 'share' },
      request: { ...request, ioThreads: { ...ioThreads, place: 'share' } },
    }),
  ];
}

/** Functions that need not be on a cell of the guest. */
function pciLocality(request: PlacementRequest): readonly Softening[] {
  const { pci = [] } = request;
  const near = pci.flatMap(({ locality }, index) => (locality === 'required' ? [index] : []));
  if (near.length === 0) return [];
  const without = (parts: readonly number[]): Change => {
    const chosen = near.filter((_, at) => parts.includes(at));
    const names = chosen.flatMap((index) => pci[index] ?? []).map(askName);
    const changed = pci.map((ask, index) =>
      chosen.includes(index) ? { ...ask, locality: 'preferred' as const } : ask,
    );
    return {
      kind: 'pci-locality',
      say: `let ${names.join(' and ')} prefer to be on a cell of the guest, instead of having to`,
      set: { 'spec.pci': changed },
      request: { ...request, pci: changed },
    };
  };
  return [{ parts: near.length, without }];
}

function threadsPrefer(request: PlacementRequest): readonly Softening[] {
  if (request.policy === 'shared' || request.threads === 'prefer') return [];
  return [
    whole({
      kind: 'threads-prefer',
      say: `use thread policy prefer instead of ${request.threads}`,
      set: { 'spec.cpu.threads': 'prefer' },
      request: { ...request, threads: 'prefer' },
    }),
  ];
}

function dropCpuset(request: PlacementRequest): readonly Softening[] {
  const { cpuset, ...rest } = request;
  if (cpuset === undefined) return [];
  return [
    whole({
      kind: 'drop-cpuset',
      say: `leave out the cpuset ${formatIntSet(cpuset)}`,
      set: { 'spec.cpu.cpuset': null },
      request: rest,
    }),
  ];
}

function dropNodeset(request: PlacementRequest): readonly Softening[] {
  const { nodeset, ...rest } = request;
  if (nodeset === undefined) return [];
  return [
    whole({
      kind: 'drop-nodeset',
      say: `leave out the nodeset ${formatIntSet(nodeset)}`,
      set: { 'spec.numa.nodeset': null },
      request: rest,
    }),
  ];
}

/** Memory that only prefers its cell; else whatever policy Berth would choose. */
function memoryPolicy(request: PlacementRequest): readonly Softening[] {
  const { memoryMode, nodeset, cells, ...rest } = request;
  const free = { ...rest, cells, ...(nodeset === undefined ? {} : { nodeset }) };
  // libvirt takes one cell for this policy, and a guest without cells has no policy.
  const canPrefer = cells !== 'none' && (nodeset === undefined || nodeset.length === 1);
  const preferring: Change = {
    kind: 'memory-policy',
    say: `let its memory prefer its cell instead of having to lie there`,
    set: { 'spec.numa.policy': 'preferred' },
    request: { ...free, memoryMode: 'preferred' },
  };
  const dropping: Change = {
    kind: 'memory-policy',
    say: `leave out the memory policy ${memoryMode ?? ''}`,
    set: { 'spec.numa.policy': null },
    request: free,
  };
  return [
    ...(canPrefer && isBound(request) ? [whole(preferring)] : []),
    ...(memoryMode === undefined ? [] : [whole(dropping)]),
  ];
}

/** The memory has to lie somewhere, whatever page size the host has. */
function isBound({ memoryMode, policy, cells, nodeset, pageKiB }: PlacementRequest): boolean {
  if (memoryMode !== undefined) return memoryMode !== 'preferred';
  const isFree = policy === 'shared' && cells === 'auto' && nodeset === undefined;
  return !isFree || pageKiB !== undefined;
}

/** What the guest asks of its host; its pCPUs come last, as the guest notices them most. */
export const GUEST_WISHES: readonly Wish[] = [
  emulatorShare,
  ioThreadsShare,
  pciLocality,
  threadsPrefer,
  dropCpuset,
  dropNodeset,
  memoryPolicy,
  policyShared,
];
