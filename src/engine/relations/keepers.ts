import type { Seat } from '../../model/host.ts';
import type { PlacesOf } from './vm-index.ts';
import { NO_PLACE } from './places.ts';

/** VMs in one place that keep one kind of VM away from it. */
export interface Keepers {
  readonly selector: string;
  readonly over: string;
  readonly place: number;
  /** Their names, ascending. */
  readonly vms: readonly string[];
}

/** Names of VMs by uuid, in each place that has any. */
type VmsInPlaces = Map<number, Map<string, string>>;

/** Who keeps which VMs away from its place: the hard anti-affinity of the VMs that are there. */
export class KeeperIndex {
  readonly #placesOf: PlacesOf;
  /** By the label kept away, then by what is one place. */
  readonly #bySelector = new Map<string, Map<string, VmsInPlaces>>();

  constructor(placesOf: PlacesOf) {
    this.#placesOf = placesOf;
  }

  /**
   * Enters what a VM on the host at that index keeps away. Over a label that the host lacks it is in no
   * place, and keeps nobody away.
   */
  enter(host: number, { uuid, vm, keepsAway = [] }: Seat): void {
    for (const { selector, over } of keepsAway) {
      const place = this.#placesOf(over).of[host] ?? NO_PLACE;
      if (place === NO_PLACE) continue;
      const kinds = this.#bySelector.get(selector) ?? new Map<string, VmsInPlaces>();
      const places = kinds.get(over) ?? new Map<number, Map<string, string>>();
      const vms = places.get(place) ?? new Map<string, string>();
      places.set(place, vms.set(uuid, vm));
      this.#bySelector.set(selector, kinds.set(over, places));
    }
  }

  /** Takes a VM out again: the seat must be the one that was entered there. */
  leave(host: number, { uuid, keepsAway = [] }: Seat): void {
    for (const { selector, over } of keepsAway) {
      const kinds = this.#bySelector.get(selector);
      const places = kinds?.get(over);
      const place = this.#placesOf(over).of[host] ?? NO_PLACE;
      const vms = places?.get(place);
      vms?.delete(uuid);
      if (vms?.size === 0) places?.delete(place);
      if (places?.size === 0) kinds?.delete(over);
      if (kinds?.size === 0) this.#bySelector.delete(selector);
    }
  }

  /** Whether anybody anywhere keeps VMs with one of these labels away. */
  concerns(pairs: readonly string[]): boolean {
    return pairs.some((pair) => this.#bySelector.has(pair));
  }

  /** Whether somebody in the host's places keeps VMs with one of these labels away. */
  keep(host: number, pairs: readonly string[]): boolean {
    return pairs.some((pair) => {
      for (const [over, places] of this.#bySelector.get(pair) ?? []) {
        if (places.has(this.#placesOf(over).of[host] ?? NO_PLACE)) return true;
      }
      return false;
    });
  }

  /** Those who do, by what they keep away and where. */
  against(host: number, pairs: readonly string[]): readonly Keepers[] {
    return pairs.flatMap((selector) =>
      [...(this.#bySelector.get(selector) ?? [])].flatMap(([over, places]) => {
        const place = this.#placesOf(over).of[host] ?? NO_PLACE;
        const vms = [...(places.get(place)?.values() ?? [])].toSorted();
        return vms.length === 0 ? [] : [{ selector, over, place, vms }];
      }),
    );
  }
}
