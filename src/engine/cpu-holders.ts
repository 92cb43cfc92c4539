import { BitSet } from '../base/bit-set.ts';

/** How many seats have each pCPU for themselves; more than one only where somebody erred. */
export class CpuHolders {
  readonly #held = new BitSet();
  /** Seats beyond the first, where there are any. */
  #more: Map<number, number> | undefined;

  has(cpu: number): boolean {
    return this.#held.has(cpu);
  }

  add(cpu: number): void {
    if (!this.#held.has(cpu)) {
      this.#held.add(cpu);
      return;
    }
    this.#more ??= new Map();
    this.#more.set(cpu, (this.#more.get(cpu) ?? 0) + 1);
  }

  /** Takes one seat away from the pCPU, which must have one. */
  remove(cpu: number): void {
    const more = this.#more?.get(cpu) ?? 0;
    if (more === 0) this.#held.delete(cpu);
    else if (more === 1) this.#more?.delete(cpu);
    else this.#more?.set(cpu, more - 1);
  }
}
