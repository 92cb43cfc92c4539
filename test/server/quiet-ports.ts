import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { KeptLink } from '../../src/host/kept-link.ts';
import type { Ports } from '../../src/server/ports.ts';

/** The real world without a log, but for what a test puts in its place. */
export function quietPorts(instead: Partial<Ports> = {}): Ports {
  return {
    now: Date.now,
    uuid: randomUUID,
    random: Math.random,
    secret: randomBytes,
    sleep: async (ms, signal) => wait(ms, undefined, signal === undefined ? {} : { signal }),
    keepLink: (address, keeper, random) => new KeptLink(address, keeper, random),
    log: { info: () => {}, warn: () => {}, error: () => {} },
    ...instead,
  };
}
