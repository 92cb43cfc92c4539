import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isBerthError } from '../../../src/base/errors.ts';
import { labSkip } from '../../lab/lab-host.ts';
import { done, startRig, tinyVm, until } from '../rig.ts';

const skip = await labSkip();

test(
  'labels, settings and a cordon of a host are kept, and placing goes by them',
  { skip },
  async () => {
    await using rig = await startRig();
    const { client, lab } = rig;
    const change = {
      labels: { zone: 'a', rack: '7' },
      settings: { cpuRatio: 2, reservedBytes: 64 * 1024 ** 2 },
    };
    const host = await client.changeHost('h1', change);
    assert.deepEqual([host.labels, host.cpuRatio], [{ zone: 'a', rack: '7' }, 2]);
    assert.deepEqual(await client.changeHosts('zone=a', { labels: { rack: null } }), ['h1']);
    assert.deepEqual(await client.changeHosts('zone=b', { settings: { cpuRatio: 1 } }), []);
    await rig.restart();
    await until(
      'it is connected again',
      async () => (await client.host('h1')).state === 'connected',
    );
    const kept = await client.host('h1');
    assert.deepEqual(kept.labels, { zone: 'a' });
    assert.deepEqual([kept.policy.cpuRatio, kept.policy.reservedBytes], [2, 64 * 1024 ** 2]);
    assert.equal((await client.hosts(undefined, { labels: 'zone=a' })).length, 1);
    assert.equal((await client.hosts(undefined, { labels: 'zone!=a' })).length, 0);
    const named = { name: 'h?', state: 'connected', labels: 'zone=a' } as const;
    assert.equal((await client.hosts(undefined, named)).length, 1);
    assert.equal((await client.hosts(undefined, { name: 'x' })).length, 0);
    assert.equal((await client.hosts(undefined, { state: 'unreachable' })).length, 0);

    const checks = async (zone: string): Promise<readonly string[]> => {
      const document = tinyVm(lab, 'wish', { placement: { hosts: { zone } } });
      const plan = await client.plan(document);
      return plan.placed ? [] : plan.hosts.flatMap((one) => one.checks.map(({ check }) => check));
    };
    assert.deepEqual(await checks('a'), []);
    assert.deepEqual(await checks('b'), ['host-label']);

    await client.changeHost('h1', { settings: { schedulable: false } });
    assert.deepEqual(await checks('a'), ['host-closed']);
    await assert.rejects(
      async () => done(client, await client.createVm(tinyVm(lab, 'late'), { start: false })),
      /takes no new VMs|taking no new VMs/,
    );
    await client.changeHost('h1', { settings: { schedulable: null, cpuRatio: null } });
    assert.deepEqual(await checks('a'), []);
    assert.equal((await client.host('h1')).policy.cpuRatio, 16);
    await assert.rejects(client.changeHost('h2', {}), (error) =>
      isBerthError(error, 'BERTH_NOT_FOUND'),
    );
    await assert.rejects(client.changeHost('h1', { settings: { cpuRatio: 0 } }), (error) =>
      isBerthError(error, 'BERTH_SPEC_INVALID'),
    );
  },
);

test(
  'a domain started by hand on the pCPU of a VM is told as a conflict of both',
  { skip },
  async () => {
    await using rig = await startRig();
    const { client, lab } = rig;
    const document = tinyVm(lab, 'ours', { cpu: { count: 1, policy: 'dedicated' } });
    await done(client, await client.createVm(document, { start: false }));
    const [cpu] = (await client.vm('ours')).placement?.dedicated ?? [];
    assert.deepEqual((await client.host('h1')).conflicts, []);
    const file = join(rig.home, 'theirs.xml');
    writeFileSync(
      file,
      `<domain type='qemu'><name>theirs</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>
    <cputune><vcpupin vcpu='0' cpuset='${cpu}'/></cputune>
    <os><type arch='x86_64'>hvm</type></os></domain>`,
    );
    execFileSync('virsh', ['-c', lab.uri, 'create', file, '--paused']);
    try {
      await until('it is noticed', async () => (await client.host('h1')).conflicts.length > 0);
      const [conflict] = (await client.host('h1')).conflicts;
      assert.deepEqual(
        [conflict?.kind, conflict?.pcpus, conflict?.vms],
        ['pcpus', [cpu], ['ours', 'theirs']],
      );
      assert.deepEqual((await client.vm('ours')).conflicts, [conflict]);
    } finally {
      execFileSync('virsh', ['-c', lab.uri, 'destroy', 'theirs']);
    }
    await until('it is over', async () => (await client.host('h1')).conflicts.length === 0);
  },
);
