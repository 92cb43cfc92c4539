import type { FastifyInstance, FastifyRequest } from 'fastify';
import { berthError } from '../../base/errors.ts';
import type { KeyedRequest } from '../../store/requests.ts';
import { actorOf } from '../access/guard.ts';
import { askedBy } from '../operations/asker.ts';
import type { RequestKeys } from '../services/request-keys.ts';
import { operationViewOf } from '../services/views.ts';
import type { Ports } from '../ports.ts';
import { sendOperation } from './routes/route-parts.ts';

const HEADER = 'idempotency-key';
/** What a key may be: enough for a UUID, or a name with a date. */
const KEY = /^[\x21-\x7e]{1,255}$/;
/** Methods that change nothing (RFC 9110, 9.2.1) begin no operation. */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Lets a request that begins an operation be sent again: under the same `Idempotency-Key` the same
 * operation answers. And lets operations know who asked for them.
 */
export function keyRequests(app: FastifyInstance, keys: RequestKeys, { log }: Ports): void {
  const admitted = new WeakMap<FastifyRequest, KeyedRequest>();
  app.addHook('preHandler', async (request, reply) => {
    const key = request.headers[HEADER];
    if (key === undefined || SAFE.has(request.method)) return;
    if (typeof key !== 'string' || !KEY.test(key)) {
      throw berthError('BERTH_USAGE', {
        problem: `the header ${HEADER} is empty, too long, or has other than printable characters`,
        usage: 'send a fresh UUID with each new request, and the same one to send it again',
      });
    }
    const { method, url, body } = request;
    const asked = { actor: actorOf(request) ?? '', key, parts: [method, url, body ?? null] };
    const { request: kept, operation } = await keys.admit(asked);
    if (operation === undefined) {
      admitted.set(request, kept);
      return;
    }
    return reply.send(sendOperation(request, reply, operationViewOf({ record: operation })));
  });
  app.addHook('preHandler', (request, _reply, done) => {
    const asker = { actor: actorOf(request), id: admitted.get(request)?.operation };
    askedBy(asker, done);
  });
  app.addHook('onResponse', async (request) => {
    const kept = admitted.get(request);
    if (kept === undefined) return;
    await keys.settle(kept).catch((error: unknown) => {
      log.warn({ err: error, request: request.id }, 'cannot free an idempotency key');
    });
  });
}
