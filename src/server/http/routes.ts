import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { ServerView } from '../../api/resources.ts';
import type { Access } from '../access/access.ts';
import type { Services } from '../services/services.ts';
import { accessRoutes, loginRoutes } from './routes/access-routes.ts';
import { openapiRoute } from './openapi.ts';
import { consoleRoute } from './routes/console-route.ts';
import { declareRoutes } from './routes/declare-routes.ts';
import { eventRoute } from './routes/event-route.ts';
import { hostRoutes } from './routes/host-routes.ts';
import { operationRoutes } from './routes/operation-routes.ts';
import { serverRoute } from './routes/server-route.ts';
import { actionRoutes, vmRoutes } from './routes/vm-routes.ts';

/** The routes of `/api/v1`, thin: each parses, calls a service, and answers. */
export function routes(
  services: Services,
  about: () => ServerView,
  access: Access,
): FastifyPluginAsyncZod {
  return async (app) => {
    serverRoute(app, about);
    openapiRoute(app);
    eventRoute(app, services.events);
    hostRoutes(app, services.hosts);
    vmRoutes(app, services.vms);
    actionRoutes(app, services.vms);
    declareRoutes(app, services.declare, services.vms);
    operationRoutes(app, services.operations);
    consoleRoute(app, services.vms);
    accessRoutes(app, access);
    loginRoutes(app, access);
  };
}
