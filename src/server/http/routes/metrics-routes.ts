import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import {
  historyQuery,
  historyView,
  hostUsageList,
  usageQuery,
  vmUsageList,
} from '../../../api/metrics.ts';
import { seesLabels } from '../../access/caller.ts';
import { callerOf } from '../../access/guard.ts';
import { CONTENT_TYPES, formatFor } from '../../metrics/exposition.ts';
import type { MetricsService, Sees } from '../../metrics/metrics-service.ts';
import type { ServerMetrics } from '../../metrics/server-metrics.ts';
import { named } from './route-parts.ts';
import type { App } from './route-parts.ts';

const MS_PER_S = 1000;

/** Counts every request that is answered, by the route as it was declared. */
export function countRequests(app: FastifyInstance, counters: ServerMetrics): void {
  app.addHook('onResponse', async (request, reply) => {
    counters.answered({
      method: request.method,
      route: request.routeOptions.url ?? 'none',
      status: reply.statusCode,
      seconds: reply.elapsedTime / MS_PER_S,
    });
  });
}

/** `/metrics`, outside of `/api/v1`: where Prometheus looks for it. */
export function expositionRoute(app: App, service: MetricsService): void {
  app.get(
    '/metrics',
    {
      schema: {
        operationId: 'getMetrics',
        tags: ['health'],
        summary: 'Tells all figures to Prometheus',
        description: 'As OpenMetrics 1.0 where that is asked for, else in the text format 0.0.4.',
      },
      config: {
        answers: { 200: { description: 'All figures, line by line', type: 'text/plain' } },
      },
    },
    async (request, reply) => {
      const format = formatFor(request.headers.accept);
      const pieces = await service.exposition(format, seesOf(request));
      return reply.type(CONTENT_TYPES[format]).send(Readable.from(pieces, { objectMode: false }));
    },
  );
}

/** `/usage` and the histories. */
export function usageRoutes(app: App, service: MetricsService): void {
  app.get(
    '/usage/vms',
    {
      schema: {
        operationId: 'listVmUsage',
        tags: ['vms'],
        summary: 'Lists the VMs that use most of the hosts at present',
        querystring: usageQuery,
        response: { 200: vmUsageList },
      },
    },
    (request) => service.vmUsage(request.query, seesOf(request)),
  );
  app.get(
    '/usage/hosts',
    {
      schema: {
        operationId: 'listHostUsage',
        tags: ['hosts'],
        summary: 'Lists the hosts that are used most at present',
        querystring: usageQuery,
        response: { 200: hostUsageList },
      },
    },
    (request) => service.hostUsage(request.query),
  );
  historyRoutes(app, service);
}

function historyRoutes(app: App, service: MetricsService): void {
  const schema = { params: named, querystring: historyQuery, response: { 200: historyView } };
  app.get(
    '/vms/:name/history',
    {
      schema: {
        operationId: 'getVmHistory',
        tags: ['vms'],
        summary: 'Tells what a VM used over time',
        ...schema,
      },
    },
    async (request) => service.vmHistory(request.params.name, request.query),
  );
  app.get(
    '/hosts/:name/history',
    {
      schema: {
        operationId: 'getHostHistory',
        tags: ['hosts'],
        summary: 'Tells what a host used over time',
        ...schema,
      },
    },
    async (request) => service.hostHistory(request.params.name, request.query),
  );
}

/** A caller with a scope sees the VMs in it, and nothing of hosts or of the server. */
function seesOf(request: FastifyRequest): Sees {
  const caller = callerOf(request);
  return caller.scope === undefined ? undefined : (labels) => seesLabels(caller, labels);
}
