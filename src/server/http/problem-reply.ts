import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { berthError, isBerthError } from '../../base/errors.ts';
import { problemOf } from '../../api/problem.ts';

/** Larger request bodies are refused before they are read. */
export const BODY_BYTES_MAX = 4 * 1024 * 1024;

const PROBLEM_TYPE = 'application/problem+json';

/** Answers a request with the problem that an error stands for; it names the request. */
export async function replyProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  error: unknown,
): Promise<void> {
  const problem = { ...problemOf(error), instance: instanceOf(request.id) };
  // Answers of a route are written by its schemas; this one is the same on all of them.
  await reply
    .code(problem.status)
    .type(PROBLEM_TYPE)
    .serializer((body: unknown) => JSON.stringify(body))
    .send(problem);
}

/** The same where no route is found yet, and nothing but the bare connection is there. */
export function writeProblem(request: FastifyRequest, reply: FastifyReply, error: unknown): void {
  const problem = { ...problemOf(error), instance: instanceOf(request.id) };
  reply.hijack();
  reply.raw.writeHead(problem.status, {
    'content-type': PROBLEM_TYPE,
    'x-request-id': request.id,
  });
  reply.raw.end(JSON.stringify(problem));
}

/** What fastify refuses itself (a body that is no JSON, one that is too large) becomes a coded error. */
export function codedError(error: FastifyError, request: FastifyRequest): unknown {
  if (isBerthError(error)) return error;
  switch (error.statusCode) {
    case 413: {
      const what = 'the body of the request, in bytes,';
      const size = Number(request.headers['content-length']);
      const max = request.routeOptions.bodyLimit ?? BODY_BYTES_MAX;
      return berthError('BERTH_TOO_LARGE', { what, size, max });
    }
    case 415:
      return berthError('BERTH_MEDIA_TYPE', { type: request.headers['content-type'] ?? 'none' });
    default: {
      const isClientError = error.statusCode !== undefined && error.statusCode < 500;
      if (!isClientError) return error;
      const usage = 'send JSON as documented';
      return berthError('BERTH_USAGE', { problem: error.message, usage });
    }
  }
}

/** What the request is called in the log. */
function instanceOf(id: string): string {
  return `urn:berth:request:${id}`;
}
