import type { Seat } from '../model/host.ts';
import type { Ledger } from './ledger.ts';

/** Names of the VMs whose seats match, ascending: who has what is missing. */
export function holdersOf(ledger: Ledger, matches: (seat: Seat) => boolean): readonly string[] {
  return [...ledger.seats.values()]
    .filter(matches)
    .map((seat) => seat.vm)
    .toSorted();
}
