import { present } from '../base/assert.ts';
import type { BitSet } from '../base/bit-set.ts';
import { cellPlace, floatingLimits, floatOver, hostPlace } from './cpu-limits.ts';
import type { Frame } from './frame.ts';
import type { GuestPart } from './guest-parts.ts';
import { memoryShort } from './memory-limits.ts';
import { inTurns, roomFor } from './memory-plan.ts';
import { choosePci, pciShortfall } from './pci-choice.ts';
import { compareRanks } from './rank.ts';
import type { BrokenLimit } from './refusal.ts';
import type { PlacementRequest } from './request.ts';
import type { Attempt, Seating } from './seating.ts';
import { failed } from './seating.ts';
import { loadIn } from './room/room.ts';
import { HOST } from './room/room-layout.ts';
import { slotFits } from './room/slot-room.ts';
import { wholeNeed } from './slot-fit.ts';
import { seatThreads } from './thread-place.ts';

/** Tries to let the guest float over one cell that has room for its memory, the least loaded one. */
export function floatInOneCell(frame: Frame): Attempt {
  const { request, ledger } = frame;
  const [best] = frame.homes
    .filter((home) => takesWhole(frame, home))
    .map((home) => ({ home, rank: rank(frame, home) }))
    .toSorted((a, b) => compareRanks(a.rank, b.rank));
  if (best === undefined)
    return failed(() => frame.homes.flatMap((home) => cellLimits(frame, home)));
  const cell = present(ledger.cells[best.home], `cell at ${best.home}`).id;
  return withPci(frame, [best.home], {
    ...floatingSeats(request, floatOver(frame, [best.home])),
    parts: [{ part: wholeGuest(frame), home: best.home }],
    memory: [{ cell, bytes: request.memoryBytes, pageKiB: frame.pageKiB }],
    mode: frame.mode,
  });
}

/** Tries to let the guest float over the whole host, its memory anywhere. */
export function floatAnywhere(frame: Frame): Attempt {
  const { request } = frame;
  const over = floatOver(frame, frame.homes);
  const parts = [{ vcpus: request.vcpus, over }];
  const broken = isAmple(frame) ? [] : floatingLimits(frame, hostPlace(frame), parts);
  if (broken.length > 0) return failed(() => broken);
  return withPci(frame, frame.homes, {
    ...floatingSeats(request, over),
    parts: [],
    memory: [{ bytes: request.memoryBytes, pageKiB: frame.pageKiB }],
  });
}

/** Tries to spread the memory over the cells in turns, the vCPUs floating over all of them. */
export function spreadOverCells(frame: Frame): Attempt {
  const { request, ledger, nodes, homes } = frame;
  const cells = (nodes ?? homes).flatMap((index) => ledger.cells[index] ?? []);
  const over = floatOver(frame, homes);
  const memory = inTurns(frame, cells, {
    bytes: request.memoryBytes,
    overheadBytes: frame.overheadBytes,
  });
  const broken = [
    ...floatingLimits(frame, hostPlace(frame), [{ vcpus: request.vcpus, over }]),
    ...memory.broken,
  ];
  if (broken.length > 0) return failed(() => broken);
  return withPci(frame, nodes ?? homes, {
    ...floatingSeats(request, over),
    parts: [],
    memory: memory.shares,
    mode: frame.mode,
  });
}

function withPci(
  frame: Frame,
  homes: readonly number[],
  seating: Omit<Seating, 'pci' | 'pciNear'>,
): Attempt {
  const choice = choosePci(frame, homes);
  if (!choice.ok) return failed(() => [choice.broken]);
  return { ok: true, seating: { ...seating, pci: choice.seats, pciNear: choice.near } };
}

/** Whether one cell carries the guest, and the host its vCPUs. */
function takesWhole(frame: Frame, home: number): boolean {
  if (!frame.counted) return cellLimits(frame, home).length === 0;
  const { row, layout } = frame.room;
  const need = wholeNeed(frame);
  return isAmple(frame) && slotFits(row, layout, { need, index: home });
}

/** Whether counts alone say that the host's pool carries the guest. */
function isAmple({ counted, room: { row }, request: { vcpus } }: Frame): boolean {
  return counted && vcpus <= (row[HOST.floats] ?? 0) && vcpus <= (row[HOST.pool] ?? 0);
}

function cellLimits(frame: Frame, home: number): readonly BrokenLimit[] {
  const account = present(frame.ledger.cells[home], `cell at ${home}`);
  const needBytes = frame.request.memoryBytes + frame.overheadBytes;
  const over = floatOver(frame, [home]);
  return [
    ...floatingLimits(frame, cellPlace(frame, home), [{ vcpus: frame.request.vcpus, over }]),
    ...(roomFor(frame, account) < needBytes ? [memoryShort(frame, [account], needBytes)] : []),
  ];
}

function rank(frame: Frame, home: number): readonly number[] {
  const account = present(frame.ledger.cells[home], `cell at ${home}`);
  return [
    pciShortfall(frame, home),
    loadIn(frame.room, home, frame.request.vcpus),
    -roomFor(frame, account),
    home,
  ];
}

function wholeGuest({ request }: Frame): GuestPart {
  const vcpus = Array.from({ length: request.vcpus }, (_, vcpu) => vcpu);
  return { id: 0, vcpus, bytes: request.memoryBytes };
}

function floatingSeats(
  request: PlacementRequest,
  over: BitSet,
): Omit<Seating, 'parts' | 'memory' | 'mode' | 'pci' | 'pciNear'> {
  const pcpus = [...over];
  return {
    vcpus: Array.from({ length: request.vcpus }, (_, vcpu) => ({ vcpu, pcpus })),
    ...seatThreads(request, pcpus, []),
    dedicated: [],
    blocked: [],
    unpaired: 0,
    broken: 0,
  };
}
