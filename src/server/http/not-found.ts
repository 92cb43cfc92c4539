import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { berthError } from '../../base/errors.ts';
import { replyProblem } from './problem-reply.ts';

/** Answers what no route takes: 405 where the path has other methods, else 404. */
export function answerUnrouted(app: FastifyInstance): void {
  const methods = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const known = methods.get(url) ?? new Set<string>();
    for (const each of [method].flat()) known.add(each);
    methods.set(url, known);
  });
  const allowedAt = (path: string): readonly string[] =>
    [...methods].flatMap(([pattern, allowed]) => (isAt(pattern, path) ? [...allowed] : []));
  app.setNotFoundHandler(async (request, reply) => {
    const [path = ''] = request.url.split('?', 1);
    const allowed = allowedAt(path);
    if (allowed.length === 0) return replyProblem(request, reply, nothingAt(request, path));
    reply.header('allow', [...allowed, 'OPTIONS'].join(', '));
    return request.method === 'OPTIONS'
      ? sendNothing(reply)
      : replyProblem(request, reply, notAllowed(request, path, allowed));
  });
}

async function sendNothing(reply: FastifyReply): Promise<void> {
  await reply.code(204).send();
}

function nothingAt({ method }: FastifyRequest, path: string): Error {
  return berthError('BERTH_NOT_FOUND', { kind: 'resource', name: `${method} ${path}`, known: [] });
}

function notAllowed({ method }: FastifyRequest, path: string, allowed: readonly string[]): Error {
  return berthError('BERTH_METHOD', { method, path, allowed });
}

/** Whether a path is one of a route's: `/vms/:name` takes any word in that place. */
function isAt(pattern: string, path: string): boolean {
  const wanted = pattern.split('/');
  const given = path.split('/');
  return (
    wanted.length === given.length &&
    wanted.every((word, index) => word.startsWith(':') || word === given[index])
  );
}
