import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { stringify } from 'yaml';
import type { VmDocument } from '../../../src/api/vm-spec.ts';
import { runLine } from '../../cli/run-line.ts';
import { labSkip, startLabHost } from '../../lab/lab-host.ts';
import { startRig, tinyVm } from '../rig.ts';

const skip = await labSkip();

test(
  'VMs of one folder come out near each other, apart and spread as they ask, in any order',
  { skip },
  async () => {
    await using rig = await startRig();
    const { client, lab, socket } = rig;
    const other = await startLabHost('together');
    await client.addHost({ name: 'h2', uri: other.uri });
    const vm = (
      name: string,
      app: string,
      placement: NonNullable<VmDocument['spec']['placement']>,
    ): VmDocument => ({
      ...tinyVm(lab, name, { memory: { size: '64MiB' }, placement }),
      metadata: { name, labels: { app } },
    });
    // Each web is to be near a cache, which the file has after them.
    const documents = [
      vm('web1', 'web', { affinity: ['app=cache'], antiAffinity: ['app=web'] }),
      vm('web2', 'web', { affinity: ['app=cache'], antiAffinity: ['app=web'] }),
      vm('cache1', 'cache', { antiAffinity: ['app=cache'] }),
      vm('cache2', 'cache', { antiAffinity: ['app=cache'] }),
      vm('job1', 'job', { spread: [{ over: 'host', selector: 'app=job' }] }),
      vm('job2', 'job', { spread: [{ over: 'host', selector: 'app=job' }] }),
    ];
    const file = join(rig.home, 'all.yaml');
    writeFileSync(file, documents.map((one) => stringify(one)).join('---\n'));

    const planned = (await client.planFleet({ documents })).vms.map((one) => {
      assert.ok(one.action === 'create' && one.plan.placed, JSON.stringify(one));
      return [one.vm, one.plan.placement.host] as const;
    });
    assert.deepEqual(
      planned.map(([name]) => name),
      documents.map(({ metadata }) => metadata.name),
    );
    assertRules(new Map(planned));

    const ran = await runLine(['apply', '-f', file, '--no-start'], { socket });
    assert.equal(ran.status, 0, ran.stdout + ran.stderr);
    assert.match(ran.stdout, /6 of 6 done/);
    assertRules(new Map((await client.vms()).map(({ name, host }) => [name, host])));
  },
);

function assertRules(hosts: ReadonlyMap<string, string>): void {
  for (const app of ['web', 'cache', 'job']) {
    const places = new Set([hosts.get(`${app}1`), hosts.get(`${app}2`)]);
    assert.deepEqual(places, new Set(['h1', 'h2']), app);
  }
}
