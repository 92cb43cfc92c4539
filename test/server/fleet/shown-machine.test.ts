import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shimSkip, startShimmedHost } from '../../lab/machine/shimmed-host.ts';
import { virsh } from '../../lab/tiny-guest.ts';
import { done, startRig, tinyVm } from '../rig.ts';

const skip = await shimSkip();

test(
  'a dedicated VM on a shown machine of 64 CPUs and 8 cells is placed, started and as planned',
  { skip },
  async () => {
    const big = await startShimmedHost('big');
    await using rig = await startRig({ uri: big.uri });
    const { client } = rig;
    const cpu = { count: 6, policy: 'dedicated' } as const;
    const taken = tinyVm(big, 'taken', { cpu });
    await done(client, await client.createVm(taken, { start: true }));
    const document = tinyVm(big, 'ours', { cpu });
    await done(client, await client.createVm(document, { start: true }));

    const vm = await client.vm('ours');
    const [cell = -1] = vm.placement?.cells ?? [];
    assert.notEqual(cell, (await client.vm('taken')).placement?.cells[0], 'a cell has 8 CPUs');
    const pcpus = vm.vcpuInfo.flatMap(({ allowed }) => allowed);
    assert.equal(new Set(pcpus).size, 6);
    for (const pcpu of pcpus) assert.equal(Math.floor(pcpu / 8), cell);

    const { verified } = vm;
    assert.deepEqual(verified?.differences, []);
    assert.ok(verified?.ok);
    assert.ok(verified.checked.includes('vcpu 5 affinity (libvirt)'));
    assert.ok(!verified.checked.some((what) => what.endsWith('(kernel)')));
    assert.match(verified.unknown?.join() ?? '', /not the kernel of the machine that is shown/);

    const elsewhere = (cell * 8 + 8) % 64;
    await virsh(big.uri, 'vcpupin', 'ours', '0', `${elsewhere}`, '--live');
    const drifted = (await client.vm('ours')).verified?.differences;
    assert.deepEqual(
      drifted?.map(({ what, actual, source }) => [what, actual, source]),
      [['vcpu 0 affinity', `${elsewhere}`, 'libvirt']],
      'drift that libvirt tells is still told',
    );
  },
);
