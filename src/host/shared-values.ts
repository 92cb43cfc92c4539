/** Values kept before they are forgotten and gathered anew: many times what one host's VMs have. */
const KEPT_MAX = 4096;
/** V8 keeps shorter texts about as cheaply as the reference to them. */
const TEXT_CHARS_MIN = 8;

/**
 * Keeps once what the VMs of a host have alike: lists of pCPUs, reasons, words of their documents.
 * A hundred VMs that float over the same 64 pCPUs would else keep thousands of such lists. What comes
 * out must not be changed by anybody.
 */
export class SharedValues {
  readonly #texts = new Map<string, string>();
  readonly #lists = new Map<string, readonly number[]>();

  /** The same value, plain as JSON is, made of shared parts wherever there are such. */
  share<T>(value: T): T {
    return this.#share(value) as T;
  }

  #share(value: unknown): unknown {
    if (typeof value === 'string') return this.#text(value);
    if (typeof value !== 'object' || value === null) return value;
    if (!Array.isArray(value)) {
      const parts = Object.entries(value).map(([key, part]) => [key, this.#share(part)]);
      return Object.fromEntries(parts) as unknown;
    }
    return value.every((part) => typeof part === 'number')
      ? this.#list(value)
      : value.map((part) => this.#share(part));
  }

  #text(text: string): string {
    if (text.length < TEXT_CHARS_MIN) return text;
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const own = detached(text);
    if (this.#texts.size >= KEPT_MAX) this.#texts.clear();
    this.#texts.set(own, own);
    return own;
  }

  #list(list: readonly number[]): readonly number[] {
    const key = list.join();
    const known = this.#lists.get(key);
    if (known !== undefined) return known;
    if (this.#lists.size >= KEPT_MAX) this.#lists.clear();
    const own = [...list];
    this.#lists.set(key, own);
    return own;
  }
}

/** In memory of its own: V8 keeps a whole document alive for a piece cut out of it. */
function detached(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string;
}
