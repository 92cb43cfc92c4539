import type { Seat } from '../../model/host.ts';
import type { Ledger } from '../ledger.ts';
import type { Found } from '../place.ts';
import type { PlacementRequest } from '../request.ts';

/** Hosts on which changed requests are tried, and between which VMs may be moved on trial. */
export interface World {
  readonly ledgers: readonly Ledger[];
  /** About how many hosts one search looks into. */
  readonly looks: number;
  /** Whether the VM fits some host. */
  fits(request: PlacementRequest): boolean;
  /** The best place for it. */
  find(request: PlacementRequest): Found | undefined;
  /** Enters a seat on the host of that name. */
  enter(host: string, seat: Seat): void;
  /** Takes a seat out again. */
  leave(uuid: string): void;
}

/** One ledger for each machine that differs from the others, whatever runs there. */
export function machinesOf({ ledgers }: World): readonly Ledger[] {
  return [...new Map(ledgers.map((ledger) => [ledger.host.topology, ledger])).values()];
}
