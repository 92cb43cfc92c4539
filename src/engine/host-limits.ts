import { formatIntSet } from '../base/int-set.ts';
import { formatSize, KIB } from '../base/units.ts';
import { dedicatedLimits, floatingSomewhereLimits, hostPlace } from './cpu-limits.ts';
import type { Frame } from './frame.ts';
import { besideFloating, isSoft } from './frame.ts';
import { partsGiven } from './guest-parts.ts';
import type { CellAccount } from './ledger.ts';
import { hostPagesShort, memoryShort, pagesShort, ramLimits } from './memory-limits.ts';
import { roomFor } from './memory-plan.ts';
import { hostPciLimits } from './pci-choice.ts';
import type { BrokenLimit } from './refusal.ts';
import { isDedicatedVcpu, vcpuKinds } from './request.ts';
import { ownPcpus } from './thread-place.ts';

/**
 * What the thread policy demands of the machine and of the numbers of vCPUs. Nothing else about
 * CPUs can be counted while one of these is broken.
 */
export function threadLimits({ ledger, request }: Frame): readonly BrokenLimit[] {
  if (request.policy === 'shared' || request.threads !== 'require') return [];
  const { threads } = ledger.shape;
  if (threads === 1) {
    return [
      {
        check: 'smt',
        need: 'SMT',
        have: 'one thread per core',
        say: `thread policy require needs SMT, but each core of ${ledger.host.name} runs one thread`,
        heldBy: [],
      },
    ];
  }
  const parts = partsGiven(request)?.map(({ vcpus }) => vcpus) ?? [
    Array.from({ length: request.vcpus }, (_, vcpu) => vcpu),
  ];
  return parts
    .map((vcpus) => vcpus.filter((vcpu) => isDedicatedVcpu(request, vcpu)).length)
    .filter((vcpus) => vcpus % threads !== 0)
    .map((vcpus) => ({
      check: 'whole-cores',
      need: threads * Math.ceil(vcpus / threads),
      have: vcpus,
      unit: 'vCPUs',
      say: `thread policy require needs whole cores of ${threads} threads, and ${vcpus} vCPUs are none`,
      heldBy: [],
    }));
}

/** What the host as a whole cannot give, however the guest is laid out. */
export function hostLimits(frame: Frame): readonly BrokenLimit[] {
  const { request } = frame;
  const { dedicated, floating } = vcpuKinds(request);
  const own = ownPcpus(request);
  const beside = besideFloating(frame, frame.homes, floating);
  return [
    ...floatingSomewhereLimits(frame, hostPlace(frame)),
    ...dedicatedLimits(beside, hostPlace(beside), {
      dedicated,
      emulator: own.emulator + own.io,
    }),
    ...hostMemoryLimits(frame),
    ...hostPciLimits(frame),
  ];
}

/**
 * Limits of the host that a seating cannot see, cell by cell as it is found; it keeps every other one
 * of `hostLimits` by itself.
 */
export function unseenLimits(frame: Frame): readonly BrokenLimit[] {
  return frame.huge ? hostPagesShort(frame, frame.request.memoryBytes) : [];
}

/** Memory limits of the host alone: also good where the CPUs cannot be counted. */
export function hostMemoryLimits(frame: Frame): readonly BrokenLimit[] {
  const { request, overheadBytes, huge } = frame;
  const cells = memoryCells(frame);
  const general = cells.every((cell) => cell.hasCpus);
  const ordinary = overheadBytes + (huge ? 0 : request.memoryBytes);
  const counted = countsAll(frame) ? overheadBytes + request.memoryBytes : ordinary;
  return [
    ...(huge ? pageLimits(frame, cells) : []),
    ...(huge || isSoft(frame) || frame.layout === 'floating'
      ? []
      : boundLimits(frame, cells, ordinary)),
    ...(general ? ramLimits(frame, counted) : []),
  ];
}

/** True where the host's memory ratio counts pages of pools too. */
export function countsAll({ ledger }: Frame): boolean {
  return ledger.host.policy.ramCounts === 'all';
}

/** Every cell that any of the memory could come from. */
function memoryCells({ ledger, nodes, homes, remote, mode }: Frame): readonly CellAccount[] {
  const every = remote || mode === 'interleave';
  const indexes =
    nodes === undefined
      ? homes
      : nodes.filter((i) => every || homes.includes(i) || ledger.cells[i]?.hasCpus === false);
  return ledger.cells.filter((cell) => indexes.includes(cell.index));
}

function boundLimits(
  frame: Frame,
  cells: readonly CellAccount[],
  ordinary: number,
): readonly BrokenLimit[] {
  const room = cells.reduce((sum, cell) => sum + roomFor(frame, cell), 0);
  return cells.length > 0 && room < ordinary ? [memoryShort(frame, cells, ordinary)] : [];
}

function pageLimits(frame: Frame, cells: readonly CellAccount[]): readonly BrokenLimit[] {
  const { ledger, pageKiB, request } = frame;
  const pools = cells.flatMap((cell) => cell.pools);
  if (!pools.some((pool) => pool.sizeKiB === pageKiB && pool.total > 0)) {
    const sizes = new Set(pools.filter((pool) => pool.total > 0).map((pool) => pool.sizeKiB));
    const have = [...sizes].map((size) => formatSize(size * KIB)).join(', ');
    const size = formatSize(pageKiB * KIB);
    return [
      {
        check: 'page-size',
        need: size,
        have: have === '' ? 'none' : have,
        say: `${ledger.host.name} has no pool of ${size} pages${cells.length < ledger.cells.length ? ` in cells ${formatIntSet(cells.map((cell) => cell.id))}` : ''}; it has ${have === '' ? 'no pools' : have}`,
        heldBy: [],
      },
    ];
  }
  const room = cells.reduce((sum, cell) => sum + roomFor(frame, cell), 0);
  if (room < request.memoryBytes) return [pagesShort(frame, cells, request.memoryBytes)];
  return hostPagesShort(frame, request.memoryBytes);
}
