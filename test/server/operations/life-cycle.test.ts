import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isBerthError } from '../../../src/base/errors.ts';
import { labSkip } from '../../lab/lab-host.ts';
import { askConsole } from '../http/ask-console.ts';
import { done, startRig, tinyVm } from '../rig.ts';

const skip = await labSkip();

test(
  'a dedicated VM boots where it was planned, answers on its console, and leaves nothing',
  { skip },
  async () => {
    await using rig = await startRig();
    const { client, lab } = rig;
    const document = tinyVm(lab, 'ded', { cpu: { count: 1, policy: 'dedicated', cpuset: 1 } });
    const plan = await client.plan(document);
    assert.ok(plan.placed);
    assert.deepEqual(plan.placement.vcpus, [{ vcpu: 0, pcpus: [1] }]);

    await done(client, await client.createVm(document, { start: true }));
    const vm = await client.vm('ded');
    assert.equal(vm.state, 'running');
    assert.equal(vm.host, 'h1');
    assert.deepEqual(vm.placement?.vcpus, plan.placement.vcpus);
    assert.deepEqual(vm.verified?.differences, []);
    assert.ok(vm.verified?.checked.includes('vcpu 0 affinity (kernel)'), 'the kernel was asked');
    assert.deepEqual(vm.vcpuInfo[0]?.allowed, [1]);
    assert.equal(await askConsole(client, 'ded', 'echo $((6*7))-$(hostname)'), '42-ded\n');

    await done(client, await client.act('ded', 'stop'));
    assert.equal((await client.vm('ded')).state, 'shutoff');
    await done(client, await client.act('ded', 'start'));
    await done(client, await client.act('ded', 'pause'));
    assert.equal((await client.vm('ded')).state, 'paused');
    await done(client, await client.act('ded', 'resume'));
    await assert.rejects(client.removeVm('ded', { force: false }), (error) =>
      isBerthError(error, 'BERTH_CONFLICT'),
    );
    await done(client, await client.removeVm('ded', { force: true }));
    assert.deepEqual(await client.vms(), []);
    assert.deepEqual((await client.host('h1')).seats, []);
    assert.equal(
      execFileSync('virsh', ['-c', lab.uri, 'list', '--all', '--name']).toString().trim(),
      '',
    );
  },
);

test(
  'the seat of a VM that stays for a while tells when it is expected to be gone',
  { skip },
  async () => {
    await using rig = await startRig();
    const { client, lab } = rig;
    const before = Date.now();
    const document = tinyVm(lab, 'brief', { placement: { expectedLifetime: '6h' } });
    await done(client, await client.createVm(document, { start: false }));
    const after = Date.now();
    const [seat] = (await client.host('h1')).seats;
    const end = seat?.expectedEnd ?? 0;
    const stays = 6 * 3_600_000;
    // Ends are rounded up, to an eighth of about as long as the VM stays.
    assert.ok(end >= before + stays && end <= after + stays * (1 + 1 / 8), `${before} .. ${end}`);
  },
);

test(
  'drift is told: a pin that somebody changed by hand shows as planned against actual',
  { skip },
  async () => {
    await using rig = await startRig();
    const { client, lab } = rig;
    const document = tinyVm(lab, 'drift', { cpu: { count: 1, policy: 'dedicated', cpuset: 0 } });
    await done(client, await client.createVm(document, { start: true }));
    execFileSync('virsh', ['-c', lab.uri, 'vcpupin', 'drift', '0', '1', '--live']);
    const { verified } = await client.vm('drift');
    assert.equal(verified?.ok, false);
    assert.deepEqual(verified?.differences, [
      { what: 'vcpu 0 affinity', planned: '0', actual: '1', source: 'libvirt' },
      { what: 'vcpu 0 affinity', planned: '0', actual: '1', source: 'kernel' },
    ]);
  },
);

test(
  'floating vCPUs give way to a dedicated VM and come back when it is removed',
  { skip },
  async () => {
    await using rig = await startRig();
    const { client, lab } = rig;
    await done(client, await client.createVm(tinyVm(lab, 'floats'), { start: true }));
    assert.deepEqual((await client.vm('floats')).vcpuInfo[0]?.allowed, [0, 1]);
    const dedicated = tinyVm(lab, 'takes', { cpu: { count: 1, policy: 'dedicated', cpuset: 0 } });
    await done(client, await client.createVm(dedicated, { start: true }));
    const moved = await client.vm('floats');
    assert.deepEqual(moved.vcpuInfo[0]?.allowed, [1]);
    assert.deepEqual(moved.verified?.differences, []);
    await done(client, await client.removeVm('takes', { force: true }));
    const back = await client.vm('floats');
    assert.deepEqual(back.vcpuInfo[0]?.allowed, [0, 1]);
    assert.deepEqual(back.verified?.differences, []);
  },
);

test(
  'many at once: pCPUs are never given twice, and what does not fit is refused whole',
  { skip },
  async () => {
    await using rig = await startRig();
    const { client, lab } = rig;
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const results = await Promise.all(
      names.map(async (name) => {
        const document = tinyVm(lab, name, { cpu: { count: 1, policy: 'dedicated' } });
        const operation = await client.createVm(document, { start: false });
        return client.wait(operation, () => {});
      }),
    );
    const states = results.map((operation) => operation.state).toSorted();
    assert.deepEqual(states, ['done', 'done', 'undone', 'undone', 'undone', 'undone']);
    const { seats } = await client.host('h1');
    assert.deepEqual(new Set(seats.flatMap((seat) => seat.dedicated)), new Set([0, 1]));
    const [refused] = results.filter((operation) => operation.state === 'undone');
    assert.equal(refused?.error?.exit, 4);
    const why = await client.why(refused?.vm ?? '');
    assert.ok(!why.plan.placed);
    assert.notDeepEqual(why.plan.hosts[0]?.checks, []);
  },
);

test(
  'a domain that was there before is shown and counted, and never touched',
  { skip },
  async () => {
    await using rig = await startRig();
    const { client, lab } = rig;
    const xml = `<domain type='qemu'><name>theirs</name><memory unit='MiB'>32</memory>
    <vcpu>1</vcpu><cputune><vcpupin vcpu='0' cpuset='0'/></cputune>
    <os><type arch='x86_64'>hvm</type></os></domain>`;
    const file = join(rig.home, 'theirs.xml');
    writeFileSync(file, xml);
    execFileSync('virsh', ['-c', lab.uri, 'create', file, '--paused']);
    try {
      const signal = AbortSignal.timeout(10_000);
      const shown = async (): Promise<boolean> =>
        (await client.vms({}, signal)).some((vm) => vm.name === 'theirs' && vm.state === 'paused');
      while (!(await shown())) await sleep(20);
      const { seats } = await client.host('h1');
      assert.deepEqual(seats.find((seat) => seat.vm === 'theirs')?.dedicated, [0]);
      const two = tinyVm(lab, 'two', { cpu: { count: 2, policy: 'dedicated' } });
      const plan = await client.plan(two);
      assert.ok(!plan.placed);
      assert.deepEqual(plan.hosts[0]?.checks[0]?.heldBy, ['theirs']);
      await assert.rejects(client.removeVm('theirs', { force: true }), (error) =>
        isBerthError(error, 'BERTH_CONFLICT'),
      );
      const state = execFileSync('virsh', ['-c', lab.uri, 'domstate', '--reason', 'theirs']);
      assert.match(state.toString(), /^paused/, 'it is as it was');
    } finally {
      // What has gone wrong before says more than that there is nothing to be destroyed any more.
      spawnSync('virsh', ['-c', lab.uri, 'destroy', 'theirs']);
    }
  },
);

test(
  'losing the store loses no VM: a new server reads everything from the host',
  { skip },
  async () => {
    await using rig = await startRig();
    const document = tinyVm(rig.lab, 'kept', { cpu: { count: 1, policy: 'dedicated' } });
    await done(rig.client, await rig.client.createVm(document, { start: false }));
    const before = await rig.client.vm('kept');
    await using other = await startRig();
    const after = await other.client.vm('kept');
    assert.deepEqual(after, before);
  },
);

test(
  "the guest's own kernel sees the cells, their memory and their distance",
  { skip },
  async () => {
    await using rig = await startRig();
    const { client, lab } = rig;
    const memory = '128MiB';
    const document = tinyVm(lab, 'cells', {
      cpu: { count: 2 },
      memory: { size: '256MiB' },
      numa: {
        cells: [
          { cpus: '0', memory, host: 0 },
          { cpus: '1', memory, host: 0 },
        ],
      },
    });
    await done(client, await client.createVm(document, { start: true }));
    assert.deepEqual((await client.vm('cells')).verified?.differences, []);
    const nodes = 'cd /sys/devices/system/node; echo $(cat node*/cpulist) : $(cat node*/distance)';
    assert.equal(await askConsole(client, 'cells', nodes), '0 1 : 10 11 11 10\n');
  },
);
