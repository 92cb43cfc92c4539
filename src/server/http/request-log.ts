import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { withoutTokens } from '../access/token-secret.ts';
import type { Ports } from '../ports.ts';
import { REQUEST_ID_HEADER } from './request-id.ts';

/** What a handler adds to the line of its request. */
export interface RequestFacts {
  /** The operation that it has begun. */
  readonly operation?: string;
  /** Who asks. */
  readonly actor?: string;
}

/** Paths that are asked for every few seconds, and say nothing while they answer well. */
const QUIET: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics']);

const facts = new WeakMap<FastifyRequest, RequestFacts>();

/** Adds to what the log says of a request. */
export function noteFacts(request: FastifyRequest, more: RequestFacts): void {
  facts.set(request, { ...facts.get(request), ...more });
}

/**
 * Writes a line for every request when its answer has gone, and gives the answer the request's id.
 * The path is written without its query, in which names and secrets may stand.
 */
export function logRequests(app: FastifyInstance, { log, now }: Ports): void {
  const begun = new WeakMap<FastifyRequest, number>();
  app.addHook('onRequest', async (request, reply) => {
    begun.set(request, now());
    reply.header(REQUEST_ID_HEADER, request.id);
  });
  app.addHook('onResponse', async (request, reply) => {
    const line = lineOf(request, reply, now() - (begun.get(request) ?? now()));
    if (reply.statusCode >= 500) log.warn(line, 'answered');
    else if (reply.statusCode >= 400 || !QUIET.has(line.path)) log.info(line, 'answered');
  });
}

/** The path of a request as it may stand in the log. */
export function pathOf({ url }: FastifyRequest): string {
  return withoutTokens(url.split('?', 1)[0] ?? '');
}

function lineOf(request: FastifyRequest, { statusCode }: FastifyReply, ms: number) {
  const path = pathOf(request);
  const { method, id } = request;
  return { request: id, method, path, status: statusCode, ms, ...facts.get(request) };
}
