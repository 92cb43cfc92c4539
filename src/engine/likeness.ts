import type { Seat } from '../model/host.ts';
import type { Ledger } from './ledger.ts';

/**
 * Tells which hosts have equal books: those that differ in the names of the host and of its VMs
 * alone, and in how long these stay. It is to be told when seats come and go.
 */
export class Likenesses {
  readonly #topologies = new Map<object, number>();
  readonly #kinds = new Map<string, number>();
  readonly #seats = new Map<Seat, number>();
  readonly #known = new Map<Ledger, string>();
  readonly #distinct = new Set<string>();
  #compared = 0;

  /** The same word for hosts with equal books. */
  of(ledger: Ledger): string {
    const known = this.#known.get(ledger);
    if (known !== undefined) return known;
    const { host, seats, cells, unboundPages } = ledger;
    const kinds = Array.from(seats.values(), (seat) => this.kindOf(seat)).toSorted((a, b) => a - b);
    // Pages of seats are taken already, or will be: that is in the books alone.
    const pending = [...cells.flatMap(({ pools }) => pools), ...unboundPages].map(
      (pool) => pool.pending,
    );
    const { policy, labels, networks, topology } = host;
    const machine = [numbered(this.#topologies, topology), policy, labels, networks];
    const word = `${JSON.stringify(machine)} ${pending.join()} ${kinds.join()}`;
    this.#known.set(ledger, word);
    this.#distinct.add(word);
    this.#compared++;
    return word;
  }

  /** The same, or undefined where so few hosts are alike that it does not pay to compare them. */
  ofMany(ledger: Ledger): string | undefined {
    const { size } = this.#distinct;
    const areRare = size > DISTINCT_FIRST && this.#compared - size < size * ALIKE_LEAST;
    return areRare ? undefined : this.of(ledger);
  }

  /** The same number for seats that differ in name and end alone. */
  kindOf(seat: Seat): number {
    const known = this.#seats.get(seat);
    if (known !== undefined) return known;
    const kind = numbered(
      this.#kinds,
      JSON.stringify({ ...seat, vm: '', uuid: '', expectedEnd: 0 }),
    );
    this.#seats.set(seat, kind);
    return kind;
  }

  /** The host's books changed. */
  forget(ledger: Ledger): void {
    this.#known.delete(ledger);
  }
}

/** Hosts are compared until so many differ, and on from there where at least that share is like another. */
const DISTINCT_FIRST = 256;
const ALIKE_LEAST = 1 / 8;

function numbered<T>(numbers: Map<T, number>, thing: T): number {
  const number = numbers.get(thing) ?? numbers.size;
  numbers.set(thing, number);
  return number;
}
