import { berthError } from '../../../base/errors.ts';
import type { VmService } from '../../services/vm-service.ts';
import { attachConsole } from '../console-socket.ts';
import { force, named } from './route-parts.ts';
import type { App } from './route-parts.ts';

/** The serial console of a VM, as a websocket. */
export function consoleRoute(app: App, service: VmService): void {
  app.route({
    method: 'GET',
    url: '/vms/:name/console',
    schema: {
      operationId: 'openConsole',
      tags: ['vms'],
      summary: 'Opens the serial console of a running VM, as a websocket',
      description:
        'Binary messages are bytes, both ways; closed with code 4000 and a problem as reason when ' +
        'it cannot go on. `force` takes the console from whoever has it.',
      params: named,
      querystring: force,
    },
    config: { answers: { 101: { description: 'The console, from now on a websocket' } } },
    handler: async () => {
      throw berthError('BERTH_USAGE', {
        problem: 'a console is a websocket',
        usage: 'open it with an upgrade to the websocket protocol',
      });
    },
    wsHandler: (socket, request) => {
      attachConsole(socket, async (wait) =>
        service.openConsole(request.params.name, request.query.force, wait),
      );
    },
  });
}
