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
import { noteChange } from '../../access/audit-trail.ts';
import { callerOf } from '../../access/guard.ts';
import type { DeclareService } from '../../services/declare-service.ts';
import type { VmService } from '../../services/vm-service.ts';
import { operationViewOf } from '../../services/views.ts';
import { bodyCheckedByService, named, sendOperation } from './route-parts.ts';
import type { App } from './route-parts.ts';
import { ifMatch, mustBeAsSeen } from './vm-routes.ts';

const tags = ['vms'];

/** `/plans`, `/drift`, and VMs made as documents say. */
export function declareRoutes(app: App, service: DeclareService, vms: VmService): void {
  planRoute(app, service);
  driftRoutes(app, service);
  updateRoute(app, service, vms);
  labelRoutes(app, service, vms);
}

function planRoute(app: App, service: DeclareService): void {
  app.post(
    '/plans',
    {
      schema: {
        operationId: 'planFleet',
        tags,
        summary: 'Tells what would become of VMs by documents, and what each change costs',
        description:
          'New VMs are placed as if made in the order of the documents. Claims and changes nothing.',
        body: planRequest,
        response: { 200: fleetPlanView },
      },
    },
    async (request) => service.plan(request.body),
  );
}

function driftRoutes(app: App, service: DeclareService): void {
  app.get(
    '/drift',
    {
      schema: {
        operationId: 'listDrift',
        tags,
        summary: 'Lists the VMs that are not as their documents say',
        description: 'Asks every host that answers for the definitions of its VMs.',
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
}

function updateRoute(app: App, service: DeclareService, vms: VmService): void {
  app.put(
    '/vms/:name',
    {
      schema: {
        operationId: 'updateVm',
        tags,
        summary: 'Begins to make a VM as a document says, where it is',
        description: 'What a guest must be off for is refused while it runs, but with `restart`.',
        params: named,
        querystring: updateQuery,
        headers: ifMatch,
        body: vmDocument,
        response: { 202: operationView },
      },
      validatorCompiler: bodyCheckedByService,
    },
    async (request, reply) => {
      await mustBeAsSeen(vms, request.params.name, request);
      const how = { ...request.query, caller: callerOf(request) };
      const record = await service.update(request.params.name, request.body, how);
      return sendOperation(request, reply, operationViewOf({ record }));
    },
  );
}

function labelRoutes(app: App, service: DeclareService, vms: VmService): void {
  app.patch(
    '/vms/:name/labels',
    {
      schema: {
        operationId: 'labelVm',
        tags,
        summary: 'Begins to change labels of a VM; null takes one away',
        description: 'A domain that Berth did not make is adopted by it.',
        params: named,
        headers: ifMatch,
        body: labelsChange,
        response: { 202: operationView },
      },
    },
    async (request, reply) => {
      await mustBeAsSeen(vms, request.params.name, request);
      noteChange(request, { after: { labels: request.body } });
      const record = await service.label(request.params.name, request.body, callerOf(request));
      return sendOperation(request, reply, operationViewOf({ record }));
    },
  );
  app.post(
    '/vms/:name/adopt',
    {
      schema: {
        operationId: 'adoptVm',
        tags,
        summary: 'Begins to take in a domain that Berth did not make, as it is',
        description: 'Only the labels of the body are written, into its metadata.',
        params: named,
        headers: ifMatch,
        body: labelsChange,
        response: { 202: operationView },
      },
    },
    async (request, reply) => {
      await mustBeAsSeen(vms, request.params.name, request);
      noteChange(request, { after: { labels: request.body } });
      const record = await service.adopt(request.params.name, request.body);
      return sendOperation(request, reply, operationViewOf({ record }));
    },
  );
}
