import assert from 'node:assert/strict';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openGuestShell } from '../../../src/lab/guest/open-guest-shell.ts';
import type { GuestShell } from '../../../src/lab/guest/guest-shell.ts';
import {
  connect,
  domainAgentCommand,
  domainAgentSetResponseTimeout,
  DomainAgentTimeout,
  domainAuthorizedSshKeysGet,
  domainAuthorizedSshKeysSet,
  DomainAuthorizedSshKeysSetFlag,
  domainCreateXml,
  domainDestroyFlags,
  DomainDeviceFlag,
  DomainEventAgentLifecycleReason,
  DomainEventAgentLifecycleState,
  DomainEventIoErrorAction,
  domainFsfreeze,
  domainFsthaw,
  domainFstrim,
  domainGetFsinfo,
  domainGetGuestInfo,
  domainGetGuestVcpus,
  domainGetHostname,
  domainGetMaxMemory,
  domainGetTime,
  domainGetXmlDesc,
  DomainHostnameFlag,
  domainInjectNmi,
  DomainInterfaceAddressSource,
  domainInterfaceAddresses,
  DomainMemFlag,
  DomainMemoryStat,
  domainMemoryStats,
  domainOpenChannel,
  domainPmSuspendForDuration,
  domainPmWakeup,
  domainSendKey,
  domainSetGuestVcpus,
  domainSetMemoryFlags,
  domainSetMemoryStatsPeriod,
  domainSetTime,
  domainSetUserPassword,
  domainSetVcpusFlags,
  DomainTimeFlag,
  domainUpdateDeviceFlags,
  DomainVcpuFlag,
  ErrorCode,
  KeycodeSet,
  type Connection,
  type Domain,
} from '../../../src/libvirt/index.ts';
import { agentImage } from '../../lab/lab-host.ts';
import { BOOT_DEADLINE_MS } from '../../lab/tiny-guest.ts';
import { refusedWith } from '../../refusal.ts';
import { daemon, inHost, python, skip, uriOf, virsh, WAIT } from '../daemon.ts';
import { EventWitness, plainParams } from './event-witness.ts';

const NAME = 'agent';
const CHANNEL = 'berth.test';

/** The guest as python has it, for what is asked of it. */
const PYTHON = `c.lookupByName("${NAME}")`;

/** The first libvirt with memory that grows as the guest lets it. */
const VIRTIO_MEM = 7_009_000;
/** The first that tells a command without an answer from an agent that is not there. */
const COMMAND_TIMEOUT = 11_002_000;

/** A guest with an agent, a disk, a disk whose storage is too small for it, and memory that grows. */
async function guestXml(libVersion: number): Promise<string> {
  const { images } = await daemon();
  const image = await agentImage({ images });
  const disk = (file: string, target: string) =>
    `<disk type='file' device='disk'><driver name='qemu' type='raw' discard='unmap'/>
<source file='${images.inside}/${file}'/><target dev='${target}' bus='virtio'/></disk>`;
  const growing = `<memory model='virtio-mem'><target><size unit='MiB'>128</size><node>0</node>
<block unit='MiB'>2</block><requested unit='KiB'>0</requested></target></memory>`;
  return `<domain type='qemu'><name>${NAME}</name><memory unit='MiB'>160</memory>
<maxMemory slots='2' unit='MiB'>1024</maxMemory><vcpu current='2'>3</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type><kernel>${image.kernel}</kernel>
<initrd>${image.initrd}</initrd><cmdline>console=ttyS0 quiet berth.hostname=${NAME} berth.dhcp</cmdline></os>
<features><acpi/></features>
<cpu><numa><cell id='0' cpus='0-2' memory='160' unit='MiB'/></numa></cpu>
<devices><serial type='pty'><target port='0'/></serial>
<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
<channel type='unix'><target type='virtio' name='${CHANNEL}'/></channel>
<interface type='user'><model type='virtio'/></interface>
${disk('agent.raw', 'vda')}${disk('small/full.raw', 'vdb')}
${libVersion < VIRTIO_MEM ? '' : growing}<memballoon model='virtio'/></devices></domain>`;
}

/** The key A. */
const KEY = { codeset: KeycodeSet.linux, holdtime: 50, keycodes: [30] };

describe('a guest with an agent, through a real libvirtd', { skip, concurrency: false }, () => {
  let connection: Connection;
  let witness: EventWitness;
  let shell: GuestShell;
  let dom: Domain;

  /** What a script writes in the guest. */
  async function inGuest(script: string): Promise<string> {
    const { status, output } = await shell.script(script, WAIT);
    assert.equal(status, 0, `${script}: ${output}`);
    return output.trim();
  }

  /** The memory that grows as the domain has it, with another size asked of it. */
  async function grown(mib: number): Promise<string> {
    const { xml } = await connection.call(domainGetXmlDesc, { dom }, WAIT);
    const memory = /<memory model='virtio-mem'>.*?<\/memory>/s.exec(xml)?.[0] ?? '';
    return memory.replace(/(<requested unit='KiB'>)\d+/, `$1${mib * 1024}`);
  }

  before(async () => {
    const { images } = await daemon();
    const small = `${images.inside}/small`;
    await inHost('mkdir', '-m', '777', '-p', small);
    await inHost('mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small);
    for (const [file, size] of [
      [`${images.inside}/agent.raw`, '16M'],
      [`${small}/full.raw`, '4M'],
    ] as const) {
      await inHost('truncate', '-s', size, file);
      await inHost('chmod', '666', file);
    }
    connection = await connect(await uriOf('qemu'), { environment: { uid: 0 } }, WAIT);
    witness = await EventWitness.start(connection);
    const xmlDesc = await guestXml(connection.libVersion);
    ({ dom } = await connection.call(domainCreateXml, { xmlDesc }, WAIT));
    const boot = { deadlineMs: BOOT_DEADLINE_MS };
    shell = await openGuestShell({ uri: await uriOf('qemu'), guest: NAME }, boot);
    const { connected } = DomainEventAgentLifecycleState;
    await witness.until('agentLifecycle', (e) => e.state === connected);
  });

  after(async () => {
    witness?.stop();
    await shell?.close();
    await connection?.close(WAIT);
  });

  test('tells its name, addresses and what else the agent knows', async () => {
    const flags = DomainHostnameFlag.agent;
    const { hostname } = await connection.call(domainGetHostname, { dom, flags }, WAIT);
    assert.equal(hostname, await python('qemu', `${PYTHON}.hostname(${flags})`));
    const source = DomainInterfaceAddressSource.agent;
    const { ifaces } = await connection.call(domainInterfaceAddresses, { dom, source }, WAIT);
    assert.deepEqual(
      Object.fromEntries(ifaces.map(({ name, hwaddr, addrs }) => [name, { hwaddr, addrs }])),
      await python('qemu', `${PYTHON}.interfaceAddresses(${source})`),
    );
    const { params } = await connection.call(domainGetGuestInfo, { dom, types: 0 }, WAIT);
    const info = plainParams(params);
    assert.equal(info['os.id'], 'berth-guest');
    assert.deepEqual(info, await python('qemu', `${PYTHON}.guestInfo(0)`));
  });

  test('has its clock read, set, and set by its hardware', async () => {
    const now = await connection.call(domainGetTime, { dom }, WAIT);
    const told = (await python('qemu', `${PYTHON}.getTime()`)) as { readonly seconds: number };
    assert.ok(Math.abs(told.seconds - Number(now.seconds)) < 30);
    assert.ok(now.nseconds < 1e9);
    const seconds = 1_700_000_000n;
    await connection.call(domainSetTime, { dom, seconds, nseconds: 0 }, WAIT);
    const set = (await python('qemu', `${PYTHON}.getTime()`)) as { readonly seconds: number };
    assert.ok(set.seconds >= 1_700_000_000 && set.seconds < 1_700_000_060, `${set.seconds}`);
    const flags = DomainTimeFlag.sync;
    await connection.call(domainSetTime, { dom, seconds: 0n, nseconds: 0, flags }, WAIT);
    const { seconds: synced } = await connection.call(domainGetTime, { dom }, WAIT);
    assert.ok(synced >= seconds);
    assert.ok((await witness.until('rtcChange')).offset < 0n);
  });

  test('has its file systems listed, held, let go and trimmed', async () => {
    const { images } = await daemon();
    const script = 'mke2fs /dev/vda >/dev/null 2>&1; mkdir /mnt; mount -t ext4 -o rw /dev/vda /mnt';
    await inGuest(script);
    const { info } = await connection.call(domainGetFsinfo, { dom }, WAIT);
    assert.deepEqual(info, [
      { mountpoint: '/mnt', name: 'vda', fstype: 'ext4', devAliases: ['vda'] },
    ]);
    assert.deepEqual(
      info.map((one) => Object.values(one)),
      await python('qemu', `${PYTHON}.fsInfo()`),
    );
    const held = await connection.call(domainFsfreeze, { dom, mountpoints: [] }, WAIT);
    assert.deepEqual(held, { filesystems: 1 });
    const cmd = '{"execute":"guest-fsfreeze-status"}';
    const timeout = DomainAgentTimeout.block;
    const { result } = await connection.call(domainAgentCommand, { dom, cmd, timeout }, WAIT);
    assert.deepEqual(JSON.parse(result ?? ''), { return: 'frozen' });
    assert.equal(result, await virsh('qemu', 'qemu-agent-command', NAME, cmd));
    const free = await connection.call(domainFsthaw, { dom, mountpoints: [] }, WAIT);
    assert.deepEqual(free, { filesystems: 1 });
    assert.match(await virsh('qemu', 'qemu-agent-command', NAME, cmd), /thawed/);
    await inGuest(
      'dd if=/dev/urandom of=/mnt/big bs=1M count=8 2>/dev/null; sync; rm /mnt/big; sync',
    );
    const path = join(images.outside, 'agent.raw');
    const full = (await stat(path)).blocks;
    await connection.call(domainFstrim, { dom, minimum: 0n }, WAIT);
    const trimmed = (await stat(path)).blocks;
    assert.ok(trimmed + 8192 < full, `${full} blocks of 512 bytes before, ${trimmed} after`);
  });

  test('takes passwords and keys', async () => {
    await inGuest(`echo root:x:0:0:root:/root:/bin/sh >/etc/passwd; mkdir -p /root
printf '#!/bin/sh\\necho "$@"; cat >/run/words\\n' >/bin/chpasswd; chmod 755 /bin/chpasswd`);
    const user = 'root';
    const listed = `${PYTHON}.authorizedSSHKeysGet("root")`;
    await connection.call(domainSetUserPassword, { dom, user, password: 'sécret' }, WAIT);
    assert.equal(await inGuest('cat /run/words'), 'root:sécret');
    const keys = ['ssh-ed25519 AAAA one', 'ssh-ed25519 BBBB two'];
    await connection.call(domainAuthorizedSshKeysSet, { dom, user, keys }, WAIT);
    const set = await connection.call(domainAuthorizedSshKeysGet, { dom, user }, WAIT);
    assert.deepEqual(set.keys.toSorted(), keys);
    assert.deepEqual(await python('qemu', listed), set.keys);
    const { remove } = DomainAuthorizedSshKeysSetFlag;
    const [one = '', two] = keys;
    await connection.call(
      domainAuthorizedSshKeysSet,
      { dom, user, keys: [one], flags: remove },
      WAIT,
    );
    assert.deepEqual(await python('qemu', listed), [two]);
  });

  test('hears keys and its NMI button, and speaks through a channel', async () => {
    await inGuest(
      'exec 3</dev/input/event0; dd bs=24 count=1 <&3 2>/dev/null | hexdump -C >/run/keys &',
    );
    await connection.call(domainSendKey, { ...KEY, dom }, WAIT);
    const pressed = 'while [ ! -s /run/keys ]; do usleep 10000; done; cat /run/keys';
    assert.match(await inGuest(pressed), / 04 00 04 00 1e 00 00 00/); // EV_MSC, MSC_SCAN, 0x1e
    const interrupts = "awk '/NMI/ { print $2 }' /proc/interrupts";
    const earlier = Number(await inGuest(interrupts));
    await connection.call(domainInjectNmi, { dom }, WAIT);
    assert.equal(Number(await inGuest(interrupts)), earlier + 1);
    const args = { dom, name: CHANNEL };
    const { stream } = await connection.openStream(domainOpenChannel, args, WAIT);
    // Its end in the guest reads nothing but the end before somebody is there.
    await inGuest(`exec 4<>/dev/virtio-ports/${CHANNEL}; cat <&4 >&4 2>/dev/null &`);
    stream.write('there and back');
    const [answer] = (await once(stream, 'data', {
      signal: AbortSignal.timeout(WAIT.deadlineMs),
    })) as [Buffer];
    assert.equal(answer.toString(), 'there and back');
    stream.destroy();
    await once(stream, 'close');
  });

  test('takes CPUs into use and out of it', async (t) => {
    // Nothing of a new CPU comes to this guest's kernel from QEMU 5.2.
    if (connection.libVersion < VIRTIO_MEM) return t.skip('needs: QEMU 7.2');
    const flags = DomainVcpuFlag.live;
    await connection.call(domainSetVcpusFlags, { dom, nvcpus: 3, flags }, WAIT);
    assert.equal(await python('qemu', `${PYTHON}.vcpusFlags(${flags})`), 3);
    await inGuest('while [ ! -e /sys/devices/system/cpu/cpu2/online ]; do usleep 10000; done');
    const on = { dom, cpumap: '2', state: true };
    await connection.call(domainSetGuestVcpus, on, WAIT);
    assert.equal(await inGuest('cat /sys/devices/system/cpu/online'), '0-2');
    await connection.call(domainSetGuestVcpus, { dom, cpumap: '1', state: false }, WAIT);
    const { params } = await connection.call(domainGetGuestVcpus, { dom }, WAIT);
    const vcpus = plainParams(params);
    assert.equal(vcpus['online'], '0,2');
    assert.deepEqual(vcpus, await python('qemu', `${PYTHON}.guestVcpus()`));
  });

  test('gives memory back and tells of it', async () => {
    const { memory } = await connection.call(domainGetMaxMemory, { dom }, WAIT);
    assert.equal(Number(memory), await python('qemu', `${PYTHON}.maxMemory()`));
    await connection.call(domainSetMemoryStatsPeriod, { dom, period: 1 }, WAIT);
    const target = 150n * 1024n;
    await connection.call(
      domainSetMemoryFlags,
      { dom, memory: target, flags: DomainMemFlag.live },
      WAIT,
    );
    await witness.until('balloonChange', (e) => e.actual === target);
    const { stats } = await connection.call(domainMemoryStats, { dom, maxStats: 13 }, WAIT);
    const told = (await python('qemu', `${PYTHON}.memoryStats()`)) as Record<string, number>;
    const ours = new Map(stats.map(({ tag, val }) => [tag, Number(val)]));
    assert.equal(ours.get(DomainMemoryStat.actualBalloon), told['actual']);
    assert.equal(ours.size, Object.keys(told).length);
    assert.ok((ours.get(DomainMemoryStat.available) ?? 0) > 0);
    assert.match(await virsh('qemu', 'dumpxml', NAME), /<stats period='1'\/>/);
  });

  test('takes up memory that is plugged in, and lets it go', async (t) => {
    if (connection.libVersion < VIRTIO_MEM) return t.skip('needs: libvirt 7.9');
    await inGuest(
      'echo online_movable >/sys/devices/system/memory/auto_online_blocks; modprobe virtio_mem',
    );
    const flags = DomainDeviceFlag.live;
    await connection.call(domainUpdateDeviceFlags, { dom, xml: await grown(64), flags }, WAIT);
    const { size } = await witness.until('memoryDeviceSizeChange', (e) => e.size === 65_536n);
    assert.match(await virsh('qemu', 'dumpxml', NAME), new RegExp(`<current unit='KiB'>${size}<`));
    await connection.call(domainUpdateDeviceFlags, { dom, xml: await grown(0), flags }, WAIT);
    await witness.until('memoryDeviceSizeChange', (e) => e.size === 0n);
  });

  test('tells of a write behind a mark, and of storage that is full', async () => {
    await inGuest('umount /mnt');
    await virsh('qemu', 'domblkthreshold', NAME, 'vda', '1M');
    await inGuest('dd if=/dev/zero of=/dev/vda bs=64k count=32 2>/dev/null; sync');
    const threshold = await witness.until('blockThreshold', (e) => e.dev === 'vda');
    assert.equal(threshold.threshold, 1_048_576n);
    // Begins with a key, for the answer could not pass any more once the guest is paused.
    const fill = 'dd bs=24 count=1 <&3; dd if=/dev/zero of=/dev/vdb bs=64k';
    await inGuest(`exec 3</dev/input/event0; { ${fill}; } >/dev/null 2>&1 &`);
    await connection.call(domainSendKey, { ...KEY, dom }, WAIT);
    const failed = await witness.until('ioErrorReason');
    assert.deepEqual([failed.reason, failed.action], ['enospc', DomainEventIoErrorAction.pause]);
    assert.equal((await witness.until('ioError')).srcPath, failed.srcPath);
    assert.equal(await virsh('qemu', 'domstate', NAME, '--reason'), 'paused (I/O error)');
    const { images } = await daemon();
    await inHost('mount', '-o', 'remount,size=8m', `${images.inside}/small`);
    await virsh('qemu', 'resume', NAME);
  });

  test('is waited for no longer than was said', async () => {
    await inGuest('killall -STOP qemu-ga');
    const answer = await connection.call(domainAgentSetResponseTimeout, { dom, timeout: 1 }, WAIT);
    assert.deepEqual(answer, { result: 0 });
    await assert.rejects(
      connection.call(domainGetTime, { dom }, WAIT),
      refusedWith(
        connection.libVersion < COMMAND_TIMEOUT
          ? ErrorCode.agentUnresponsive
          : ErrorCode.agentCommandTimeout,
      ),
    );
    await inGuest('killall -CONT qemu-ga');
    const timeout = DomainAgentTimeout.block;
    await connection.call(domainAgentSetResponseTimeout, { dom, timeout }, WAIT);
    await connection.call(domainGetTime, { dom }, WAIT);
  });

  test('sleeps and wakes up', async () => {
    // A kernel whose memory grows this way does not sleep.
    if (connection.libVersion >= VIRTIO_MEM) await inGuest('rmmod virtio_mem');
    const sleep = { dom, target: 0, duration: 0n };
    await connection.call(domainPmSuspendForDuration, sleep, WAIT);
    await witness.until('pmsuspend');
    assert.equal(await virsh('qemu', 'domstate', NAME), 'pmsuspended');
    await connection.call(domainPmWakeup, { dom }, WAIT);
    await witness.until('pmwakeup');
    assert.equal(await virsh('qemu', 'domstate', NAME), 'running');
    const { disconnected } = DomainEventAgentLifecycleState;
    const { channel } = DomainEventAgentLifecycleReason;
    await witness.until('agentLifecycle', (e) => e.state === disconnected && e.reason === channel);
  });

  test('told python the same', async () => {
    await connection.call(domainDestroyFlags, { dom }, WAIT);
    const kinds = ['agentLifecycle', 'balloonChange', 'blockThreshold', 'ioError'] as const;
    for (const kind of [...kinds, 'ioErrorReason'] as const) {
      assert.ok(witness.kinds().includes(kind), kind);
    }
    const grew = witness.kinds().includes('memoryDeviceSizeChange');
    assert.equal(grew, connection.libVersion >= VIRTIO_MEM);
    await witness.agree();
  });
});
