import type { FastifyInstance } from 'fastify';
import { berthError } from '../../base/errors.ts';

/** After how many seconds another server, or this one again, may be there. */
const RETRY_AFTER_S = 5;

/**
 * Refuses what comes on open connections while the server ends, and lets go of each connection with
 * its answer.
 */
export function refuseWhileClosing(app: FastifyInstance): void {
  let isClosing = false;
  app.addHook('preClose', async () => {
    isClosing = true;
  });
  app.addHook('onRequest', async (_request, reply) => {
    if (!isClosing) return;
    reply.header('retry-after', RETRY_AFTER_S).header('connection', 'close');
    throw berthError('BERTH_SERVER_ENDING', { retryAfterS: RETRY_AFTER_S });
  });
  app.addHook('onSend', async (_request, reply) => {
    if (isClosing) reply.header('connection', 'close');
  });
}
