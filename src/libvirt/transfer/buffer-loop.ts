/** What goes out somewhere, counted. */
export interface Outflow {
  /** Packets that were sent, ever. */
  readonly sentPackets: number;
  /** Those of them whose bytes are in use no longer. */
  readonly leftPackets: number;
}

/**
 * Buffers of one size that are used again once what is in them has left. Fresh ones for every piece
 * would be let go by the collector alone, which takes more time than moving the bytes.
 */
export class BufferLoop {
  readonly #outflow: Outflow | undefined;
  readonly #used: { readonly buffer: Buffer; readonly sentPackets: number }[] = [];

  /** Where nobody counts what has left, each buffer is used once. */
  constructor(outflow: Outflow | undefined) {
    this.#outflow = outflow;
  }

  take(bytes: number): Buffer {
    const oldest = this.#used[0];
    const hasLeft = oldest !== undefined && oldest.sentPackets <= (this.#outflow?.leftPackets ?? 0);
    if (!hasLeft || oldest.buffer.length !== bytes) return Buffer.allocUnsafeSlow(bytes);
    this.#used.shift();
    return oldest.buffer;
  }

  /** All of the buffer that is ever sent has been sent. */
  giveBack(buffer: Buffer): void {
    if (this.#outflow === undefined) return;
    this.#used.push({ buffer, sentPackets: this.#outflow.sentPackets });
  }
}
