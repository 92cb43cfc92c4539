import type { Flavor } from '../model/arrival.ts';

/** Flavors of a trace: guests that ask for the same have the same one. */
export class Flavors {
  readonly #known = new Map<string, Flavor>();

  of(asked: Omit<Flavor, 'name'>): Flavor {
    const name = nameOf(asked);
    const known = this.#known.get(name) ?? { name, ...asked };
    this.#known.set(name, known);
    return known;
  }
}

/** `d-8c16g-2n`: everything that flavors differ in. */
function nameOf({ vcpus, memoryBytes, policy, cells, pageKiB }: Omit<Flavor, 'name'>): string {
  const parts = [
    policy === 'dedicated' ? 'd' : 's',
    `${vcpus}c${memoryBytes / 1024 ** 3}g`,
    ...(typeof cells === 'number' ? [`${cells}n`] : [cells]),
    ...(pageKiB === undefined ? [] : [`${pageKiB}k`]),
  ];
  return parts.join('-');
}
