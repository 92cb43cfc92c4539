import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { endKeeper, startKeeper, type Keeper } from '../../../src/lab/fleet/keeper.ts';
import {
  hostAddress,
  LAB_BRIDGE,
  networkOf,
  wishedNetwork,
} from '../../../src/lab/fleet/lab-network.ts';
import { lookAtKvmHost, type KvmHost } from '../../../src/lab/kvm-host/kvm-host.ts';
import { onLabNetwork } from '../../../src/lab/private-host/network-place.ts';
import { isRunning } from '../../../src/lab/system/process-identity.ts';
import { runCommand } from '../../../src/lab/system/run-command.ts';
import { until } from '../tiny-guest.ts';
import { checkKvmHost } from './kvm-host-checks.ts';
import {
  dropHost,
  hostFolder,
  kvmHostSkip,
  SLOW,
  startTestHost,
  virshOn,
} from './kvm-test-host.ts';

describe('a KVM host of Debian 13 on the network of a lab', { skip: await kvmHostSkip() }, () => {
  let home = '';
  let dir = '';
  let keeper: Keeper;
  let host: KvmHost;

  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'berth-kvm-lab-'));
    dir = await hostFolder();
    const hosts = join(home, 'hosts');
    await writeFile(hosts, '127.0.0.1 localhost\n');
    const signal = AbortSignal.timeout(60_000);
    keeper = await startKeeper(home, wishedNetwork(home), signal, async () => undefined);
    const { network, process: first } = keeper;
    const place = {
      keeper: first.pid,
      bridge: LAB_BRIDGE,
      link: 'v-1',
      address: `${hostAddress(network, 1)}/24`,
      gateway: networkOf(network).gateway,
      hosts,
    };
    host = await startTestHost({ dir, release: 'trixie', place, endsWithCaller: false });
  });

  after(async () => {
    await endKeeper(keeper);
    await dropHost(dir);
    await rm(home, { recursive: true });
  });

  test('runs a newer libvirt than Debian 12', async () => {
    assert.match(await virshOn(host, 'version', '--daemon'), /daemon: 11\.3\./);
  });

  checkKvmHost(() => host);

  test('is reached by its address from the network', async () => {
    assert.equal(host.address, hostAddress(keeper.network, 1));
    // The virsh of ssh(1) takes no file of known hosts by its URI; that of libssh does.
    const uri = host.sshUri?.replace('qemu+ssh', 'qemu+libssh') ?? '';
    assert.equal(await virshInLab(uri, 'hostname'), host.name);
  });

  test('ends with its lab', async () => {
    await endKeeper(keeper);
    await until(
      'the end of the host',
      30_000,
      async () => (await lookAtKvmHost(dir)) === undefined,
    );
    assert.equal(await isRunning(keeper.process), false);
  });

  async function virshInLab(uri: string, command: string): Promise<string> {
    const argv = [...onLabNetwork(keeper.process.pid), 'virsh', '-q', '-c', uri, command] as const;
    return (await runCommand(argv, SLOW)).stdout.trim();
  }
});
