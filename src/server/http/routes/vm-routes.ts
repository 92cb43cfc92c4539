import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { operationView, planView, vmPage, vmView, whyView } from '../../../api/resources.ts';
import { flagQuery, vmQuery } from '../../../api/vm-query.ts';
import { vmDocument } from '../../../api/vm-spec.ts';
import { callerOf } from '../../access/guard.ts';
import { operationViewOf } from '../../services/views.ts';
import type { VmService } from '../../services/vm-service.ts';
import { mustMatch, weakTagOf } from '../entity-tag.ts';
import { bodyCheckedByService, force, named, sendOperation } from './route-parts.ts';
import type { App } from './route-parts.ts';

/** What can be asked of a VM that is there, and what that does. */
const ACTIONS = {
  start: 'Starts a VM',
  stop: 'Asks the guest to shut down; with `force` pulls the plug',
  reboot: 'Asks the guest to reboot; with `force` resets it',
  pause: 'Stops the vCPUs; memory stays',
  resume: 'Lets a paused VM go on',
} as const;

const tags = ['vms'];

/** `/vms` and `/plan`. */
export function vmRoutes(app: App, service: VmService): void {
  listRoute(app, service);
  createRoute(app, service);
  showRoute(app, service);
  reasonRoutes(app, service);
}

function listRoute(app: App, service: VmService): void {
  app.get(
    '/vms',
    {
      schema: {
        operationId: 'listVms',
        tags,
        summary: 'Lists VMs and foreign domains of every host, as last seen',
        description: 'Every condition must hold. Asks no host.',
        querystring: vmQuery,
        response: { 200: vmPage },
      },
    },
    async (request) => {
      const { items, ...rest } = service.vms(request.query, callerOf(request));
      return { vms: [...items], ...rest };
    },
  );
}

function createRoute(app: App, service: VmService): void {
  const start = z.strictObject({
    start: flagQuery.default(true).describe('`false` leaves it off'),
  });
  app.post(
    '/vms',
    {
      schema: {
        operationId: 'createVm',
        tags,
        summary: 'Begins to place a VM, make it, and start it',
        querystring: start,
        body: vmDocument,
        response: { 202: operationView },
      },
      validatorCompiler: bodyCheckedByService,
    },
    async (request, reply) => {
      const { start: isStarted } = request.query;
      const record = await service.createVm(request.body, isStarted, callerOf(request));
      return sendOperation(request, reply, operationViewOf({ record }));
    },
  );
}

function showRoute(app: App, service: VmService): void {
  app.get(
    '/vms/:name',
    {
      schema: {
        operationId: 'getVm',
        tags,
        summary: 'Shows a VM: where it sits, whether that is as planned, its vCPUs and document',
        description:
          'Its ETag stands for everything but the figures of the moment (`vcpuInfo`, `verified`).',
        params: named,
        response: { 200: vmView },
      },
    },
    async (request, reply) => {
      const view = await service.vm(request.params.name);
      reply.header('etag', weakTagOf(service.version(view.uuid)));
      return view;
    },
  );
}

/** Why a VM sits where it does, and where one would sit. */
function reasonRoutes(app: App, service: VmService): void {
  app.get(
    '/vms/:name/why',
    {
      schema: {
        operationId: 'explainVm',
        tags,
        summary: 'Tells why a VM sits where it does, or why its creation was refused',
        params: named,
        response: { 200: whyView },
      },
    },
    async (request) => service.why(request.params.name),
  );
  app.post(
    '/plan',
    {
      schema: {
        operationId: 'planVm',
        tags,
        summary: 'Tells where a VM would sit now, or why nowhere; claims nothing',
        body: vmDocument,
        response: { 200: planView },
      },
      validatorCompiler: bodyCheckedByService,
    },
    async (request) => service.plan(request.body),
  );
}

/** What can be done with a VM that exists. */
export function actionRoutes(app: App, service: VmService): void {
  for (const [action, summary] of Object.entries(ACTIONS)) {
    app.post(
      `/vms/:name/${action}`,
      {
        schema: {
          operationId: `${action}Vm`,
          tags,
          summary,
          params: named,
          querystring: force,
          headers: ifMatch,
          response: { 202: operationView },
        },
      },
      async (request, reply) => {
        const { name } = request.params;
        await mustBeAsSeen(service, name, request);
        // The keys of the table are the actions.
        const record = await service.act(name, action as keyof typeof ACTIONS, request.query.force);
        return sendOperation(request, reply, operationViewOf({ record }));
      },
    );
  }
  app.delete(
    '/vms/:name',
    {
      schema: {
        operationId: 'removeVm',
        tags,
        summary: 'Begins to remove a VM with the disks that Berth made for it',
        description:
          'One that runs only with `force`; one that Berth did not make only with `foreign`, unless it was adopted, and its disks stay.',
        params: named,
        querystring: removal,
        headers: ifMatch,
        response: { 202: operationView },
      },
    },
    async (request, reply) => {
      await mustBeAsSeen(service, request.params.name, request);
      const { force: isForced, foreign } = request.query;
      const record = await service.removeVm(request.params.name, isForced, { foreign });
      return sendOperation(request, reply, operationViewOf({ record }));
    },
  );
}

const removal = force.extend({
  foreign: flagQuery.default(false).describe('also a domain that Berth did not make'),
});

/** What every request that changes a VM may hold it to. */
export const ifMatch = z.object({
  'if-match': z
    .string()
    .max(1024)
    .optional()
    .describe('ETag of the VM as it was seen; it is let be when it has changed since'),
});

/** @throws BERTH_PRECONDITION when the VM is not as the client saw it, BERTH_NOT_FOUND */
export async function mustBeAsSeen(
  service: VmService,
  name: string,
  request: FastifyRequest<{ Headers: { 'if-match'?: string | undefined } }>,
): Promise<void> {
  const header = request.headers['if-match'];
  if (header === undefined) return;
  mustMatch(header, weakTagOf(await service.versionNow(name)), `VM ${name}`);
}
