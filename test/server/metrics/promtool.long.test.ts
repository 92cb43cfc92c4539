import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { expositionText } from '../../../src/server/metrics/exposition.ts';
import { hostFamilies, vmFamilies } from '../../../src/server/metrics/fleet-families.ts';
import { ServerMetrics } from '../../../src/server/metrics/server-metrics.ts';
import { hostReading, vmStats } from './readings.ts';

const isMissing = spawnSync('promtool', ['--version']).status !== 0;
const skip = isMissing && 'needs: promtool (Debian package prometheus)';

test('Prometheus itself finds nothing wrong with names, types and values', { skip }, async () => {
  const vms = [vmStats('db1'), vmStats('we"ird')];
  const families = [
    ...hostFamilies([hostReading('h1', vms), hostReading('h2', [])]),
    ...vmFamilies(vms.map((vm) => ({ host: 'h1', vm }))),
    ...(await new ServerMetrics('1.2.3').families()),
  ];
  const input = [...expositionText(families, 'text')].join('');
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input,
    encoding: 'utf8',
  });
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' });
});
