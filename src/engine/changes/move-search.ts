import type { Seat } from '../../model/host.ts';
import { seatOf } from '../../model/host.ts';
import type { Ledger } from '../ledger.ts';
import { applySeat, releaseSeat } from '../ledger.ts';
import { fitsHost } from '../place-on-host.ts';
import type { PlacementRequest } from '../request.ts';
import type { Move } from './change.ts';
import { Company } from './company.ts';
import { couldTake } from './could-take.ts';
import { goalHosts } from './goal-hosts.ts';
import { leavingGroups } from './leaving.ts';
import { bytesOf, isMovable, requestOfSeat } from './seat-request.ts';
import type { World } from './world.ts';

/**
 * Looks for moves that make room for one VM: a host that would take it if some VMs left, and for each
 * of these a host that takes them, for which others may have to leave before. Every move is made on
 * the books and taken back, so that what is found is proven step by step.
 */
export class MoveSearch {
  readonly #world: World;
  readonly #company: Company;
  readonly #path: { readonly move: Move; readonly bytes: number }[] = [];
  readonly #best: { moves?: readonly Move[]; bytes: number } = { bytes: Number.POSITIVE_INFINITY };
  /** How much may still be looked at, in hosts. */
  #looks = LOOKS_MAX;

  constructor(world: World) {
    this.#world = world;
    this.#company = new Company(world);
  }

  /** Moves of so many VMs at most, with the least memory; undefined where none were found. */
  within(request: PlacementRequest, most: number): readonly Move[] | undefined {
    delete this.#best.moves;
    this.#best.bytes = Number.POSITIVE_INFINITY;
    this.#makeRoom({ request, spare: most }, () => {
      const bytes = this.#bytes();
      if (bytes >= this.#best.bytes || !this.#charged(() => this.#world.fits(request))) return;
      this.#best.bytes = bytes;
      this.#best.moves = this.#path.map(({ move }) => move);
    });
    return this.#best.moves;
  }

  /** Has VMs leave a host so that it takes the one asked for, and goes on with `next` while they are away. */
  #makeRoom(want: Want, next: (spare: number) => void): void {
    const { request, spare, except } = want;
    this.#looks -= this.#world.ledgers.length / GOALS_PER_LOOK;
    for (const ledger of goalHosts(this.#world, request, spare)) {
      if (ledger.host.name === except) continue;
      for (const leaving of this.#choices(ledger, request, spare)) {
        this.#evacuate({ leaving, ledger, spare: spare - leaving.length }, next);
      }
    }
  }

  /** Groups of VMs on a host, the smallest first, without which it would take the VM. */
  #choices(ledger: Ledger, request: PlacementRequest, most: number): Iterable<readonly Seat[]> {
    return leavingGroups([...ledger.seats.values()].filter(isMovable), {
      most,
      isBetter: (bytes) => this.#bytes() + bytes < this.#best.bytes,
      suffices: (group) => {
        this.#looks--;
        return fitsWithout(ledger, group, request);
      },
      moreMayHelp: mindsOthers(request),
      goOn: () => (this.#looks -= 1 / BOUNDS_PER_LOOK) > 0,
    });
  }

  /** Moves every one of the VMs away, in whatever order works. */
  #evacuate(task: Evacuation, next: (spare: number) => void): void {
    const { leaving, ledger, spare } = task;
    if (leaving.length === 0) {
      next(spare);
      return;
    }
    for (const seat of leaving) {
      const request = requestOfSeat(ledger, seat);
      if (request === undefined || !ledger.seats.has(seat.uuid)) continue;
      const rest = leaving.filter((other) => other !== seat);
      const goOn = (left: number): void => {
        this.#evacuate({ leaving: rest, ledger, spare: left }, next);
      };
      this.#moveAway({ seat, request, ledger }, () => {
        goOn(spare);
      });
      if (spare === 0) continue;
      this.#makeRoom({ request, spare, except: ledger.host.name }, (left) => {
        this.#moveAway({ seat, request, ledger }, () => {
          goOn(left);
        });
      });
    }
  }

  /** Moves a VM to each host that takes it, the best first, goes on from there, and takes it back. */
  #moveAway(going: Going, next: () => void): void {
    const { seat, request, ledger } = going;
    // It may have gone already to make room for another.
    if (!ledger.seats.has(seat.uuid)) return;
    const from = ledger.host.name;
    const tried = [...(request.excludeHosts ?? []), from];
    for (let count = 0; count < TARGETS_MAX && !this.#isOver(seat); count++) {
      this.#world.leave(from, seat.uuid);
      const wanted = { ...request, excludeHosts: [...tried] };
      const found = this.#charged(() => this.#world.find(wanted));
      if (found === undefined) {
        this.#world.enter(from, seat);
        return;
      }
      const { vm, uuid } = seat;
      const target = this.#world.enter(found.host, seatOf({ ...seat, name: vm }, found.write()));
      this.#company.moved(uuid, target);
      this.#path.push({ move: { vm, uuid, from, to: found.host }, bytes: bytesOf(seat) });
      if (this.#company.isKept(seat)) next();
      this.#path.pop();
      this.#world.leave(found.host, uuid);
      this.#company.moved(uuid, this.#world.enter(from, seat));
      tried.push(found.host);
    }
  }

  /** Charges what a question to the world costs: the hosts looked into, and the sums over all. */
  #charged<T>(question: () => T): T {
    const before = this.#world.asked;
    const answer = question();
    const asked = this.#world.asked - before;
    this.#looks -= asked + this.#world.ledgers.length / BOUNDS_PER_LOOK;
    return answer;
  }

  #isOver(seat: Seat): boolean {
    return this.#looks <= 0 || this.#bytes() + bytesOf(seat) >= this.#best.bytes;
  }

  #bytes(): number {
    return this.#path.reduce((sum, { bytes }) => sum + bytes, 0);
  }
}

interface Want {
  readonly request: PlacementRequest;
  /** How many VMs may be moved for it. */
  readonly spare: number;
  /** A host that is not to take it. */
  readonly except?: string;
}

interface Evacuation {
  readonly leaving: readonly Seat[];
  readonly ledger: Ledger;
  /** How many more VMs may be moved for them. */
  readonly spare: number;
}

interface Going {
  readonly seat: Seat;
  readonly request: PlacementRequest;
  /** Of the host that it leaves. */
  readonly ledger: Ledger;
}

/** Some 30 us each. */
const LOOKS_MAX = 20_000;
/** Sums over so many hosts take as long as one look into a host. */
const BOUNDS_PER_LOOK = 64;
/** The same of what would have to leave a host. */
const GOALS_PER_LOOK = 16;
/** Hosts to which one VM is moved on trial. */
const TARGETS_MAX = 8;

/** With such rules it may matter that more VMs leave than those whose room is needed. */
function mindsOthers({ labels, affinity, antiAffinity, spread }: PlacementRequest): boolean {
  return [labels, affinity, antiAffinity, spread].some((rules) => rules !== undefined);
}

/** Whether the host would take the VM without those seats; its books are as before. */
function fitsWithout(ledger: Ledger, seats: readonly Seat[], request: PlacementRequest): boolean {
  for (const seat of seats) releaseSeat(ledger, seat.uuid);
  const fits = couldTake(ledger, request) && fitsHost(ledger, request);
  for (const seat of seats) applySeat(ledger, seat);
  return fits;
}
