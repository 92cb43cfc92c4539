import {
  fleetDriftView,
  fleetPlanView,
  labelsChange,
  planRequest,
  updateQuery,
  vmDriftView,
} from '../../../api/declare.ts';
import { operationView } from '../../../api/resources.ts';
import type { DeclareService } from '../../services/declare-service.ts';
import { operationViewOf } from '../../services/views.ts';
import { named } from './common.ts';
import type { App } from './common.ts';

/** `/plans`, `/drift`, and VMs made as documents say. */
export function declareRoutes(app: App, service: DeclareService): void {
  app.post(
    '/plans',
    { schema: { body: planRequest, response: { 200: fleetPlanView } } },
    async (request) => service.plan(request.body),
  );
  app.get('/drift', { schema: { response: { 200: fleetDriftView } } }, async () =>
    service.fleetDrift(),
  );
  app.get(
    '/vms/:name/drift',
    { schema: { params: named, response: { 200: vmDriftView } } },
    async (request) => ({ drift: [...(await service.drift(request.params.name))] }),
  );
  app.put(
    '/vms/:name',
    { schema: { params: named, querystring: updateQuery, response: { 202: operationView } } },
    async (request, reply) => {
      const record = await service.update(request.params.name, request.body, request.query);
      return reply.code(202).send(operationViewOf({ record }));
    },
  );
  app.patch(
    '/vms/:name/labels',
    { schema: { params: named, body: labelsChange, response: { 202: operationView } } },
    async (request, reply) => {
      const record = await service.label(request.params.name, request.body);
      return reply.code(202).send(operationViewOf({ record }));
    },
  );
}
