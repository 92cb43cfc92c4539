import type { KeepLink } from '../host/kept-link.ts';

/** Where the server writes what happens: lines of JSON in production. */
export interface Logger {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

/** Time, chance, the ways to hosts and the log, passed in by the composition root. */
export interface Ports {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** A fresh random UUID (version 4). */
  readonly uuid: () => string;
  /** A number from 0 to below 1; nothing depends on it but when an attempt is made again. */
  readonly random: () => number;
  /** So many bytes that nobody can guess; for secrets alone. */
  readonly secret: (bytes: number) => Uint8Array;
  /** Settles after so many milliseconds. @throws the signal's reason as soon as that aborts. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Keeps up a way to a host. */
  readonly keepLink: KeepLink;
  readonly log: Logger;
}
