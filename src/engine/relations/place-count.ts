/** How many VMs of one kind each place has; it knows the fewest without counting anew. */
export class PlaceCount {
  readonly #places: number;
  readonly #counts = new Map<number, number>();
  /** For each count above 0, how many places have it. */
  readonly #frequencies = new Map<number, number>();
  #total = 0;
  #least = 0;

  /** @param places how many places there are; none has a VM yet. */
  constructor(places: number) {
    this.#places = places;
  }

  /** VMs in all places together. */
  get total(): number {
    return this.#total;
  }

  /** VMs in one place. */
  at(place: number): number {
    return this.#counts.get(place) ?? 0;
  }

  /** VMs in the place that has the fewest; 0 where there is no place. */
  get least(): number {
    return this.#least;
  }

  /** Counts VMs in (or, below 0, out). */
  add(place: number, vms: number): void {
    const step = vms < 0 ? -1 : 1;
    for (let left = Math.abs(vms); left > 0; left--) this.#step(place, step);
  }

  #step(place: number, step: 1 | -1): void {
    const before = this.at(place);
    const after = before + step;
    if (after === 0) this.#counts.delete(place);
    else this.#counts.set(place, after);
    this.#total += step;
    this.#frequency(before, -1);
    this.#frequency(after, 1);
    if (after < this.#least) this.#least = after;
    else if (before === this.#least && this.#having(before) === 0) this.#least = after;
  }

  #frequency(count: number, step: 1 | -1): void {
    if (count === 0) return;
    const places = (this.#frequencies.get(count) ?? 0) + step;
    if (places === 0) this.#frequencies.delete(count);
    else this.#frequencies.set(count, places);
  }

  /** How many places have that many VMs. */
  #having(count: number): number {
    return count === 0 ? this.#places - this.#counts.size : (this.#frequencies.get(count) ?? 0);
  }
}
