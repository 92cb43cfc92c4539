import { z } from 'zod';
import { pageQuery } from '../../../api/paging.ts';
import { operationPage, operationView } from '../../../api/resources.ts';
import type { OperationService } from '../../services/operation-service.ts';
import { operationViewOf } from '../../services/views.ts';
import type { App } from './common.ts';

/** The longest that one request may wait for a change of an operation. */
const WAIT_MS_MAX = 30_000;

/** `/operations`. */
export function operationRoutes(app: App, service: OperationService): void {
  app.get(
    '/operations',
    { schema: { querystring: pageQuery, response: { 200: operationPage } } },
    async (request) => {
      const { items, ...rest } = await service.operations(request.query);
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
        params: z.object({ id: z.string().max(64) }),
        querystring: wait,
        response: { 200: operationView },
      },
    },
    async (request) => {
      const { after, waitMs } = request.query;
      const waiting = after === undefined ? undefined : { after, waitMs };
      return operationViewOf(await service.operation(request.params.id, waiting));
    },
  );
}
