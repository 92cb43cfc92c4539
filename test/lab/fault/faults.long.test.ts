import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { breakHost, faultsInForce, mendHost } from '../../../src/lab/fault/break-host.ts';
import { parseFault } from '../../../src/lab/fault/fault.ts';
import { findFaultTarget } from '../../../src/lab/fleet/fault-target-of.ts';
import { downLab } from '../../../src/lab/fleet/lab.ts';
import { openGuestShell } from '../../../src/lab/guest/open-guest-shell.ts';
import { isRunning } from '../../../src/lab/system/process-identity.ts';
import {
  connect,
  connectGetHostname,
  connectListAllDomains,
  DomainEvent,
  type Connection,
} from '../../../src/libvirt/index.ts';
import { BOOT_DEADLINE_MS, until, virsh } from '../tiny-guest.ts';
import {
  brokenLab,
  faultSkip,
  onHost,
  onLab,
  ping,
  restartBrokenLab,
  startBrokenLab,
  startGuest,
  type BrokenLab,
} from './broken-lab.ts';
import { coded } from '../../refusal.ts';

const skip = await faultSkip();
const WAIT = { deadlineMs: 30_000 };
/** VIR_DOMAIN_EVENT_STOPPED, and its details DESTROYED and FAILED among others (libvirt-domain.h). */
const STOPPED = 5;
const STOPPED_CRASHED = 2;
const STOPPED_FAILED = 5;

const environment = { uid: 0 };
/** Notices within half a second that nobody answers. */
const IMPATIENT = { environment, keepalive: { intervalMs: 100, misses: 4 } };

async function breakIt({ target }: BrokenLab, words: string): Promise<void> {
  await breakHost(target, parseFault(words.split(' ')), {});
}

async function domains(connection: Connection): Promise<readonly string[]> {
  const args = { flags: 0 };
  const { domains: found } = await connection.call(connectListAllDomains, args, WAIT);
  return found.map(({ name }) => name);
}

describe('faults of a host', { skip, concurrency: false }, () => {
  test('libvirtd that is killed comes back by itself and finds its guests', async () => {
    const lab = await brokenLab();
    await startGuest(lab.target, 'stays');
    const before = await virsh(lab.target.uri, 'domid', 'stays');
    const connection = await connect(lab.target.uri, IMPATIENT, WAIT);
    await breakIt(lab, 'libvirtd-kill');
    await assert.rejects(domains(connection), coded('BERTH_CONNECTION_CLOSED'));
    assert.deepEqual(await faultsInForce(lab.target), []);
    await until('libvirtd', 30_000, async () =>
      virsh(lab.target.uri, 'domid', 'stays').then(
        (id) => id === before,
        () => false,
      ),
    );
    assert.equal(await virsh(lab.target.uri, 'domstate', 'stays'), 'running');
    await virsh(lab.target.uri, 'destroy', 'stays');
  });

  test('libvirtd that is stopped stays away until it is mended, and guests run on', async () => {
    const lab = await brokenLab();
    const { target } = lab;
    await startGuest(target, 'alone');
    await breakIt(lab, 'libvirtd-stop');
    assert.deepEqual(await faultsInForce(target), ['libvirtd-stop']);
    const end = performance.now() + 3_000; // the supervisor would start one after 1 s
    while (performance.now() < end) {
      await assert.rejects(virsh(target.uri, 'list'));
      assert.match(await onHost(target, 'ps', '-e', '-o', 'comm='), /qemu-system/);
    }
    await breakIt(lab, 'libvirtd-stop');
    assert.deepEqual(await mendHost(target, 'libvirtd-stop'), ['libvirtd-stop']);
    assert.equal(await virsh(target.uri, 'domstate', 'alone'), 'running');
    assert.deepEqual(await faultsInForce(target), []);
    await virsh(target.uri, 'destroy', 'alone');
  });

  test('a killed QEMU is told as a guest that stopped, by an event and by its state', async () => {
    const lab = await brokenLab();
    const { target } = lab;
    await startGuest(target, 'dies');
    await using connection = await connect(target.uri, { environment, keepalive: 'off' }, WAIT);
    const feed = await connection.subscribe(DomainEvent.lifecycle, {}, WAIT);
    await breakIt(lab, 'qemu-kill dies');
    const { dom, event, detail } = await feed.take(WAIT);
    assert.equal(dom.name, 'dies');
    assert.equal(event, STOPPED);
    assert.ok([STOPPED_CRASHED, STOPPED_FAILED].includes(detail), `detail ${detail}`);
    assert.match(await virsh(target.uri, 'domstate', 'dies', '--reason'), /crashed/);
    await assert.rejects(breakIt(lab, 'qemu-kill dies'), coded('BERTH_NOT_FOUND'));
  });

  test('a cut network lets nothing through, and all again when it is mended', async () => {
    const lab = await brokenLab();
    assert.equal((await ping(lab, 5)).received, 5);
    await breakIt(lab, 'network-cut');
    assert.deepEqual(await faultsInForce(lab.target), ['network-cut']);
    assert.equal((await ping(lab, 3)).received, 0);
    assert.match(await onHost(lab.target, 'cat', '/sys/class/net/eth0/operstate'), /down/);
    assert.notEqual(await virsh(lab.target.uri, 'list'), undefined, 'the local way works');
    await mendHost(lab.target, 'network-cut');
    await until('the network', 10_000, async () => (await ping(lab, 1)).received === 1);
  });

  test('a delay of the network makes every round trip late by twice as much', async () => {
    const lab = await brokenLab();
    await breakIt(lab, 'network-delay 50');
    const slow = await ping(lab, 10);
    assert.equal(slow.received, 10);
    assert.ok(slow.averageMs >= 100, `${slow.averageMs} ms`);
    await breakIt(lab, 'network-delay 10');
    assert.deepEqual(await faultsInForce(lab.target), ['network-delay 10']);
    const faster = await ping(lab, 10);
    assert.ok(faster.averageMs >= 20, `${faster.averageMs} ms`);
    assert.ok(faster.fastestMs < slow.fastestMs, `${faster.fastestMs} ms`);
    await mendHost(lab.target, undefined);
    // The fastest of many: however busy the machine is, a late one is late by 20 ms at least.
    assert.ok((await ping(lab, 50)).fastestMs < 20);
  });

  test('lost frames are as many as asked for, and delay and loss go together', async () => {
    const lab = await brokenLab();
    await breakIt(lab, 'network-drop 20');
    await breakIt(lab, 'network-delay 5');
    assert.deepEqual(await faultsInForce(lab.target), ['network-drop 20', 'network-delay 5']);
    // Both ways have to go well: 0.8 * 0.8 of 400, with four standard deviations of room.
    const { received, averageMs } = await ping(lab, 400);
    assert.ok(received > 216 && received < 296, `${received} of 400`);
    assert.ok(averageMs >= 10, `${averageMs} ms`);
    await mendHost(lab.target, 'network-drop');
    assert.equal((await ping(lab, 50)).received, 50);
    assert.deepEqual(await faultsInForce(lab.target), ['network-delay 5']);
    await mendHost(lab.target, 'network-delay');
    const links = await onLab(lab, 'ip', '-br', 'link', 'show', 'master', 'berth0');
    assert.match(links, /^v-1@/m);
    assert.doesNotMatch(links, /^wv-1/m);
  });

  test('libvirt works over SSH through a bad cable', async () => {
    const lab = await brokenLab();
    await breakIt(lab, 'network-delay 20');
    await breakIt(lab, 'network-drop 5');
    const { ssh } = lab.hosts[0]?.ways ?? {};
    assert.ok(ssh !== undefined);
    // The virsh of ssh(1) takes no file of known hosts by its URI; that of libssh does.
    const uri = ssh.replace('qemu+ssh', 'qemu+libssh');
    assert.equal(await onLab(lab, 'virsh', '-q', '-c', uri, 'hostname'), 'lab-1');
    await mendHost(lab.target, undefined);
  });

  test('a full disk refuses volumes and pauses a guest that writes, until it is mended', async () => {
    const lab = await brokenLab();
    const { target } = lab;
    await virsh(target.uri, 'vol-create-as', 'default', 'd.qcow2', '100M', '--format', 'qcow2');
    await startGuest(target, 'writes', (xml) =>
      xml.replace(
        '<devices>',
        `<devices><disk type='file' device='disk'>
<driver name='qemu' type='qcow2' cache='none' error_policy='enospace'/>
<source file='/var/lib/libvirt/images/d.qcow2'/><target dev='vda' bus='virtio'/></disk>`,
      ),
    );
    const patience = { deadlineMs: BOOT_DEADLINE_MS };
    await using shell = await openGuestShell({ uri: target.uri, guest: 'writes' }, patience);
    await breakIt(lab, 'disk-full');
    assert.deepEqual(await faultsInForce(target), ['disk-full']);
    assert.match(await onHost(target, 'df', '-B1', '/var/lib/libvirt'), / 0 +100% /);
    await assert.rejects(
      virsh(target.uri, 'vol-create-as', 'default', 'more', '8M', '--format', 'raw'),
      /No space left on device/,
    );
    const write =
      'dd if=/dev/zero of=/dev/vda bs=64k count=256 2>/dev/null && sync && echo written';
    const writing = shell.script(write, patience);
    await until('the pause', BOOT_DEADLINE_MS, async () =>
      (await virsh(target.uri, 'domstate', 'writes', '--reason')).includes('paused'),
    );
    assert.match(await virsh(target.uri, 'domstate', 'writes', '--reason'), /I\/O error/);

    await mendHost(target, 'disk-full');
    await virsh(target.uri, 'resume', 'writes');
    assert.equal((await writing).output.trim(), 'written');
    await virsh(target.uri, 'destroy', 'writes');
  });

  test('a frozen host answers nobody, loses its clients, and goes on where it was', async () => {
    const lab = await brokenLab();
    const { target } = lab;
    await startGuest(target, 'frozen');
    const connection = await connect(target.uri, IMPATIENT, WAIT);
    const { hostname } = await connection.call(connectGetHostname, { flags: 0 }, WAIT);
    assert.equal(hostname, 'lab-1');
    await breakIt(lab, 'freeze');
    assert.deepEqual(await faultsInForce(target), ['freeze']);
    await assert.rejects(domains(connection), coded('BERTH_CONNECTION_CLOSED'));
    for (const words of ['libvirtd-kill', 'libvirtd-stop', 'qemu-kill frozen']) {
      await assert.rejects(breakIt(lab, words), coded('BERTH_CONFLICT'), words);
    }
    assert.equal((await ping(lab, 1)).received, 1, 'its kernel is this machine’s, and answers');
    await mendHost(target, 'freeze');
    await using again = await connect(target.uri, IMPATIENT, WAIT);
    assert.ok((await domains(again)).includes('frozen'));
    assert.equal(await virsh(target.uri, 'domstate', 'frozen'), 'running');
    await virsh(target.uri, 'destroy', 'frozen');
  });

  test('a stepped clock is that of libvirtd and of QEMU', async () => {
    const lab = await brokenLab();
    const { target } = lab;
    await breakIt(lab, 'clock +86400');
    assert.deepEqual(await faultsInForce(target), ['clock +86400']);
    await startGuest(target, 'late');
    const wrong = Date.now() / 1000 + 86_400;
    const patience = { deadlineMs: BOOT_DEADLINE_MS };
    await using shell = await openGuestShell({ uri: target.uri, guest: 'late' }, patience);
    // The guest's clock chip is QEMU's, which goes by its host's wall clock.
    const { output } = await shell.script('cat /sys/class/rtc/rtc0/since_epoch || date +%s', WAIT);
    assert.ok(Math.abs(Number(output) - wrong) < 120, `the guest has ${output}`);
    const log = await onHost(target, 'head', '-n', '1', '/var/log/libvirt/qemu/late.log');
    const day = new Date(wrong * 1000).toISOString().slice(0, 10);
    assert.ok(log.includes(day), log);
    const real = Number(await onHost(target, 'date', '+%s'));
    assert.ok(Math.abs(real - Date.now() / 1000) < 60, 'what is not preloaded is right');
    await mendHost(target, undefined);
    assert.deepEqual(await faultsInForce(target), []);
    await virsh(target.uri, 'destroy', 'late');
  });

  test('a crash ends the host, even a frozen one, and it comes up again unbroken', async () => {
    const lab = await startBrokenLab();
    await startGuest(lab.target, 'lost');
    await breakIt(lab, 'network-delay 10');
    await breakIt(lab, 'clock -60');
    await breakIt(lab, 'freeze');
    await breakIt(lab, 'crash');
    await assert.rejects(
      findFaultTarget(lab.home, 'lab-1', lab.target.cache),
      coded('BERTH_CONFLICT'),
    );
    const target = await restartBrokenLab(lab);
    assert.deepEqual(await faultsInForce(target), []);
    assert.equal(await virsh(target.uri, 'domstate', 'lost'), 'shut off');
    const { received, fastestMs } = await ping({ ...lab, target }, 20);
    assert.ok(received === 20 && fastestMs < 20, `${received} of 20 in ${fastestMs} ms`);
    assert.deepEqual(await mendHost(target, undefined), []);
  });

  test('a lab whose hosts are broken in every way ends as any other', async () => {
    const lab = await startBrokenLab();
    await startGuest(lab.target, 'last');
    const words = ['libvirtd-stop', 'network-drop 10', 'network-cut', 'disk-full', 'clock +5'];
    for (const fault of [...words, 'freeze']) await breakIt(lab, fault);
    assert.deepEqual(await faultsInForce(lab.target), [...words, 'freeze']);
    await downLab(lab.home, 'lab');
    assert.ok(!(await isRunning(lab.target.process)));
    const left = lab.target.cgroups.map(async (path) =>
      stat(path).then(
        () => path,
        () => '',
      ),
    );
    assert.equal((await Promise.all(left)).join(''), '');
  });

  test('what is mended in one go is whole again', async () => {
    const lab = await startBrokenLab();
    await startGuest(lab.target, 'whole');
    const words = [
      'libvirtd-stop',
      'network-cut',
      'network-delay 30',
      'disk-full',
      'clock -9',
      'freeze',
    ];
    for (const fault of words) await breakIt(lab, fault);
    await mendHost(lab.target, undefined);
    assert.deepEqual(await faultsInForce(lab.target), []);
    assert.equal(await virsh(lab.target.uri, 'domstate', 'whole'), 'running');
    await until('the network', 10_000, async () => (await ping(lab, 1)).received === 1);
    assert.ok((await ping(lab, 20)).fastestMs < 60);
  });
});
