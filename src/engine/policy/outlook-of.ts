import { ORDINARY_PAGE_KIB } from '../../model/placement.ts';
import type { Ledger } from '../ledger.ts';
import type { CellFilling } from '../room/cell-worth.ts';
import { CellWorth } from '../room/cell-worth.ts';
import type { GuestKind } from '../room/demand.ts';
import { Demand } from '../room/demand.ts';
import { CELL, cellAt, HOST } from '../room/room-layout.ts';
import { Room } from '../room/room.ts';
import { guestsThatFit } from '../room/room-value.ts';
import { RoomWorth } from '../room/room-worth.ts';
import type { Outlook } from './outlook.ts';
import { PLAIN_OUTLOOK } from './outlook.ts';
import type { Policy } from './policy.ts';

/** What is to be expected on some hosts, from the guests that they have. */
export function outlookOf(ledgers: readonly Ledger[], policy: Policy): Outlook {
  const demand = new Demand();
  for (const { seats } of ledgers) for (const seat of seats.values()) demand.see(seat);
  return outlookFor(ledgers, policy, demand);
}

/** The same from the guests that have come so far, gone ones included. */
export function outlookFor(ledgers: readonly Ledger[], policy: Policy, demand: Demand): Outlook {
  if ((policy.weights['room-kept'] ?? 0) === 0) return { ...PLAIN_OUTLOOK, policy };
  return { policy, worth: worthOf(ledgers, demand) };
}

/**
 * What room is worth there, to the guests that were seen. How much of a kind will be asked for is
 * guessed from its share and from the pCPUs that are free: so many mean guests can still come.
 */
function worthOf(ledgers: readonly Ledger[], demand: Demand): RoomWorth {
  const kinds = demand.kinds();
  const rooms = ledgers.map((ledger) => new Room(ledger, PLAIN_OUTLOOK));
  const mean = kinds.reduce((sum, kind) => sum + kind.share * vcpusOf(kind), 0);
  if (mean === 0) return new RoomWorth();
  const toCome = rooms.reduce((sum, { row }) => sum + (row[HOST.free] ?? 0), 0) / mean;
  const known = kinds.map((kind) => ({ kind, room: roomFor(rooms, kind) }));
  const priced = known
    .filter(({ kind }) => !fillsCells(kind))
    .map(({ kind, room }) => {
      const wanted = kind.share * (vcpusOf(kind) / mean) * toCome;
      return { ...kind, price: wanted / Math.max(1, room) };
    });
  const fillings = known
    .filter(({ kind }) => fillsCells(kind))
    .map(({ kind, room }): CellFilling => {
      const perWanted = room / Math.max(TINY, kind.share * toCome);
      const { vcpus, bytes } = kind;
      const elsewhere = perWanted / (perWanted + ROOM_TO_SPARE);
      return { vcpus, bytes, share: kind.share, elsewhere };
    });
  return new RoomWorth(
    priced,
    fillings.length === 0 ? undefined : cellWorth(rooms, fillings, mean),
  );
}

/** Kinds that take pCPUs and ordinary memory of their own: cells are filled with them. */
function fillsCells({ policy, cells, pageKiB }: GuestKind): boolean {
  return policy === 'dedicated' && cells === 1 && pageKiB === ORDINARY_PAGE_KIB;
}

function vcpusOf({ vcpus, cells }: GuestKind): number {
  return vcpus * Math.max(1, cells);
}

function roomFor(rooms: readonly Room[], kind: GuestKind): number {
  return rooms.reduce((sum, { row, layout }) => sum + guestsThatFit(row, layout, kind), 0);
}

function cellWorth(
  rooms: readonly Room[],
  fillings: readonly CellFilling[],
  mean: number,
): CellWorth {
  let [cpus, bytes] = [0, 0];
  for (const { row, layout } of rooms) {
    for (let index = 0; index < layout.cells; index++) {
      const at = cellAt(layout, index);
      cpus = Math.max(cpus, row[at + CELL.cpus] ?? 0);
      bytes = Math.max(bytes, row[at + CELL.memory] ?? 0);
    }
  }
  return new CellWorth(fillings, { cpus, bytes }, mean);
}

/**
 * How many times more room than wanted there must be for a kind before a cell that cannot take it
 * is half as good: 3 was found on made-up traces of many seeds; from 2 to 5 little changes.
 */
const ROOM_TO_SPARE = 3;
const TINY = 1e-9;
