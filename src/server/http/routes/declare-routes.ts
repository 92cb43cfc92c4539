import {
  fleetDriftView,
  fleetPlanView,
  labelsChange,
  planRequest,
  updateQuery,
  vmDriftView,
} from '../../../api/declare.ts';
import { operationView } from '../../../api/resources.ts';
import { vmDocument } from '../../../api/vm-spec.ts';
import type { DeclareService } from '../../services/declare-service.ts';
import { operationViewOf } from '../../services/views.ts';
import type { VmService } from '../../services/vm-service.ts';
import { bodyCheckedByService, named, sendOperation } from './common.ts';
import type { App } from './common.ts';
import { ifMatch, mustBeAsSeen } from './vm-routes.ts';

const tags = ['vms'];

/** `/plans`, `/drift`, and VMs made as documents say. */
export function declareRoutes(app: App, service: DeclareService, vms: VmService): void {
  app.post(
    '/plans',
    {
      schema: {
        operationId: 'planFleet',
        tags,
        summary: 'Tells what would become of the fleet by documents; changes nothing',
        body: planRequest,
        response: { 200: fleetPlanView },
      },
    },
    async (request) => service.plan(request.body),
  );
  app.get(
    '/drift',
    {
      schema: {
        operationId: 'listDrift',
        tags,
        summary: 'Lists the VMs that are not as their documents say',
        response: { 200: fleetDriftView },
      },
    },
    async () => service.fleetDrift(),
  );
  app.get(
    '/vms/:name/drift',
    {
      schema: {
        operationId: 'getVmDrift',
        tags,
        summary: 'Tells how a VM is not as its document says',
        params: named,
        response: { 200: vmDriftView },
      },
    },
    async (request) => ({ drift: [...(await service.drift(request.params.name))] }),
  );
  app.put(
    '/vms/:name',
    {
      schema: {
        operationId: 'updateVm',
        tags,
        summary: 'Begins to make a VM as a document says',
        params: named,
        querystring: updateQuery,
        headers: ifMatch,
        body: vmDocument,
        response: { 202: operationView },
      },
      validatorCompiler: bodyCheckedByService,
    },
    async (request, reply) => {
      mustBeAsSeen(vms, request.params.name, request);
      const record = await service.update(request.params.name, request.body, request.query);
      return sendOperation(request, reply, operationViewOf({ record }));
    },
  );
  app.patch(
    '/vms/:name/labels',
    {
      schema: {
        operationId: 'labelVm',
        tags,
        summary: 'Begins to change labels of a VM; null takes one away',
        params: named,
        headers: ifMatch,
        body: labelsChange,
        response: { 202: operationView },
      },
    },
    async (request, reply) => {
      mustBeAsSeen(vms, request.params.name, request);
      const record = await service.label(request.params.name, request.body);
      return sendOperation(request, reply, operationViewOf({ record }));
    },
  );
}
