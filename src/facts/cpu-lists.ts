import { formatIntSet } from '../base/int-set.ts';

/** Sets of CPUs in the kernel's two forms. Maps are as wide as the highest CPU number asks. */
export class CpuLists {
  readonly #words: number;

  /** @param ids every CPU of the machine. */
  constructor(ids: readonly number[]) {
    this.#words = Math.floor(Math.max(...ids) / 32) + 1;
  }

  list(ids: readonly number[]): string {
    return `${formatIntSet(ids)}\n`;
  }

  map(ids: readonly number[]): string {
    const words = Array<number>(this.#words).fill(0);
    for (const id of ids) {
      const word = Math.floor(id / 32);
      words[word] = (words[word] ?? 0) + 2 ** (id % 32);
    }
    const text = words.map((word) => word.toString(16).padStart(8, '0'));
    return `${text.toReversed().join(',')}\n`;
  }
}
