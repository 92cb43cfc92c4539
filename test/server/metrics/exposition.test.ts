import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { expositionText, formatFor, labelsText } from '../../../src/server/metrics/exposition.ts';
import type { ExpositionFormat, Family } from '../../../src/server/metrics/exposition.ts';
import { hostFamilies, vmFamilies } from '../../../src/server/metrics/fleet-families.ts';
import { METRICS } from '../../../src/server/metrics/metric-list.ts';
import { ServerMetrics } from '../../../src/server/metrics/server-metrics.ts';
import { expositionProblems, parseLabels } from './exposition-grammar.ts';
import { hostReading, vmStats } from './readings.ts';

const FORMATS = ['text', 'openmetrics'] as const;
/** What labels are made of, and what breaks them where it is not escaped. */
const ODD = fc.constantFrom('a', 'n', '"', '\\', '\n', '{', '}', ',', '=', ' ', '\u0000', 'é', '🖥');

test('a fleet and its server are told in both formats as their grammars want it', async () => {
  for (const format of FORMATS) {
    const text = [...expositionText(await everything(), format)].join('');
    assert.deepEqual(expositionProblems(text, format), []);
  }
});

test('every metric of the list that has a value is told, with its labels', async () => {
  const text = [...expositionText(await everything(), 'text')].join('');
  const missing = METRICS.filter(({ name }) => !text.includes(`# TYPE ${name} `));
  assert.deepEqual(missing, []);
  assert.match(text, /^berth_vm_vcpu_delay_seconds_total\{vm="db1",host="h1",vcpu="1"\} 0\.5$/m);
  assert.match(text, /^berth_host_cell_memory_free_bytes\{host="h1",cell="0"\} 4294967296$/m);
  assert.match(text, /^berth_host_cpus\{host="h1",state="dedicated"\} 1$/m);
  assert.match(text, /^berth_host_cpus\{host="h1",state="shared"\} 1$/m);
  assert.match(text, /^berth_host_cpus\{host="h1",state="reserved"\} 1$/m);
  assert.match(text, /^berth_host_cpus\{host="h1",state="offline"\} 1$/m);
  assert.match(text, /^berth_operations_total\{kind="create",state="done"\} 1$/m);
});

test('a host that is away is down, and has no other figures', () => {
  const away = { name: 'h2', isConnected: false, states: [], failures: 0 };
  const text = [...expositionText(hostFamilies([away]), 'text')].join('');
  const values = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const told = new Set(values.map((line) => line.replace(/\{.*/, '')));
  assert.deepEqual(
    [...told],
    ['berth_host_up', 'berth_host_read_failures_total', 'berth_host_vms'],
  );
  assert.match(text, /^berth_host_up\{host="h2"\} 0$/m);
});

test('names of any kind come out as they went in', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: ODD }), { maxLength: 3 }), (values) => {
      const names = values.map((_, index) => `label${index}`);
      const text = labelsText(names, values);
      assert.ok(!text.includes('\n'));
      assert.deepEqual(parseLabels(text), Object.fromEntries(names.map((n, i) => [n, values[i]])));
    }),
  );
});

test('a large fleet is handed on in pieces, of which none is made before it is asked for', () => {
  let made = 0;
  const family: Family = {
    metric: { name: 'berth_vm_info', type: 'gauge', help: 'x' },
    samples: (function* () {
      for (; made < 1_000_000; made++) yield { labels: `vm="v${made}"`, value: 1 };
    })(),
  };
  const first = expositionText([family], 'text').next();
  assert.ok(first.done !== true && first.value.length < 128 * 1024);
  assert.ok(made < 10_000);
});

test('the format is what the reader prefers of what it understands', () => {
  const asked: readonly (readonly [string | undefined, ExpositionFormat])[] = [
    [undefined, 'text'],
    ['*/*', 'text'],
    ['text/plain', 'text'],
    ['application/openmetrics-text', 'openmetrics'],
    // What Prometheus 2.42 sends.
    [
      'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
      'openmetrics',
    ],
    ['application/openmetrics-text;q=0.2, text/plain;q=0.9', 'text'],
    ['application/openmetrics-text;q=0', 'text'],
    ['application/openmetrics-text;q=oops', 'text'],
  ];
  for (const [accept, format] of asked) assert.equal(formatFor(accept), format, accept);
});

async function everything(): Promise<readonly Family[]> {
  const vms = [vmStats('db1'), vmStats('we"ird\\na\nme', { memory: {}, disks: [], nics: [] })];
  const server = new ServerMetrics('1.2.3');
  server.leads(() => true);
  server.changed({ kind: 'host', name: 'h1', change: 'connected' });
  const record = {
    id: '1',
    kind: 'create',
    vm: 'db1',
    vmUuid: 'u',
    state: 'running' as const,
    steps: [],
    done: 0,
    memory: {},
    revision: 1,
    startedAt: 1000,
  };
  server.operated(record);
  server.operated({ ...record, state: 'done', endedAt: 3000 });
  server.operated({ ...record, state: 'done', endedAt: 3000 });
  server.asked(0.002, true);
  server.answered({ method: 'GET', route: '/api/v1/vms/:name', status: 200, seconds: 0.01 });
  return [
    ...hostFamilies([hostReading('h1', vms)]),
    ...vmFamilies(vms.map((vm) => ({ host: 'h1', vm }))),
    ...(await server.families()),
  ];
}
