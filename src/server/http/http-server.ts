import { chmod, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import websocket from '@fastify/websocket';
import fastify from 'fastify';
import type { FastifyError, FastifyInstance } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { berthError, isBerthError } from '../../base/errors.ts';
import { reasonOf } from '../../base/undo.ts';
import type { ServerView } from '../../api/resources.ts';
import { pathText } from '../../api/schema-error.ts';
import type { Services } from '../services/services.ts';
import type { Logger } from '../ports.ts';
import { routes } from './routes.ts';
import { problemAnswer } from '../services/views.ts';

/** Larger request bodies are refused before they are read. */
const BODY_BYTES_MAX = 4 * 1024 * 1024;
/** The longest name in a path, with every character escaped; the routes say what is a name. */
const PARAM_CHARS_MAX = 1024;
/** Kernel's limit for the path of a unix socket (sun_path), its final zero left out. */
const SOCKET_PATH_BYTES_MAX = 107;

/** Makes the HTTP API; `listenOn` opens it. Tests call it without a socket through `inject`. */
export async function httpServer(
  services: Services,
  about: () => ServerView,
  log: Logger,
): Promise<FastifyInstance> {
  const app = fastify({
    bodyLimit: BODY_BYTES_MAX,
    logger: false,
    routerOptions: { maxParamLength: PARAM_CHARS_MAX },
    // What cannot be routed at all, such as a path with a broken escape.
    frameworkErrors: (error, _request, reply) => {
      const { status, body } = problemAnswer(codedError(error));
      reply.hijack();
      reply.raw.writeHead(status, { 'content-type': 'application/problem+json' });
      reply.raw.end(JSON.stringify(body));
    },
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  await app.register(websocket, { options: { maxPayload: 1024 * 1024, perMessageDeflate: false } });
  app.setErrorHandler(async (error: FastifyError, request, reply) => {
    const coded = codedError(error, Number(request.headers['content-length']));
    const { status, body } = problemAnswer(coded);
    if (!isBerthError(reasonOf(coded)))
      log.error({ err: error, url: request.url }, 'a request failed');
    return reply.code(status).type('application/problem+json').send(body);
  });
  app.setNotFoundHandler(async (request, reply) => {
    const name = `${request.method} ${request.url}`;
    const error = berthError('BERTH_NOT_FOUND', { kind: 'resource', name, known: [] });
    return reply.code(404).type('application/problem+json').send(problemAnswer(error).body);
  });
  await app.register(routes(services, about), { prefix: '/api/v1' });
  return app;
}

/**
 * Opens the API on a unix socket that only its owner can use. A stale socket of a server that has
 * crashed is replaced; one that answers is left alone.
 * @throws BERTH_BUSY when a server answers there already.
 */
export async function listenOn(app: FastifyInstance, socket: string): Promise<void> {
  const size = Buffer.byteLength(socket);
  if (size > SOCKET_PATH_BYTES_MAX) {
    const what = `the path of the server's socket (${socket}), in bytes,`;
    throw berthError('BERTH_TOO_LARGE', { what, size, max: SOCKET_PATH_BYTES_MAX });
  }
  if (await answers(socket)) {
    throw berthError('BERTH_BUSY', { what: socket, holder: 'a server answers there already' });
  }
  await rm(socket, { force: true });
  const before = process.umask(0o177);
  try {
    await app.listen({ path: socket });
  } finally {
    process.umask(before);
  }
  await chmod(socket, 0o600);
}

async function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socket, () => {
      probe.destroy();
      resolve(true);
    });
    probe.on('error', () => resolve(false));
  });
}

/** What fastify refuses itself (a body that is no JSON, a wrong parameter) becomes a coded error. */
function codedError(error: FastifyError, size = Number.NaN): unknown {
  if (error.validation !== undefined) {
    const [issue] = error.validation;
    return berthError('BERTH_SPEC_INVALID', {
      where: pathText((issue?.instancePath ?? '').split('/').filter(Boolean)),
      problem: issue?.message ?? error.message,
      expected: 'a valid value',
    });
  }
  if (error.statusCode === 413) {
    const what = 'the body of the request, in bytes,';
    return berthError('BERTH_TOO_LARGE', { what, size, max: BODY_BYTES_MAX });
  }
  const isClientError = error.statusCode !== undefined && error.statusCode < 500;
  return isClientError && !isBerthError(error)
    ? berthError('BERTH_USAGE', { problem: error.message, usage: 'send JSON as documented' })
    : error;
}
