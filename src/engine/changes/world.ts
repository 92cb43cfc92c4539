import type { Seat } from '../../model/host.ts';
import type { Ledger } from '../ledger.ts';
import type { Likenesses } from '../likeness.ts';
import type { Found } from '../place.ts';
import type { PlacementRequest } from '../request.ts';

/** Hosts on which changed requests are tried, and between which VMs may be moved on trial. */
export interface World {
  readonly ledgers: readonly Ledger[];
  /** Which of them have equal books. */
  readonly likenesses: Likenesses;
  /** How many hosts were looked into so far, beside those that sums told apart. */
  readonly asked: number;
  /** Whether the VM fits some host. */
  fits(request: PlacementRequest): boolean;
  /** The best place for it. */
  find(request: PlacementRequest): Found | undefined;
  /** Enters a seat on the host of that name, and returns the host's books. */
  enter(host: string, seat: Seat): Ledger;
  /** Takes the seat of that uuid out of the host of that name. */
  leave(host: string, uuid: string): void;
}

/** One ledger for each machine that differs from the others, whatever runs there. */
export function machinesOf({ ledgers }: World): readonly Ledger[] {
  return [...new Map(ledgers.map((ledger) => [ledger.host.topology, ledger])).values()];
}
