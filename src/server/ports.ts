/** Where the server writes what happens: lines of JSON in production. */
export interface Logger {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

/** Time, chance and the log, passed in by the composition root. */
export interface Ports {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** A fresh random UUID (version 4). */
  readonly uuid: () => string;
  /** A number from 0 to below 1; nothing depends on it but when an attempt is made again. */
  readonly random: () => number;
  readonly log: Logger;
}
