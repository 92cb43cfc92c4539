import { z } from 'zod';
import { eventQuery } from '../../../api/events.ts';
import { seesLabels } from '../../access/caller.ts';
import type { Caller } from '../../access/caller.ts';
import { callerOf } from '../../access/guard.ts';
import { eventFilter } from '../../events/event-filter.ts';
import type { EventFilter } from '../../events/event-filter.ts';
import { EventStream } from '../../events/event-stream.ts';
import type { FleetEvents } from '../../events/fleet-events.ts';
import type { App } from './route-parts.ts';

const headers = z.object({
  'last-event-id': z
    .string()
    .max(128)
    .optional()
    .describe('the id of the last event that was seen'),
});

/** `/events`, as server-sent events. */
export function eventRoute(app: App, events: FleetEvents): void {
  app.get(
    '/events',
    {
      exposeHeadRoute: false, // it would read a stream that has no end
      schema: {
        operationId: 'streamEvents',
        tags: ['events'],
        summary: 'Streams what happens, as server-sent events',
        description:
          'Each event has an id, its kind as `event`, and JSON as `data`. Whoever comes back with the ' +
          'last id goes on there. An event `resync` says that some may have been missed: read the ' +
          'lists again.',
        querystring: eventQuery,
        headers,
      },
      config: {
        answers: {
          200: {
            description: 'Events, one after the other',
            type: 'text/event-stream',
            component: 'Event',
          },
        },
      },
    },
    async (request, reply) => {
      const { after, ...query } = request.query;
      const isAsked = eventFilter(query);
      const maySee = seenBy(callerOf(request));
      const stream = new EventStream(events.log, {
        after: request.headers['last-event-id'] ?? after,
        wants: (event, sight) => isAsked(event, sight) && maySee(event, sight),
        now: events.now,
      });
      return reply.type('text/event-stream').header('x-accel-buffering', 'no').send(stream);
    },
  );
}

/** A caller with a scope sees what is about VMs in it or was asked for by it, and nothing of hosts. */
function seenBy(caller: Caller): EventFilter {
  if (caller.scope === undefined) return () => true;
  return (_event, { labels, token }) =>
    seesLabels(caller, labels) || (token !== undefined && token === caller.tokenId);
}
