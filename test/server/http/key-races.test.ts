import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { berthError } from '../../../src/base/errors.ts';
import { Access } from '../../../src/server/access/access.ts';
import { compose } from '../../../src/server/compose.ts';
import { httpServer, listenOn } from '../../../src/server/http/http-server.ts';
import { Metering } from '../../../src/server/metrics/metering.ts';
import { ServerMetrics } from '../../../src/server/metrics/server-metrics.ts';
import { presentAsker } from '../../../src/server/operations/asker.ts';
import type { VmService } from '../../../src/server/services/vm-service.ts';
import { Store } from '../../../src/store/store.ts';
import { quietPorts } from '../quiet-ports.ts';
import { ask } from './bare-server.ts';

test('what its like has begun meanwhile answers a request, not what stands in its way then', async (t) => {
  await using store = await Store.open(':memory:');
  const ports = quietPorts();
  const core = compose({ store, environment: { uid: 0 } }, ports);
  const { fleet, runner, isLeader } = core;
  const counters = new ServerMetrics('test');
  const metering = new Metering({ fleet, store, runner, counters, isLeader, ports });
  let begun: string | undefined;
  const removeVm = async (): Promise<never> => {
    begun = presentAsker().id;
    // Another server, which was sent the same under the same key, has been faster.
    await store.operations.begin({
      id: begun ?? '',
      kind: 'remove',
      vm: 'web',
      vmUuid: 'u',
      state: 'done',
      steps: [],
      done: 0,
      memory: {},
      revision: 1,
      startedAt: 1,
      endedAt: 2,
    });
    throw berthError('BERTH_NOT_FOUND', { kind: 'VM', name: 'web', known: [] });
  };
  const vms = Object.create(core.services.vms, { removeVm: { value: removeVm } }) as VmService;
  const app = await httpServer({
    services: { ...core.services, vms },
    access: new Access({ store, fleet, ports }, { isProxied: false }),
    metering,
    about: () => ({ version: 'test', pid: 1, startedAt: 1 }),
    readiness: async () => assert.fail('nobody asks'),
    ports,
  });
  const folder = await mkdtemp(join(tmpdir(), 'berth-keys-'));
  t.after(async () => {
    await app.close();
    await rm(folder, { recursive: true });
  });
  const socket = join(folder, 'api.sock');
  await listenOn(app, socket);
  const headers = { 'idempotency-key': 'k' };
  const request = { method: 'DELETE', url: '/api/v1/vms/web', headers };
  const answer = await ask({ socket }, request);
  assert.deepEqual([answer.status, answer.body['id']], [202, begun]);
  assert.equal(answer.headers.location, `/api/v1/operations/${begun}`);
  assert.match(answer.headers['content-type'] ?? '', /^application\/json/);
  const again = await ask({ socket }, request);
  assert.deepEqual([again.status, again.body['id']], [202, begun]);
});
