import type { ReadyView } from '../../api/resources.ts';
import { liveView, readyView } from '../../api/resources.ts';
import type { App } from './routes/route-parts.ts';

/**
 * Whether the process lives, and whether it can serve. For whatever watches over the server: outside
 * of `/api/v1`, and without a token, so they tell of nothing but themselves.
 */
export function healthRoutes(app: App, readiness: () => Promise<ReadyView>): void {
  let asked: Promise<ReadyView> | undefined;
  /** Nobody needs a token for it: however many ask, the store is asked once at a time. */
  const shared = async (): Promise<ReadyView> => {
    asked ??= readiness().finally(() => {
      asked = undefined;
    });
    return asked;
  };
  app.get(
    '/healthz',
    {
      schema: {
        operationId: 'getHealth',
        tags: ['health'],
        summary: 'Tells that the process lives',
        response: { 200: liveView },
      },
    },
    () => ({ live: true as const }),
  );
  app.get(
    '/readyz',
    {
      schema: {
        operationId: 'getReadiness',
        tags: ['health'],
        summary: 'Tells whether the server can serve, part by part',
        description: 'Answers 503 with the same document while a part is not ready.',
        response: { 200: readyView, 503: readyView },
      },
    },
    async (_request, reply) => {
      const view = await shared();
      return reply.code(view.ready ? 200 : 503).send(view);
    },
  );
}
