import type { FastifyInstance, FastifyRequest } from 'fastify';
import { berthError } from '../../base/errors.ts';
import type { KeyedRequest } from '../../store/requests.ts';
import { OWNER } from '../access/caller.ts';
import { askerOf, callerOf } from '../access/guard.ts';
import { askedBy } from '../operations/asker.ts';
import type { RequestKeys } from '../services/request-keys.ts';
import { operationViewOf } from '../services/views.ts';
import type { Ports } from '../ports.ts';
import { sendOperation } from './routes/route-parts.ts';

const HEADER = 'idempotency-key';
/** What a key may be: enough for a UUID, or a name with a date. */
const KEY = /^[\x21-\x7e]{1,255}$/;
/**
 * Lets a request that begins an operation be sent again: under the same `Idempotency-Key` the same
 * operation answers. And lets operations know who asked for them.
 */
export function keyRequests(app: FastifyInstance, keys: RequestKeys, { log }: Ports): void {
  const admitted = new WeakMap<FastifyRequest, KeyedRequest>();
  app.addHook('preHandler', async (request, reply) => {
    const key = request.headers[HEADER];
    if (key === undefined || !beginsOperation(request)) return;
    const { tokenId = OWNER.actor } = callerOf(request);
    if (typeof key !== 'string' || !KEY.test(key)) {
      throw berthError('BERTH_USAGE', {
        problem: `the header ${HEADER} is empty, too long, or has other than printable characters`,
        usage: 'send a fresh UUID with each new request, and the same one to send it again',
      });
    }
    const { method, url, body } = request;
    const asked = { actor: tokenId, key, parts: [method, url, body ?? null] };
    const { request: kept, operation } = await keys.admit(asked);
    if (operation === undefined) {
      admitted.set(request, kept);
      return;
    }
    return reply.send(sendOperation(request, reply, operationViewOf({ record: operation })));
  });
  app.addHook('preHandler', (request, _reply, done) => {
    const id = admitted.get(request)?.operation;
    askedBy({ ...askerOf(request), id }, done);
  });
  // What stands in a request's way may be what its like under the same key has begun meanwhile.
  app.addHook('onSend', async (request, reply, payload) => {
    const kept = admitted.get(request);
    if (kept === undefined || reply.statusCode < 400) return payload;
    const operation = await keys.begunBy(kept).catch(() => undefined);
    if (operation === undefined) return payload;
    const view = sendOperation(request, reply, operationViewOf({ record: operation }));
    reply.type('application/json; charset=utf-8').removeHeader('content-length');
    return JSON.stringify(view);
  });
  app.addHook('onResponse', async (request) => {
    const kept = admitted.get(request);
    if (kept === undefined) return;
    await keys.letGo(kept).catch((error: unknown) => {
      log.warn({ err: error, request: request.id }, 'cannot let go of an idempotency key');
    });
  });
}

/** Whether a route says that it answers with an operation: 202 (RFC 9110, 15.3.3). */
function beginsOperation({ method, routeOptions }: FastifyRequest): boolean {
  const { response } = (routeOptions.schema ?? {}) as { readonly response?: object };
  return method !== 'GET' && response !== undefined && '202' in response;
}
