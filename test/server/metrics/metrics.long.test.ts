import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { labSkip } from '../../lab/lab-host.ts';
import { done, startRig, tinyVm } from '../rig.ts';
import { scrape } from './scrape.ts';

const skip = await labSkip();

test('a real guest is told to Prometheus, and what it used is kept', { skip }, async () => {
  await using rig = await startRig();
  const { client } = rig;
  await done(client, await client.createVm(tinyVm(rig.lab, 'm1'), { start: true }));
  await until('the figures of the VM', async () => {
    const { text } = await scrape(rig.socket);
    return text.includes('berth_vm_cpu_seconds_total{vm="m1",host="h1"}');
  });
  const { text } = await scrape(rig.socket);
  assert.match(text, /^berth_operations_total\{kind="create",state="done"\} 1$/m);
  assert.match(text, /^berth_fleet_changes_total\{kind="vm",change="appeared"\} [1-9]/m);
  assert.match(text, /^berth_host_vms\{host="h1",state="running"\} 1$/m);

  await until('a rate, which takes two readings', async () => {
    const { vms } = await client.vmUsage({ sort: 'cpu' });
    return vms.some(({ name, usage }) => name === 'm1' && usage.cpu !== undefined);
  });
  const [host] = (await client.hostUsage()).hosts;
  assert.equal(host?.vms, 1);
  assert.ok((host.usage.cpu ?? 0) > 0);
  await until('a value in its history', async () => {
    const { isKept, values } = await client.vmHistory('m1', { series: ['memory'] });
    return isKept && (values.memory ?? []).some((value) => value !== null);
  });
});

/** Waits for something that comes about with one of the next readings. */
async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 60; attempt++) {
    if (await holds()) return;
    await sleep(1000);
  }
  assert.fail(`${what} did not come about`);
}
