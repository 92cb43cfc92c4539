import { z } from 'zod';
import { operationQuery } from '../../../api/operation-query.ts';
import { pageQuery } from '../../../api/paging.ts';
import { operationPage, operationView } from '../../../api/resources.ts';
import { berthError } from '../../../base/errors.ts';
import type { OperationService } from '../../services/operation-service.ts';
import { callerOf } from '../../access/guard.ts';
import { operationViewOf } from '../../services/views.ts';
import type { App } from './route-parts.ts';

/** The longest that one request may wait for a change of an operation. */
const WAIT_MS_MAX = 30_000;

/** `/operations`. */
export function operationRoutes(app: App, service: OperationService): void {
  app.get(
    '/operations',
    {
      schema: {
        operationId: 'listOperations',
        tags: ['operations'],
        summary: 'Lists operations, the newest first',
        querystring: z.strictObject({ ...pageQuery.shape, ...operationQuery.shape }),
        response: { 200: operationPage },
      },
    },
    async (request) => {
      const { items, ...rest } = await service.operations(request.query, request.query);
      const seen = items.filter(({ record }) => service.isSeenBy(callerOf(request), record));
      return { operations: seen.map(operationViewOf), ...rest };
    },
  );
  const wait = z.strictObject({
    after: z.coerce.number().int().min(0).optional(),
    waitMs: z.coerce.number().int().min(0).max(WAIT_MS_MAX).default(0),
  });
  app.get(
    '/operations/:id',
    {
      schema: {
        operationId: 'getOperation',
        tags: ['operations'],
        summary: 'Shows an operation; with `after`, as soon as it has changed beyond that revision',
        params: z.object({ id: z.string().max(64) }),
        querystring: wait,
        response: { 200: operationView },
      },
    },
    async (request) => {
      const { after, waitMs } = request.query;
      const waiting = after === undefined ? undefined : { after, waitMs };
      const { id } = request.params;
      const operation = await service.operation(id, waiting);
      if (service.isSeenBy(callerOf(request), operation.record)) return operationViewOf(operation);
      throw berthError('BERTH_NOT_FOUND', { kind: 'operation', name: id, known: [] });
    },
  );
  app.post(
    '/operations/:id/cancel',
    {
      schema: {
        operationId: 'cancelOperation',
        tags: ['operations'],
        summary: 'Cancels an operation: its step ends, and what was done is taken back',
        params: z.object({ id: z.string().max(64) }),
        response: { 202: operationView },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { record } = await service.operation(id);
      if (!service.isSeenBy(callerOf(request), record)) {
        throw berthError('BERTH_NOT_FOUND', { kind: 'operation', name: id, known: [] });
      }
      return reply.code(202).send(operationViewOf(await service.cancel(id)));
    },
  );
}
