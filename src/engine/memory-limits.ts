import { formatIntSet } from '../base/int-set.ts';
import { formatSize, KIB } from '../base/units.ts';
import type { Seat } from '../model/host.ts';
import type { Frame } from './frame.ts';
import { counted, has, named, sizes } from './wording.ts';
import type { CellAccount } from './ledger.ts';
import { hostRoomPages, roomBytes, roomPages } from './ledger.ts';
import { holdersOf } from './holders.ts';
import type { BrokenLimit } from './refusal.ts';

/** Ordinary memory is short in a cell, or in several that were to give it together. */
export function memoryShort(
  frame: Frame,
  cells: readonly CellAccount[],
  needBytes: number,
): BrokenLimit {
  const have = sum(cells.map((cell) => Math.max(0, roomBytes(cell, frame.boundRatio))));
  const [left, needed] = sizes(have, needBytes);
  return {
    check: 'memory',
    ...only(cells),
    need: needBytes,
    have,
    unit: 'bytes',
    say: `${has(placeOf(cells))} ${left} of ordinary memory left to bind; the VM needs ${needed}${withOverhead(frame)}`,
    heldBy: holdersOf(frame.ledger, (seat) => hasOrdinary(frame, seat, cells)),
  };
}

/** QEMU's own memory, which is never in huge pages, does not fit beside the pools. */
export function overheadShort(frame: Frame, cell: CellAccount, needBytes: number): BrokenLimit {
  const have = Math.max(0, roomBytes(cell));
  const [left, needed] = sizes(have, needBytes);
  return {
    check: 'memory',
    cell: cell.id,
    need: needBytes,
    have,
    unit: 'bytes',
    say: `cell ${cell.id} has ${left} of ordinary memory left; QEMU itself needs ${needed} beside the guest's huge pages`,
    heldBy: holdersOf(frame.ledger, (seat) => hasOrdinary(frame, seat, [cell])),
  };
}

/** Huge pages are short in a cell, or in several together. */
export function pagesShort(
  frame: Frame,
  cells: readonly CellAccount[],
  bytes: number,
): BrokenLimit {
  const size = formatSize(frame.pageKiB * KIB);
  const need = Math.ceil(bytes / (frame.pageKiB * KIB));
  const have = sum(cells.map((cell) => roomPages(cell, frame.pageKiB)));
  return {
    check: 'pages',
    ...only(cells),
    need,
    have,
    unit: 'pages',
    say: `${has(placeOf(cells))} ${counted(have, 'free page')} of ${size}; the VM needs ${need}`,
    heldBy: holdersOf(frame.ledger, (seat) =>
      seat.memory.some((share) => share.pageKiB === frame.pageKiB && isAmong(share.cell, cells)),
    ),
  };
}

/** Huge pages suffice cell by cell, but seats that name no cell will take some of them. */
export function hostPagesShort(frame: Frame, bytes: number): readonly BrokenLimit[] {
  const need = Math.ceil(bytes / (frame.pageKiB * KIB));
  const have = hostRoomPages(frame.ledger, frame.pageKiB);
  if (have >= need) return [];
  const limit: BrokenLimit = {
    check: 'pages',
    need,
    have,
    unit: 'pages',
    say: `the host has ${counted(have, 'page')} of ${formatSize(frame.pageKiB * KIB)} that no other guest will take; the VM needs ${need}`,
    heldBy: holdersOf(frame.ledger, (seat) =>
      seat.memory.some((share) => share.pageKiB === frame.pageKiB),
    ),
  };
  return [limit];
}

/**
 * What the guest's memory breaks host-wide: its own size, and the sum of all guests.
 * @param bytes what of it counts: its ordinary memory, or all where the policy says so.
 */
export function ramLimits(frame: Frame, bytes: number): readonly BrokenLimit[] {
  const { ledger } = frame;
  const { ramRatio, ramCounts } = ledger.host.policy;
  const kind = ramCounts === 'all' ? 'memory' : 'ordinary memory';
  const allowed = Math.floor(ledger.limitBytes * ramRatio);
  if (bytes <= ledger.limitBytes && ledger.usedBytes + bytes <= allowed) return [];
  const left = Math.max(0, allowed - ledger.usedBytes);
  const [most, would] = sizes(ledger.limitBytes, bytes);
  const [remaining, needed] = sizes(left, bytes);
  const alone: BrokenLimit = {
    check: 'guest-memory',
    need: bytes,
    have: ledger.limitBytes,
    unit: 'bytes',
    say: `one guest cannot have more than the host's ${most} of ${kind}; the VM would have ${would}${withOverhead(frame)}`,
    heldBy: [],
  };
  const together: BrokenLimit = {
    check: 'ram-ratio',
    need: bytes,
    have: left,
    unit: 'bytes',
    say: `${remaining} is left of the ${formatSize(allowed)} that all guests together may have (${ramRatio} times ${formatSize(ledger.limitBytes)}); the VM needs ${needed}${withOverhead(frame)}`,
    heldBy: holdersOf(ledger, (seat) => seat.overheadBytes > 0 || seat.memory.length > 0),
  };
  return [
    ...(bytes > ledger.limitBytes ? [alone] : []),
    ...(ledger.usedBytes + bytes > allowed ? [together] : []),
  ];
}

function withOverhead({ overheadBytes }: Frame): string {
  return overheadBytes === 0 ? '' : ", QEMU's own included";
}

function hasOrdinary(frame: Frame, seat: Seat, cells: readonly CellAccount[]): boolean {
  const { basePageKiB } = frame.ledger.shape;
  return (
    seat.memory.some((share) => share.pageKiB <= basePageKiB && isAmong(share.cell, cells)) ||
    (seat.overheadBytes > 0 && isAmong(seat.memory[0]?.cell, cells))
  );
}

function isAmong(id: number | undefined, cells: readonly CellAccount[]): boolean {
  return cells.some((cell) => cell.id === id);
}

function only(cells: readonly CellAccount[]): { readonly cell?: number } {
  const [cell] = cells;
  return cells.length === 1 && cell !== undefined ? { cell: cell.id } : {};
}

function placeOf(cells: readonly CellAccount[]): string {
  const place = named('cell', formatIntSet(cells.map((cell) => cell.id)));
  return cells.length === 1 ? place : `${place} together`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
