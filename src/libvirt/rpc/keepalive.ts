import type { Clock } from './clock.ts';

/** How a peer that vanished without a word is found. */
export interface KeepaliveRhythm {
  /** Milliseconds of silence after which it is asked for a sign of life. */
  readonly intervalMs: number;
  /** Questions without any byte in return before the connection counts as dead. */
  readonly misses: number;
}

/** libvirt's own rhythm: a dead peer is noticed after 30 s. */
export const KEEPALIVE_DEFAULT: KeepaliveRhythm = { intervalMs: 5000, misses: 5 };

/** Numbers of the keepalive program. */
export const KeepaliveProcedure = { ping: 1, pong: 2 } as const;

interface KeepaliveParts {
  readonly clock: Clock;
  readonly ping: () => void;
  readonly dead: (silentMs: number) => void;
  /** True while we ourselves do not read: silence proves nothing then. */
  readonly isPaused: () => boolean;
}

/** Watches one connection. Any byte counts as a sign of life, not only a pong. */
export class Keepalive {
  readonly #rhythm: KeepaliveRhythm;
  readonly #parts: KeepaliveParts;
  #heardAt: number;
  /** Questions since then. */
  #asked = 0;
  #cancel: () => void = () => undefined;

  constructor(rhythm: KeepaliveRhythm, parts: KeepaliveParts) {
    this.#rhythm = rhythm;
    this.#parts = parts;
    this.#heardAt = parts.clock.now();
    this.#lookIn(rhythm.intervalMs);
  }

  heard(): void {
    this.#heardAt = this.#parts.clock.now();
    this.#asked = 0;
  }

  stop(): void {
    this.#cancel();
  }

  #lookIn(ms: number): void {
    this.#cancel = this.#parts.clock.after(ms, () => this.#look());
  }

  #look(): void {
    const { intervalMs, misses } = this.#rhythm;
    const { clock, isPaused, ping, dead } = this.#parts;
    const quietMs = clock.now() - this.#heardAt;
    if (quietMs < intervalMs) return this.#lookIn(intervalMs - quietMs);
    this.#lookIn(intervalMs);
    if (isPaused()) return;
    if (this.#asked >= misses) return dead((misses + 1) * intervalMs);
    this.#asked++;
    ping();
  }
}
