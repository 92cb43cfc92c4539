import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONTENT_TYPES } from '../../../src/server/metrics/exposition.ts';
import { labSkip } from '../../lab/lab-host.ts';
import { startRig, until } from '../rig.ts';
import { expositionProblems } from './exposition-grammar.ts';
import { scrape } from './scrape.ts';

test(
  'a real server tells the figures of a real host in both formats',
  { skip: await labSkip() },
  async () => {
    await using rig = await startRig();
    const { client } = rig;
    await until('the figures of the host', async () => {
      const { text } = await scrape(rig.socket);
      return text.includes('berth_host_memory_bytes{host="h1",kind="total"}');
    });
    for (const [accept, format] of [
      ['text/plain', 'text'],
      ['application/openmetrics-text', 'openmetrics'],
    ] as const) {
      const told = await scrape(rig.socket, accept);
      assert.equal(told.type, CONTENT_TYPES[format]);
      assert.deepEqual(expositionProblems(told.text, format), []);
    }
    const { text } = await scrape(rig.socket);
    assert.match(text, /^berth_host_up\{host="h1"\} 1$/m);
    assert.match(text, /^berth_leader 1$/m);
    assert.match(text, /^berth_store_query_duration_seconds_count [1-9]/m);
    assert.match(
      text,
      /^berth_http_requests_total\{method="GET",route="\/metrics",status="200"\} [1-9]/m,
    );

    const { hosts, total } = await client.hostUsage({ sort: 'memory', limit: 1 });
    assert.equal(total, 1);
    assert.ok((hosts[0]?.usage.memory ?? 0) > 0);
    const history = await client.hostHistory('h1', { series: ['cpu', 'memory'], step: '1m' });
    assert.deepEqual(Object.keys(history.values), ['cpu', 'memory']);
    assert.equal(history.stepMs, 60_000);
    await assert.rejects(client.vmHistory('nobody'), { code: 'BERTH_NOT_FOUND' });
    await assert.rejects(client.hostHistory('h1', { from: 5, to: 1 }), {
      code: 'BERTH_SPEC_INVALID',
    });
  },
);
