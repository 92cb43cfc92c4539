import type { Ledger } from '../ledger.ts';
import { Demand } from '../room/demand.ts';
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

/** Prices the kinds of guest that were seen by how rare room for them is on those hosts. */
function worthOf(ledgers: readonly Ledger[], demand: Demand): RoomWorth {
  const rooms = ledgers.map((ledger) => new Room(ledger, PLAIN_OUTLOOK));
  const kinds = demand.kinds().flatMap(({ kind, weight }) => {
    const room = rooms.reduce((sum, { row, layout }) => sum + guestsThatFit(row, layout, kind), 0);
    return room === 0 ? [] : [{ ...kind, price: weight / room }];
  });
  return new RoomWorth(kinds);
}
