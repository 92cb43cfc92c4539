import type { Seat } from '../../model/host.ts';
import { labelPairs } from '../../model/relation.ts';
import type { Places } from './places.ts';
import { NO_PLACE } from './places.ts';
import { PlaceCount } from './place-count.ts';

/** Looks up the places over a word of a rule. */
export type PlacesOf = (over: string) => Places;

/** Names of VMs by uuid, on each host that has any. */
type VmsOnHosts = Map<number, Map<string, string>>;

/** Stands for every VM where a rule names no selector. */
const EVERY_VM = '';

/**
 * Which VMs with which labels are on which host. Counts of a label over a kind of place are made
 * when they are first asked for, and kept from then on.
 */
export class VmIndex {
  readonly #placesOf: PlacesOf;
  /** How many VMs each host has, labelled or not. */
  readonly #seats: number[];
  readonly #byLabel = new Map<string, VmsOnHosts>();
  readonly #counts = new Map<string, Map<string, PlaceCount>>();

  constructor(hosts: number, placesOf: PlacesOf) {
    this.#placesOf = placesOf;
    this.#seats = Array.from({ length: hosts }, () => 0);
  }

  /** Enters a VM on the host at that index. Its uuid must not be on it yet. */
  enter(host: number, seat: Seat): void {
    for (const pair of labelPairs(seat.labels)) {
      const hosts = this.#byLabel.get(pair) ?? new Map<number, Map<string, string>>();
      const vms = hosts.get(host) ?? new Map<string, string>();
      this.#byLabel.set(pair, hosts.set(host, vms.set(seat.uuid, seat.vm)));
      this.#add(pair, host, 1);
    }
    this.#seats[host] = (this.#seats[host] ?? 0) + 1;
    this.#add(EVERY_VM, host, 1);
  }

  /** Takes a VM out again: the seat must be the one that was entered there. */
  leave(host: number, seat: Seat): void {
    for (const pair of labelPairs(seat.labels)) {
      const hosts = this.#byLabel.get(pair);
      const vms = hosts?.get(host);
      vms?.delete(seat.uuid);
      if (vms?.size === 0) hosts?.delete(host);
      if (hosts?.size === 0) this.#byLabel.delete(pair);
      this.#add(pair, host, -1);
    }
    this.#seats[host] = (this.#seats[host] ?? 0) - 1;
    this.#add(EVERY_VM, host, -1);
  }

  /** How many VMs of a selector (absent: VMs of any kind) each place has. */
  countOf(over: string, selector: string = EVERY_VM): PlaceCount {
    const counts = this.#counts.get(selector) ?? new Map<string, PlaceCount>();
    const known = counts.get(over);
    if (known !== undefined) return known;
    const places = this.#placesOf(over);
    const count = new PlaceCount(places.count);
    for (const [host, vms] of this.#vmCounts(selector)) {
      const place = places.of[host] ?? NO_PLACE;
      if (place !== NO_PLACE) count.add(place, vms);
    }
    this.#counts.set(selector, counts.set(over, count));
    return count;
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

  #add(selector: string, host: number, vms: 1 | -1): void {
    for (const [over, count] of this.#counts.get(selector) ?? []) {
      const place = this.#placesOf(over).of[host] ?? NO_PLACE;
      if (place !== NO_PLACE) count.add(place, vms);
    }
  }
}
