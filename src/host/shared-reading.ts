/**
 * Lets those who ask for the same at the same time share one reading. Everybody gets one that began
 * after they asked, so that nobody is told of the past: who asks while one is under way shares the
 * next with all others who do.
 */
export class SharedReading<T> {
  readonly #read: () => Promise<T>;
  #underWay: Promise<unknown> = Promise.resolve();
  #next: Promise<T> | undefined;
  #waiting = 0;

  constructor(read: () => Promise<T>) {
    this.#read = read;
  }

  /** True when nobody waits for a reading. */
  get isIdle(): boolean {
    return this.#waiting === 0;
  }

  /** @throws as reading does. */
  async get(): Promise<T> {
    this.#waiting++;
    try {
      this.#next ??= this.#begin();
      return await this.#next;
    } finally {
      this.#waiting--;
    }
  }

  async #begin(): Promise<T> {
    await this.#underWay;
    this.#next = undefined;
    const reading = this.#read();
    this.#underWay = reading.catch(() => undefined);
    return reading;
  }
}
