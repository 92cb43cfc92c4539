import { GIB } from '../../base/units.ts';
import { CELL } from './room-layout.ts';

/** A kind of part that cells are filled with: pCPUs and ordinary memory. */
export interface CellFilling {
  readonly vcpus: number;
  readonly bytes: number;
  /** How often such a part is asked for; sums up to any number. */
  readonly share: number;
  /** Chance that the next one is still to be had elsewhere, if it does not fit here: 0 to 1. */
  readonly elsewhere: number;
}

/**
 * What the free pCPUs and ordinary memory of a cell are worth: the vCPUs that guests of the usual
 * mix, coming one after the other, will still put there. A part that does not fit goes elsewhere, as
 * long as there is room for it elsewhere; else the cell has had its last. Worked out backwards, from
 * full cells on:
 *
 *     worth(s) = sum of share(k) * (vcpus(k) + worth(s - k)), over the kinds that fit
 *                / (1 - sum of share(k) * elsewhere(k), over those that do not)
 */
export class CellWorth {
  readonly #table: Float64Array;
  readonly #cpus: number;
  readonly #steps: number;
  readonly #stepBytes: number;
  readonly #unit: number;

  /**
   * @param largest the most pCPUs and bytes that any cell has.
   * @param unit vCPUs that count as 1.
   */
  constructor(
    fillings: readonly CellFilling[],
    largest: { readonly cpus: number; readonly bytes: number },
    unit: number,
  ) {
    this.#cpus = largest.cpus;
    this.#stepBytes = Math.max(GIB, largest.bytes / STEPS_MOST);
    this.#steps = Math.floor(largest.bytes / this.#stepBytes);
    this.#unit = unit;
    this.#table = new Float64Array((this.#cpus + 1) * (this.#steps + 1));
    this.#fill(fillings);
  }

  /** What the cell is worth whose numbers begin there. */
  at(row: Float64Array, at: number): number {
    return this.of(row[at + CELL.free] ?? 0, row[at + CELL.bytes] ?? 0);
  }

  /** What a cell with so many free pCPUs and so much ordinary memory is worth. */
  of(pcpus: number, bytes: number): number {
    const free = Math.min(this.#cpus, pcpus);
    const memory = Math.floor(bytes / this.#stepBytes);
    if (free <= 0 || memory <= 0) return 0;
    const found = this.#table[free * (this.#steps + 1) + Math.min(this.#steps, memory)] ?? 0;
    return found / this.#unit;
  }

  #fill(fillings: readonly CellFilling[]): void {
    const total = fillings.reduce((sum, { share }) => sum + share, 0);
    const kinds = fillings.map((kind) => ({
      ...kind,
      share: kind.share / total,
      steps: Math.ceil(kind.bytes / this.#stepBytes),
    }));
    const width = this.#steps + 1;
    for (let free = 0; free <= this.#cpus; free++) {
      for (let memory = 0; memory < width; memory++) {
        let [worth, lost] = [0, 0];
        for (const { share, vcpus, steps, elsewhere } of kinds) {
          if (vcpus <= free && steps <= memory) {
            worth += share * (vcpus + (this.#table[(free - vcpus) * width + memory - steps] ?? 0));
          } else {
            lost += share * elsewhere;
          }
        }
        this.#table[free * width + memory] = worth === 0 ? 0 : worth / (1 - lost);
      }
    }
  }
}

/** Memory of the largest cell in at most so many steps: beyond a TiB they are wider than a GiB. */
const STEPS_MOST = 1024;
