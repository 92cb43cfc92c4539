import { z } from 'zod';
import { operationView, planView, vmPage, vmView, whyView } from '../../../api/resources.ts';
import { vmQuery } from '../../../api/vm-query.ts';
import { operationViewOf } from '../../services/views.ts';
import type { VmService } from '../../services/vm-service.ts';
import { force, named } from './common.ts';
import type { App } from './common.ts';

const ACTIONS = ['start', 'stop', 'reboot', 'pause', 'resume'] as const;

/** `/vms` and `/plan`. */
export function vmRoutes(app: App, service: VmService): void {
  app.get(
    '/vms',
    { schema: { querystring: vmQuery, response: { 200: vmPage } } },
    async (request) => {
      const { items, ...rest } = service.vms(request.query);
      return { vms: [...items], ...rest };
    },
  );
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

/** What can be done with a VM that exists. */
export function actionRoutes(app: App, service: VmService): void {
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
