import { serverView } from '../../../api/resources.ts';
import type { ServerView } from '../../../api/resources.ts';
import type { App } from './route-parts.ts';

/** `/server`. */
export function serverRoute(app: App, about: () => ServerView): void {
  app.get(
    '/server',
    {
      schema: {
        operationId: 'getServer',
        tags: ['server'],
        summary: 'Tells which server this is: version, process and start',
        response: { 200: serverView },
      },
    },
    about,
  );
}
