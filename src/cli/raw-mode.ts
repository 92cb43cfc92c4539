import type { Input } from './ports.ts';

/** Every key goes through unchanged while this lives; disposing gives the terminal back. */
export class RawMode implements Disposable {
  readonly #input: Input;

  constructor(input: Input) {
    this.#input = input;
    input.setRawMode?.(true);
  }

  [Symbol.dispose](): void {
    this.#input.setRawMode?.(false);
  }
}
