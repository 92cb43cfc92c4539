import { chmod, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import websocket from '@fastify/websocket';
import fastify from 'fastify';
import type { FastifyError, FastifyInstance } from 'fastify';
import { serializerCompiler } from 'fastify-type-provider-zod';
import { berthError, isBerthError } from '../../base/errors.ts';
import { reasonOf } from '../../base/undo.ts';
import type { ReadyView, ServerView } from '../../api/resources.ts';
import type { Access } from '../access/access.ts';
import type { Metering } from '../metrics/metering.ts';
import type { Services } from '../services/services.ts';
import type { Ports } from '../ports.ts';
import { refuseWhileClosing } from './closing.ts';
import { tagAnswers } from './entity-tag.ts';
import { healthRoutes } from './health-routes.ts';
import { answerUnrouted } from './not-found.ts';
import { describeRoutes } from './openapi.ts';
import { BODY_BYTES_MAX, codedError, replyProblem, writeProblem } from './problem-reply.ts';
import { checkRequest } from './check-request.ts';
import { requestId } from './request-id.ts';
import { keyRequests } from './keyed-requests.ts';
import { logRequests, pathOf } from './request-log.ts';
import type { App } from './routes/route-parts.ts';
import { countRequests, expositionRoute, usageRoutes } from './routes/metrics-routes.ts';
import { routes } from './routes.ts';

/** The longest name in a path, with every character escaped; the routes say what is a name. */
const PARAM_CHARS_MAX = 1024;
/** Kernel's limit for the path of a unix socket (sun_path), its final zero left out. */
const SOCKET_PATH_BYTES_MAX = 107;

/** What the HTTP API stands on. */
export interface HttpParts {
  readonly services: Services;
  readonly access: Access;
  readonly metering: Metering;
  readonly about: () => ServerView;
  readonly readiness: () => Promise<ReadyView>;
  readonly ports: Ports;
}

/** Makes the HTTP API; `listenOn` opens it. Tests call it without a socket through `inject`. */
export async function httpServer(parts: HttpParts): Promise<FastifyInstance> {
  const { services, access, metering, about, readiness, ports } = parts;
  const app = fastify({
    bodyLimit: BODY_BYTES_MAX,
    logger: false,
    routerOptions: { maxParamLength: PARAM_CHARS_MAX },
    genReqId: (request) => requestId(request, ports.uuid),
    return503OnClosing: false, // `refuseWhileClosing` answers as everything else does
    // What cannot be routed at all, such as a path with a broken escape.
    frameworkErrors: (error, request, reply) =>
      writeProblem(request, reply, codedError(error, request)),
  });
  app.removeContentTypeParser('text/plain'); // no route reads anything but JSON
  app.setValidatorCompiler(checkRequest);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(async (error: FastifyError, request, reply) => {
    const coded = codedError(error, request);
    if (!isBerthError(reasonOf(coded)))
      ports.log.error(
        { err: error, request: request.id, path: pathOf(request) },
        'a request failed',
      );
    return replyProblem(request, reply, coded);
  });
  logRequests(app, ports);
  countRequests(app, metering.counters);
  refuseWhileClosing(app);
  tagAnswers(app);
  answerUnrouted(app);
  await app.register(websocket, { options: { maxPayload: 1024 * 1024, perMessageDeflate: false } });
  await describeRoutes(app, about().version);
  await access.guard(app);
  keyRequests(app, services.requestKeys, ports);
  await app.register(async (root: App) => healthRoutes(root, readiness));
  await app.register(async (root: App) => expositionRoute(root, metering.service));
  await app.register(routes(services, about, access), { prefix: '/api/v1' });
  await app.register(async (api: App) => usageRoutes(api, metering.service), { prefix: '/api/v1' });
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
