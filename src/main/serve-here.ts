import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { pino } from 'pino';
import type { ServeWish } from '../cli/ports.ts';
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

/** What no line of the log shows, whoever writes it; nothing of the kind is written on purpose. */
const SECRETS = ['token', 'secret', 'password', 'authorization', 'cookie', 'connectionString'];

/**
 * Runs the server in this process until the signal, in a state folder that is made when it is not
 * there; its log goes to standard error as JSON lines. With TLS, SIGHUP has the certificate read again.
 */
export async function serveHere(
  home: string,
  { signal, store, isProxied, logLevel, ...gates }: ServeWish & { readonly signal: AbortSignal },
): Promise<void> {
  process.umask(0o077); // the store and the socket are for their owner alone
  const redact = { paths: SECRETS.flatMap((word) => [word, `*.${word}`]), censor: '(secret)' };
  const log = pino(
    { base: null, level: logLevel, redact },
    pino.destination({ fd: 2, sync: true }),
  );
  await openStateFolder(stateFolder(home), process.geteuid?.() ?? 0);
  const environment = processEnvironment();
  const options = { home, socket: apiSocket(home), version: berthVersion(), pid: process.pid };
  const onReload = (reload: () => void): void => void process.on('SIGHUP', reload);
  await serve(
    {
      ...options,
      environment,
      ...(store === undefined ? {} : { store }),
      ...(gates.listen.length === 0 ? {} : { gates: { ...gates, onReload } }),
      isProxied,
    },
    { ...WORLD, log },
    signal,
  );
}
