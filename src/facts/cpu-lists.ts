import { formatIntSet } from '../base/int-set.ts';

/** Sets of CPUs in the kernel's two forms. Maps are as wide as the machine's highest CPU number asks. */
export class CpuLists {
  readonly #words: number;

  /** @param ids every CPU of the machine. */
  constructor(ids: readonly number[]) {
    this.#words = Math.floor(Math.max(0, ...ids) / 32) + 1;
  }

  list(ids: readonly number[]): string {
    return `${formatIntSet(ids)}\n`;
  }

  map(ids: readonly number[]): string {
    const width = Math.max(this.#words, ...ids.map((id) => Math.floor(id / 32) + 1));
    const words = Array<number>(width).fill(0);
    for (const id of ids) {
      const word = Math.floor(id / 32);
      words[word] = (words[word] ?? 0) + 2 ** (id % 32);
    }
    const text = words.map((word) => word.toString(16).padStart(8, '0'));
    return `${text.toReversed().join(',')}\n`;
  }
}
