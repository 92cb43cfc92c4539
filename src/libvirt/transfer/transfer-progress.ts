import { Hole } from '../streams/hole.ts';

/** How far a transfer has come. */
export interface TransferProgress {
  /** Bytes of the volume that are done, holes included. */
  readonly doneBytes: number;
  /** Those of them that were told as holes instead of sent. */
  readonly holeBytes: number;
  /** What there is to do; undefined for an upload whose source does not say. */
  readonly totalBytes: number | undefined;
}

/** Counts the pieces of one transfer and tells how far it has come. */
export class TransferMeter {
  readonly totalBytes: number | undefined;
  readonly #tell: ((progress: TransferProgress) => void) | undefined;
  #doneBytes = 0;
  #holeBytes = 0;

  constructor(totalBytes: number | undefined, tell?: (progress: TransferProgress) => void) {
    this.totalBytes = totalBytes;
    this.#tell = tell;
  }

  get progress(): TransferProgress {
    const { totalBytes } = this;
    return { doneBytes: this.#doneBytes, holeBytes: this.#holeBytes, totalBytes };
  }

  /** A piece is done. */
  count(piece: Uint8Array | Hole): void {
    if (piece instanceof Hole) this.#holeBytes += piece.bytes;
    this.#doneBytes += piece instanceof Hole ? piece.bytes : piece.length;
    this.#tell?.(this.progress);
  }
}
