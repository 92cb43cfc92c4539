import type { Chance } from './chance.ts';

/** What goes wrong by itself, each in that share of the cases in which it can. */
export interface FaultRates {
  /** The server dies at a moment in which it waits for the store or a host. */
  readonly death: number;
  /** libvirt refuses to change something. */
  readonly refusal: number;
  /** The disk of the store is full, and nothing was written. */
  readonly storeFull: number;
  readonly newsLost: number;
  readonly newsTwice: number;
  readonly newsHeldUp: number;
  /** News are late by many seconds, so that one server sees what another does not yet. */
  readonly newsBehind: number;
  /** A database has done what it was asked to, and nobody hears so. */
  readonly storeAnswerLost: number;
  /** A guest that is asked to shut down does not listen. */
  readonly deafGuest: number;
}

/** What strikes from outside, at some moment. */
export const STRIKES = [
  'a server dies',
  'the connections to a host break',
  'a host cannot be reached',
  'a libvirtd is restarted',
  'a libvirtd hangs',
  'the power of a host fails',
  'a VM is started by hand',
  'a VM is destroyed by hand',
  'a VM is undefined by hand',
  'a foreign domain comes',
  'a foreign domain goes',
  'a pool is full',
  'the clock jumps',
  'a server is stopped for a while',
  'a server is cut off from the store',
  'the database is away',
  'the clock of the database jumps',
] as const;
export type Strike = (typeof STRIKES)[number];

/** The faults of one run. */
export interface Faults {
  readonly rates: FaultRates;
  readonly strikes: readonly Strike[];
  /** Milliseconds between two strikes, at most. */
  readonly strikeEveryMs: number;
  /** How often a server may die in the run. */
  readonly deathsMax: number;
}

const NO_RATES: FaultRates = {
  death: 0,
  refusal: 0,
  storeFull: 0,
  newsLost: 0,
  newsTwice: 0,
  newsHeldUp: 0,
  newsBehind: 0,
  storeAnswerLost: 0,
  deafGuest: 0,
};

/** A run in which nothing goes wrong: whatever fails in it is a bug. */
export const NO_FAULTS: Faults = { rates: NO_RATES, strikes: [], strikeEveryMs: 0, deathsMax: 0 };

/** The most of each kind. */
const MOST: FaultRates = {
  death: 0.01,
  refusal: 0.05,
  storeFull: 0.1,
  newsLost: 0.1,
  newsTwice: 0.2,
  newsHeldUp: 0.3,
  newsBehind: 0.05,
  storeAnswerLost: 0.03,
  deafGuest: 0.5,
};

/**
 * Faults by chance, of chance kinds: a run with all of them together would be too short of breath to
 * get anywhere, and hide what two of them do.
 */
export function drawFaults(chance: Chance): Faults {
  if (chance.is(0.1)) return NO_FAULTS;
  const rates = Object.fromEntries(
    Object.entries(MOST).map(([kind, most]) => [kind, chance.is(0.4) ? most * chance.next() : 0]),
  );
  return {
    rates: { ...NO_RATES, ...rates },
    strikes: STRIKES.filter(() => chance.is(0.35)),
    strikeEveryMs: 1000 * 2 ** chance.between(0, 5),
    deathsMax: chance.between(1, 6),
  };
}
