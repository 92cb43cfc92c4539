import { z } from 'zod';
import { operationQuery } from '../../../api/operation-query.ts';
import { pageQuery } from '../../../api/paging.ts';
import { operationPage, operationView } from '../../../api/resources.ts';
import { berthError } from '../../../base/errors.ts';
import type { OperationStatus } from '../../operations/operation-runner.ts';
import type { OperationService } from '../../services/operation-service.ts';
import type { Caller } from '../../access/caller.ts';
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
      const { query } = request;
      const { items, ...rest } = await service.operations(query, query, callerOf(request));
      return { operations: items.map(operationViewOf), ...rest };
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
      const now = await seenOperation(service, id, callerOf(request));
      return operationViewOf(waiting === undefined ? now : await service.operation(id, waiting));
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
      await seenOperation(service, id, callerOf(request));
      return reply.code(202).send(operationViewOf(await service.cancel(id)));
    },
  );
}

/** Before anything is waited for: whoever may not know of it learns nothing by how long that takes. */
async function seenOperation(
  service: OperationService,
  id: string,
  caller: Caller,
): Promise<OperationStatus> {
  const operation = await service.operation(id);
  if (service.isSeenBy(caller, operation.record)) return operation;
  throw berthError('BERTH_NOT_FOUND', { kind: 'operation', name: id, known: [] });
}
