import type { Seat } from '../../model/host.ts';
import { labelPairs } from '../../model/relation.ts';
import type { Places } from './places.ts';
import { NO_PLACE } from './places.ts';
import { Tally } from './tally.ts';

/** Looks up the places over a word of a rule. */
export type PlacesOf = (over: string) => Places;

/** Names of VMs by uuid, on each host that has any. */
type VmsOnHosts = Map<number, Map<string, string>>;

/** Stands for every VM where a rule names no selector. */
const EVERY_VM = '';

/**
 * Which VMs with which labels are on which host. Tallies of a label over a kind of place are made
 * when they are first asked for, and kept from then on.
 */
export class VmIndex {
  readonly #placesOf: PlacesOf;
  /** How many VMs each host has, labelled or not. */
  readonly #seats: number[];
  readonly #byLabel = new Map<string, VmsOnHosts>();
  readonly #tallies = new Map<string, Map<string, Tally>>();

  constructor(hosts: number, placesOf: PlacesOf) {
    this.#placesOf = placesOf;
    this.#seats = Array.from({ length: hosts }, () => 0);
  }

  enter(host: number, seat: Seat): void {
    for (const pair of labelPairs(seat.labels)) {
      const hosts = this.#byLabel.get(pair) ?? new Map<number, Map<string, string>>();
      const vms = hosts.get(host) ?? new Map<string, string>();
      this.#byLabel.set(pair, hosts.set(host, vms.set(seat.uuid, seat.vm)));
      this.#count(pair, host, 1);
    }
    this.#seats[host] = (this.#seats[host] ?? 0) + 1;
    this.#count(EVERY_VM, host, 1);
  }

  leave(host: number, seat: Seat): void {
    for (const pair of labelPairs(seat.labels)) {
      const hosts = this.#byLabel.get(pair);
      const vms = hosts?.get(host);
      vms?.delete(seat.uuid);
      if (vms?.size === 0) hosts?.delete(host);
      if (hosts?.size === 0) this.#byLabel.delete(pair);
      this.#count(pair, host, -1);
    }
    this.#seats[host] = (this.#seats[host] ?? 0) - 1;
    this.#count(EVERY_VM, host, -1);
  }

  /** How many VMs of a selector (absent: VMs of any kind) each place has. */
  tally(over: string, selector: string = EVERY_VM): Tally {
    const tallies = this.#tallies.get(selector) ?? new Map<string, Tally>();
    const known = tallies.get(over);
    if (known !== undefined) return known;
    const places = this.#placesOf(over);
    const tally = new Tally(places.count);
    for (const [host, vms] of this.#vmCounts(selector)) {
      const place = places.of[host] ?? NO_PLACE;
      if (place !== NO_PLACE) tally.add(place, vms);
    }
    this.#tallies.set(selector, tallies.set(over, tally));
    return tally;
  }

  /** Names of the VMs of a selector in one place, ascending. */
  names(over: string, selector: string, place: number): readonly string[] {
    const places = this.#placesOf(over);
    const hosts = [...(this.#byLabel.get(selector) ?? [])];
    return hosts
      .flatMap(([host, vms]) => (places.of[host] === place ? [...vms.values()] : []))
      .toSorted();
  }

  *#vmCounts(selector: string): Generator<readonly [number, number]> {
    if (selector === EVERY_VM) yield* this.#seats.entries();
    else for (const [host, vms] of this.#byLabel.get(selector) ?? []) yield [host, vms.size];
  }

  #count(selector: string, host: number, vms: 1 | -1): void {
    for (const [over, tally] of this.#tallies.get(selector) ?? []) {
      const place = this.#placesOf(over).of[host] ?? NO_PLACE;
      if (place !== NO_PLACE) tally.add(place, vms);
    }
  }
}
