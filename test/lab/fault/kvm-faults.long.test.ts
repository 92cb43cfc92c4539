import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBerthError } from '../../../src/base/errors.ts';
import { breakHost, faultsInForce, mendHost } from '../../../src/lab/fault/break-host.ts';
import { parseFault } from '../../../src/lab/fault/fault.ts';
import { findFaultTarget } from '../../../src/lab/fleet/fault-target-of.ts';
import { upLab } from '../../../src/lab/fleet/lab.ts';
import { findLab } from '../../../src/lab/fleet/list-labs.ts';
import { keeperPid, labHome, NO_TOPOLOGY } from '../fleet/test-lab.ts';
import { kvmHostSkip } from '../kvm-host/kvm-test-host.ts';
import { TEST_CACHE } from '../lab-host.ts';
import { until, virsh } from '../tiny-guest.ts';
import { faultSkip, onHost, ping, type BrokenLab } from './broken-lab.ts';

const need = await kvmHostSkip();
const skip = need === false ? await faultSkip() : need;
/** The first start builds, boots and saves the host; others take half a minute. */
const UP_DEADLINE_MS = 900_000;

/** A KVM host to be broken, and a namespace host to ping it from. */
async function kvmLab(): Promise<BrokenLab & { readonly kvm: BrokenLab['target'] }> {
  const home = labHome();
  await upLab({
    home,
    name: 'lab',
    hosts: [{ kind: 'namespace' }, { kind: 'kvm', machine: 'kvm-host' }],
    cache: TEST_CACHE,
    signal: AbortSignal.timeout(UP_DEADLINE_MS),
  });
  const { hosts } = await findLab(home, 'lab', NO_TOPOLOGY);
  return {
    home,
    hosts,
    target: await findFaultTarget(home, 'lab-1', TEST_CACHE),
    kvm: await findFaultTarget(home, 'lab-2', TEST_CACHE),
    other: hosts[1]?.address ?? '',
    keeper: await keeperPid(home),
  };
}

test('a KVM host is broken and mended in every way', { skip }, async (context) => {
  const lab = await kvmLab();
  const { kvm } = lab;
  const breakIt = async (words: string): Promise<void> => {
    await breakHost(kvm, parseFault(words.split(' ')), {});
    context.diagnostic(words);
  };
  const answers = async (): Promise<boolean> =>
    virsh(kvm.uri, 'hostname').then(
      () => true,
      () => false,
    );

  assert.equal((await ping(lab, 3)).received, 3);
  await breakIt('network-cut');
  assert.deepEqual(await faultsInForce(kvm), ['network-cut']);
  assert.equal((await ping(lab, 2)).received, 0);
  assert.ok(await answers(), 'the local way works');
  await mendHost(kvm, 'network-cut');
  await breakIt('network-delay 100');
  await until('the network', 30_000, async () => (await ping(lab, 1)).received === 1);
  assert.ok((await ping(lab, 3)).averageMs >= 200);
  await mendHost(kvm, undefined);
  assert.equal((await ping(lab, 3)).received, 3);

  await breakIt('clock -86400');
  assert.deepEqual(await faultsInForce(kvm), ['clock -86400']);
  const told = Number(await onHost(kvm, 'date', '+%s'));
  assert.ok(Math.abs(told + 86_400 - Date.now() / 1000) < 60);
  await mendHost(kvm, 'clock');
  assert.deepEqual(await faultsInForce(kvm), []);

  await breakIt('disk-full');
  assert.deepEqual(await faultsInForce(kvm), ['disk-full']);
  assert.match(await onHost(kvm, 'df', '-B1', '/var/lib/libvirt'), / 0 +100% /);
  await mendHost(kvm, 'disk-full');

  await breakIt('libvirtd-stop');
  assert.deepEqual(await faultsInForce(kvm), ['libvirtd-stop']);
  assert.ok(!(await answers()));
  await mendHost(kvm, 'libvirtd-stop');
  assert.ok(await answers());
  await breakIt('libvirtd-kill');
  await until('libvirtd', 60_000, answers);

  await breakIt('freeze');
  assert.deepEqual(await faultsInForce(kvm), ['freeze']);
  assert.equal((await ping(lab, 2)).received, 0);
  await mendHost(kvm, 'freeze');
  await until('the network', 30_000, async () => (await ping(lab, 1)).received === 1);

  await breakIt('crash');
  const gone = findFaultTarget(lab.home, 'lab-2', TEST_CACHE);
  await assert.rejects(gone, (error) => isBerthError(error, 'BERTH_CONFLICT'));
});
