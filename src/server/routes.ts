import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { berthError } from '../base/errors.ts';
import {
  hostRemoval,
  hostSummary,
  hostView,
  operationView,
  planView,
  serverView,
  vmSummary,
  vmView,
  whyView,
} from '../api/resources.ts';
import type { ServerView } from '../api/resources.ts';
import { refuseProgram } from '../host/host-link.ts';
import { attachConsole } from './console-socket.ts';
import type { FleetService } from './fleet-service.ts';
import { operationViewOf } from './views.ts';

/** The longest that one request may wait for a change of an operation. */
const WAIT_MS_MAX = 30_000;

const named = z.object({ name: z.string().max(255) });
// Strict, as everywhere: a misspelt key must not silently mean the default.
const force = z.strictObject({ force: z.stringbool().default(false) });
const ACTIONS = ['start', 'stop', 'reboot', 'pause', 'resume'] as const;

/** The routes of `/api/v1`, thin: each parses, calls the service, and answers. */
export function routes(service: FleetService, about: () => ServerView): FastifyPluginAsyncZod {
  return async (app) => {
    app.get('/server', { schema: { response: { 200: serverView } } }, about);
    hostRoutes(app, service);
    vmRoutes(app, service);
    actionRoutes(app, service);
    operationRoutes(app, service);
    consoleRoute(app, service);
  };
}

type App = Parameters<FastifyPluginAsyncZod>[0];

function consoleRoute(app: App, service: FleetService): void {
  app.route({
    method: 'GET',
    url: '/vms/:name/console',
    schema: { params: named, querystring: force },
    handler: async () => {
      throw berthError('BERTH_USAGE', {
        problem: 'a console is a websocket',
        usage: 'open it with an upgrade to the websocket protocol',
      });
    },
    wsHandler: (socket, request) => {
      attachConsole(socket, async (wait) =>
        service.openConsole(request.params.name, request.query.force, wait),
      );
    },
  });
}

function hostRoutes(app: App, service: FleetService): void {
  const list = z.object({ hosts: z.array(hostSummary) });
  app.get('/hosts', { schema: { response: { 200: list } } }, async () => ({
    hosts: [...(await service.hosts())],
  }));
  const body = z.strictObject({
    name: z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9.-]{0,62}$/),
    uri: z.string().max(2048),
  });
  app.post('/hosts', { schema: { body, response: { 200: hostSummary } } }, async (request) => {
    refuseProgram(request.body.uri);
    return service.addHost(request.body);
  });
  app.get(
    '/hosts/:name',
    { schema: { params: named, response: { 200: hostView } } },
    async (request) => service.host(request.params.name),
  );
  app.delete(
    '/hosts/:name',
    { schema: { params: named, querystring: force, response: { 200: hostRemoval } } },
    async (request) => service.removeHost(request.params.name, request.query.force),
  );
}

function vmRoutes(app: App, service: FleetService): void {
  const list = z.object({ vms: z.array(vmSummary) });
  app.get('/vms', { schema: { response: { 200: list } } }, async () => ({
    vms: [...(await service.vms())],
  }));
  const start = z.strictObject({ start: z.stringbool().default(true) });
  app.post(
    '/vms',
    { schema: { querystring: start, response: { 202: operationView } } },
    async (request, reply) => {
      const record = await service.createVm(request.body, request.query.start);
      return reply.code(202).send(operationViewOf({ record }));
    },
  );
  app.get('/vms/:name', { schema: { params: named, response: { 200: vmView } } }, async (request) =>
    service.vm(request.params.name),
  );
  app.get(
    '/vms/:name/why',
    { schema: { params: named, response: { 200: whyView } } },
    async (request) => service.why(request.params.name),
  );
  app.post('/plan', { schema: { response: { 200: planView } } }, async (request) =>
    service.plan(request.body),
  );
}

function actionRoutes(app: App, service: FleetService): void {
  for (const action of ACTIONS) {
    app.post(
      `/vms/:name/${action}`,
      { schema: { params: named, querystring: force, response: { 202: operationView } } },
      async (request, reply) => {
        const { name } = request.params;
        const record = await service.act(name, action, request.query.force);
        return reply.code(202).send(operationViewOf({ record }));
      },
    );
  }
  app.delete(
    '/vms/:name',
    { schema: { params: named, querystring: force, response: { 202: operationView } } },
    async (request, reply) => {
      const record = await service.removeVm(request.params.name, request.query.force);
      return reply.code(202).send(operationViewOf({ record }));
    },
  );
}

function operationRoutes(app: App, service: FleetService): void {
  const list = z.object({ operations: z.array(operationView) });
  app.get('/operations', { schema: { response: { 200: list } } }, async () => ({
    operations: (await service.operations()).map(operationViewOf),
  }));
  const wait = z.strictObject({
    after: z.coerce.number().int().min(0).optional(),
    waitMs: z.coerce.number().int().min(0).max(WAIT_MS_MAX).default(0),
  });
  app.get(
    '/operations/:id',
    {
      schema: {
        params: z.object({ id: z.string().max(64) }),
        querystring: wait,
        response: { 200: operationView },
      },
    },
    async (request) => {
      const { after, waitMs } = request.query;
      const waiting = after === undefined ? undefined : { after, waitMs };
      return operationViewOf(await service.operation(request.params.id, waiting));
    },
  );
}
