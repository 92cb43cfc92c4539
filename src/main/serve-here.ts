import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { pino } from 'pino';
import { processEnvironment } from '../libvirt/index.ts';
import { KeptLink } from '../host/kept-link.ts';
import { serve } from '../server/serve.ts';
import type { Ports } from '../server/ports.ts';
import { apiSocket } from '../local/api-socket.ts';
import { openStateFolder, stateFolder } from '../local/state-folder.ts';
import { berthVersion } from './version.ts';

/** The real clock, chance, and ways to hosts. */
const WORLD: Omit<Ports, 'log'> = {
  now: Date.now,
  uuid: randomUUID,
  random: Math.random,
  secret: randomBytes,
  sleep: async (ms, signal) => wait(ms, undefined, signal === undefined ? {} : { signal }),
  keepLink: (address, keeper, random) => new KeptLink(address, keeper, random),
};

/**
 * Runs the server in this process until the signal, in a state folder that is made when it is not
 * there; its log goes to standard error as JSON lines.
 */
export async function serveHere(home: string, signal: AbortSignal): Promise<void> {
  process.umask(0o077); // the store and the socket are for their owner alone
  const log = pino({ base: null }, pino.destination({ fd: 2, sync: true }));
  await openStateFolder(stateFolder(home), process.geteuid?.() ?? 0);
  const environment = processEnvironment();
  const options = { home, socket: apiSocket(home), version: berthVersion(), pid: process.pid };
  await serve(
    { ...options, environment },
    { ...WORLD, log },
    signal,
  );
}
