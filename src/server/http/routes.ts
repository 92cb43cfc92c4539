import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { serverView } from '../../api/resources.ts';
import type { ServerView } from '../../api/resources.ts';
import type { Services } from '../services/services.ts';
import { consoleRoute } from './routes/console-route.ts';
import { hostRoutes } from './routes/host-routes.ts';
import { operationRoutes } from './routes/operation-routes.ts';
import { actionRoutes, vmRoutes } from './routes/vm-routes.ts';

/** The routes of `/api/v1`, thin: each parses, calls a service, and answers. */
export function routes(services: Services, about: () => ServerView): FastifyPluginAsyncZod {
  return async (app) => {
    app.get('/server', { schema: { response: { 200: serverView } } }, about);
    hostRoutes(app, services.hosts);
    vmRoutes(app, services.vms);
    actionRoutes(app, services.vms);
    operationRoutes(app, services.operations);
    consoleRoute(app, services.vms);
  };
}
