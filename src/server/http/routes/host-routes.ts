import { z } from 'zod';
import { changedHosts, hostChange, hostQuery, hostSelection } from '../../../api/host-change.ts';
import { hostPage, hostRemoval, hostSummary, hostView } from '../../../api/resources.ts';
import { noteChange } from '../../access/audit-trail.ts';
import { callerOf } from '../../access/guard.ts';
import { refuseUri } from '../../access/host-uri.ts';
import type { HostService } from '../../services/host-service.ts';
import { force, named } from './route-parts.ts';
import type { App } from './route-parts.ts';

const tags = ['hosts'];

/** `/hosts`. */
export function hostRoutes(app: App, service: HostService): void {
  changeRoutes(app, service);
  app.get(
    '/hosts',
    {
      schema: {
        operationId: 'listHosts',
        tags,
        summary: 'Lists the hosts: state, cells, CPUs and memory of each',
        querystring: hostQuery,
        response: { 200: hostPage },
      },
    },
    async (request) => {
      const { items, ...rest } = await service.hosts(request.query);
      return { hosts: [...items], ...rest };
    },
  );
  const body = z.strictObject({
    name: z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9.-]{0,62}$/),
    uri: z.string().max(2048),
    ...hostChange.shape,
  });
  app.post(
    '/hosts',
    {
      schema: {
        operationId: 'addHost',
        tags,
        summary: 'Registers a host and connects to it; the same again is no error',
        body,
        response: { 200: hostSummary },
      },
    },
    async (request) => {
      refuseUri(callerOf(request), request.body.uri);
      return service.addHost(request.body);
    },
  );
  app.get(
    '/hosts/:name',
    {
      schema: {
        operationId: 'getHost',
        tags,
        summary: 'Shows a host: its topology with what is free, its VMs, and what each takes',
        params: named,
        response: { 200: hostView },
      },
    },
    async (request) => service.host(request.params.name),
  );
  app.delete(
    '/hosts/:name',
    {
      schema: {
        operationId: 'removeHost',
        tags,
        summary: 'Forgets a host, and touches nothing on it',
        description:
          'Refused while operations work on it or VMs of Berth’s are there, but with `force`: then ' +
          'those operations fail.',
        params: named,
        querystring: force,
        response: { 200: hostRemoval },
      },
    },
    async (request) => service.removeHost(request.params.name, request.query.force),
  );
}

/** What an administrator says of hosts. */
function changeRoutes(app: App, service: HostService): void {
  app.patch(
    '/hosts/:name',
    {
      schema: {
        operationId: 'changeHost',
        tags,
        summary: 'Changes the labels and settings of a host',
        description: 'What is null goes: a label is taken away, a setting is default again.',
        params: named,
        body: hostChange,
        response: { 200: hostSummary },
      },
    },
    async (request) => service.changeHost(request.params.name, request.body),
  );
  app.patch(
    '/hosts',
    {
      schema: {
        operationId: 'changeHosts',
        tags,
        summary: 'Changes the labels and settings of every host that has these labels now',
        querystring: hostSelection,
        body: hostChange,
        response: { 200: changedHosts },
      },
    },
    async (request) => {
      const hosts = [...(await service.changeHosts(request.query.labels, request.body))];
      noteChange(request, { after: { ...request.body, hosts } });
      return { hosts };
    },
  );
}
