import { z } from 'zod';
import { pageQuery } from '../../../api/paging.ts';
import { hostPage, hostRemoval, hostSummary, hostView } from '../../../api/resources.ts';
import { refuseProgram } from '../../../host/host-link.ts';
import type { HostService } from '../../services/host-service.ts';
import { force, named } from './common.ts';
import type { App } from './common.ts';

/** `/hosts`. */
export function hostRoutes(app: App, service: HostService): void {
  app.get(
    '/hosts',
    { schema: { querystring: pageQuery, response: { 200: hostPage } } },
    async (request) => {
      const { items, ...rest } = await service.hosts(request.query);
      return { hosts: [...items], ...rest };
    },
  );
  const body = z.strictObject({
    name: z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9.-]{0,62}$/),
    uri: z.string().max(2048),
  });
  app.post('/hosts', { schema: { body, response: { 200: hostSummary } } }, async (request) => {
    refuseProgram(request.body.uri);
    return service.addHost(request.body);
  });
  app.get(
    '/hosts/:name',
    { schema: { params: named, response: { 200: hostView } } },
    async (request) => service.host(request.params.name),
  );
  app.delete(
    '/hosts/:name',
    { schema: { params: named, querystring: force, response: { 200: hostRemoval } } },
    async (request) => service.removeHost(request.params.name, request.query.force),
  );
}
