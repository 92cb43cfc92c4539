import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, truncate, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  connect,
  domainAttachDeviceFlags,
  DomainBlockJobStatus,
  DomainBlockJobType,
  domainCreateWithFlags,
  domainCreateXml,
  domainDefineXmlFlags,
  domainDestroyFlags,
  domainDetachDeviceAlias,
  DomainDeviceFlag,
  DomainEvent,
  DomainEventDiskChangeReason,
  DomainEventGraphicsAddressType,
  DomainEventGraphicsPhase,
  DomainEventPmsuspendedDetail,
  DomainEventStartedDetail,
  DomainEventStoppedDetail,
  DomainEventTrayChangeReason,
  DomainEventType,
  DomainEventWatchdogAction,
  domainGetMetadata,
  domainGetState,
  domainGetXmlDesc,
  domainManagedSave,
  DomainMetadataType,
  domainMonitorCommand,
  domainPmWakeup,
  domainReset,
  domainResume,
  domainSetMetadata,
  domainSetSchedulerParametersFlags,
  DomainState,
  domainSuspend,
  domainUndefineFlags,
  domainUpdateDeviceFlags,
  ErrorCode,
  paramRecord,
  QemuMonitorCommandFlag,
  qemuMonitorEvent,
  QemuMonitorEventFlag,
  type Connection,
  type Domain,
} from '../../../src/libvirt/index.ts';
import { refusedWith } from '../../refusal.ts';
import { until } from '../../lab/tiny-guest.ts';
import { daemon, emptyGuestXml, inHost, skip, uriOf, virsh, WAIT } from '../daemon.ts';
import { EventWitness, type KindName } from './event-witness.ts';

/** Kinds that need a guest with drivers: qemu-agent.long.test.ts provokes them. */
const WITH_A_GUEST: readonly KindName[] = [
  'agentLifecycle',
  'balloonChange',
  'blockThreshold',
  'ioError',
  'ioErrorReason',
  'memoryDeviceSizeChange',
];

/** Kinds that nothing on this machine can provoke, and what is missing. */
const UNHEARD: Partial<Record<KindName, string>> = {
  memoryFailure: 'KVM, and memory of the host that fails',
  nicMacChange: 'libvirt 11.2',
};

/** Registers of a PC that its firmware or a guest would use. */
const PORT = { watchdog: 0x443, clockIndex: 0x70, clockData: 0x71, power: 0x604, memory: 0xa00 };

/** A PC without a system on its disk, with a part for every event. */
const XML = `<domain type='qemu'><name>told</name><memory unit='MiB'>64</memory>
<maxMemory slots='2' unit='MiB'>1024</maxMemory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>
<cpu><numa><cell id='0' cpus='0' memory='64' unit='MiB'/></numa></cpu>
<pm><suspend-to-mem enabled='yes'/><suspend-to-disk enabled='yes'/></pm>
<devices><watchdog model='ib700' action='none'/><controller type='usb' model='qemu-xhci'/>
<disk type='file' device='cdrom'><source file='IMAGES/gone.iso' startupPolicy='optional'/>
<target dev='hdc' bus='ide'/><readonly/></disk>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='IMAGES/top.qcow2'/>
<target dev='vda' bus='virtio'/></disk>
<graphics type='vnc'><listen type='socket'/></graphics><video><model type='vga'/></video>
<memory model='dimm'><target><size unit='MiB'>128</size><node>0</node></target></memory>
</devices></domain>`;

describe('events of domains, through a real libvirtd', { skip, concurrency: false }, () => {
  let connection: Connection;
  let witness: EventWitness;
  let dom: Domain;

  /** Says something to QEMU's monitor as people do. */
  async function monitor(cmd: string): Promise<string> {
    const flags = QemuMonitorCommandFlag.hmp;
    return (await connection.call(domainMonitorCommand, { dom, cmd, flags }, WAIT)).result;
  }

  /** The firmware has set the machine up once its power registers answer. */
  async function firmware(): Promise<void> {
    const absent = /= 0xff/;
    const ready = async () => !absent.test(await monitor(`i /b ${PORT.power}`));
    await until('the firmware', WAIT.deadlineMs, ready);
  }

  async function running(): Promise<void> {
    const { state } = await connection.call(domainGetState, { dom }, WAIT);
    assert.equal(state, DomainState.running);
  }

  before(async () => {
    const { images } = await daemon();
    const create = ['qemu-img', 'create', '-q', '-f', 'qcow2'] as const;
    await inHost(...create, `${images.inside}/base.qcow2`, '8M');
    const backed = ['-F', 'qcow2', '-b', 'base.qcow2', `${images.inside}/top.qcow2`] as const;
    await inHost(...create, ...backed);
    await chmod(join(images.outside, 'base.qcow2'), 0o666);
    await chmod(join(images.outside, 'top.qcow2'), 0o666);
    await writeFile(join(images.outside, 'medium.iso'), '');
    await truncate(join(images.outside, 'medium.iso'), 1024 * 1024);
    connection = await connect(await uriOf('qemu'), { environment: { uid: 0 } }, WAIT);
    witness = await EventWitness.start(connection);
    const xml = XML.replaceAll('IMAGES', images.inside);
    ({ dom } = await connection.call(domainDefineXmlFlags, { xml }, WAIT));
    ({ dom } = await connection.call(domainCreateWithFlags, { dom }, WAIT));
  });

  after(async () => {
    witness?.stop();
    await connection?.close(WAIT);
  });

  test('tell a definition, a start, and a medium that was not there', async () => {
    const { defined, started } = DomainEventType;
    await witness.until('lifecycle', (e) => e.event === defined);
    const start = await witness.until('lifecycle', (e) => e.event === started);
    assert.equal(start.detail, DomainEventStartedDetail.booted);
    assert.deepEqual(start.dom, dom);
    const { images } = await daemon();
    assert.deepEqual(await witness.until('diskChange'), {
      dom,
      oldSrcPath: `${images.inside}/gone.iso`,
      newSrcPath: undefined,
      devAlias: 'ide0-1-0',
      reason: DomainEventDiskChangeReason.diskChangeMissingOnStart,
    });
  });

  test('tell what the machine does: its watchdog, its clock, a reset', async () => {
    await firmware();
    await monitor(`o /b ${PORT.watchdog} 0xf`);
    const { action } = await witness.until('watchdog');
    assert.equal(action, DomainEventWatchdogAction.none);
    // The firmware uses the same two registers, and may do so in between.
    await until('a clock that is set', WAIT.deadlineMs, async () => {
      await monitor(`o /b ${PORT.clockIndex} 4`);
      await monitor(`o /b ${PORT.clockData} 0x11`);
      return witness.kinds().includes('rtcChange');
    });
    const { offset } = await witness.until('rtcChange');
    assert.ok(offset > -86_400n && offset < 86_400n, `${offset} s`);
    await connection.call(domainReset, { dom }, WAIT);
    await witness.until('reboot');
  });

  test('tell trays, and devices that come and go or are kept by the guest', async () => {
    const { images } = await daemon();
    const xml = `<disk type='file' device='cdrom'><source file='${images.inside}/medium.iso'/>
<target dev='hdc' bus='ide'/><readonly/></disk>`;
    const flags = DomainDeviceFlag.live;
    await connection.call(domainUpdateDeviceFlags, { dom, xml, flags }, WAIT);
    const { open, close } = DomainEventTrayChangeReason;
    for (const way of [open, close]) {
      const { devAlias } = await witness.until('trayChange', (e) => e.reason === way);
      assert.equal(devAlias, 'ide0-1-0');
    }
    assert.match(await virsh('qemu', 'domblklist', 'told'), /hdc +\S*medium\.iso/);
    const alias = 'ua-pad';
    const pad = `<input type='tablet' bus='usb'><alias name='${alias}'/></input>`;
    await connection.call(domainAttachDeviceFlags, { dom, xml: pad, flags }, WAIT);
    assert.equal((await witness.until('deviceAdded')).devAlias, alias);
    assert.match(await virsh('qemu', 'dumpxml', 'told'), /ua-pad/);
    await connection.call(domainDetachDeviceAlias, { dom, alias, flags }, WAIT);
    assert.equal((await witness.until('deviceRemoved')).devAlias, alias);
    assert.doesNotMatch(await virsh('qemu', 'dumpxml', 'told'), /ua-pad/);
    // What a guest says that cannot let go of the DIMM in slot 0: an eject (3) that failed (0x80).
    await firmware();
    await monitor(`o /d ${PORT.memory} 0`);
    await monitor(`o /d ${PORT.memory + 4} 3`);
    await monitor(`o /d ${PORT.memory + 8} 0x80`);
    assert.equal((await witness.until('deviceRemovalFailed')).devAlias, 'dimm0');
  });

  test('tell settings and metadata', async () => {
    const params = [{ field: 'cpu_shares', type: 'ullong', value: 512n }] as const;
    const flags = DomainDeviceFlag.live;
    await connection.call(domainSetSchedulerParametersFlags, { dom, params, flags }, WAIT);
    const tunable = await witness.until('tunable');
    assert.deepEqual(paramRecord(tunable.params), { 'cputune.cpu_shares': 512n });
    const type = DomainMetadataType.title;
    await connection.call(domainSetMetadata, { dom, type, metadata: 'Töldest', flags }, WAIT);
    assert.equal((await witness.until('metadataChange')).type, type);
    const title = await connection.call(domainGetMetadata, { dom, type, flags }, WAIT);
    assert.deepEqual(title, { metadata: 'Töldest' });
    assert.equal(await virsh('qemu', 'desc', 'told', '--title', '--live'), title.metadata);
  });

  test('tell a block job by target and by path', async () => {
    await virsh('qemu', 'blockpull', 'told', 'vda', '--wait');
    const done = DomainBlockJobStatus.completed;
    const job = await witness.until('blockJob', (e) => e.status === done);
    assert.deepEqual(job, { dom, dst: 'vda', type: DomainBlockJobType.pull, status: done });
    const { path, type } = await witness.until('blockJobByPath', (e) => e.status === done);
    assert.match(path, /top\.qcow2$/);
    assert.equal(type, DomainBlockJobType.pull);
  });

  test('tell who looks at the screen, and for how long', async () => {
    const { xml } = await connection.call(domainGetXmlDesc, { dom }, WAIT);
    const path = /socket='([^']+vnc\.sock)'/.exec(xml)?.[1] ?? '';
    const { images } = await daemon();
    const viewer = createConnection(path.replace(/^.*\/libvirt/, join(images.outside, '..')));
    await greet(viewer);
    const { connect: come, initialize, disconnect } = DomainEventGraphicsPhase;
    const shown = await witness.until('graphics', (e) => e.phase === initialize);
    const { unix } = DomainEventGraphicsAddressType;
    assert.deepEqual(shown.local, { family: unix, node: '', service: path });
    assert.equal(shown.authScheme, 'none');
    await witness.until('graphics', (e) => e.phase === come);
    viewer.destroy();
    await witness.until('graphics', (e) => e.phase === disconnect);
  });

  test('tell sleep in memory, waking up, and sleep on disk', async () => {
    const { started, pmsuspended } = DomainEventType;
    await running();
    await firmware();
    await monitor(`o /h ${PORT.power} 0x2400`);
    assert.equal((await witness.until('pmsuspend')).reason, 0);
    const { memory, disk } = DomainEventPmsuspendedDetail;
    await witness.until('lifecycle', (e) => e.event === pmsuspended && e.detail === memory);
    const { state } = await connection.call(domainGetState, { dom }, WAIT);
    assert.equal(state, DomainState.pmsuspended);
    await connection.call(domainPmWakeup, { dom }, WAIT);
    assert.equal((await witness.until('pmwakeup')).reason, 0);
    const { wakeup } = DomainEventStartedDetail;
    await witness.until('lifecycle', (e) => e.event === started && e.detail === wakeup);
    await firmware();
    await monitor(`o /h ${PORT.power} 0x2800`);
    assert.equal((await witness.until('pmsuspendDisk')).reason, 0);
    await witness.until('lifecycle', (e) => e.event === pmsuspended && e.detail === disk);
    await witness.until('lifecycle', (e) => e.event === DomainEventType.stopped);
  });

  test('tell how a save goes over the memory and ends', async () => {
    ({ dom } = await connection.call(domainCreateWithFlags, { dom }, WAIT));
    await connection.call(domainManagedSave, { dom }, WAIT);
    assert.ok((await witness.until('migrationIteration')).iteration >= 1);
    const { params } = await witness.until('jobCompleted');
    assert.ok('memory_total' in paramRecord(params));
    ({ dom } = await connection.call(domainCreateWithFlags, { dom }, WAIT));
    const { restored } = DomainEventStartedDetail;
    const { started } = DomainEventType;
    await witness.until('lifecycle', (e) => e.event === started && e.detail === restored);
  });

  test('of the monitor come by name, by pattern or all', async () => {
    const stops = await connection.subscribe(qemuMonitorEvent({ event: 'STOP' }), {}, WAIT);
    const pattern = { event: '^(stop|resume)$', flags: QemuMonitorEventFlag.regex };
    const flags = pattern.flags | QemuMonitorEventFlag.nocase;
    const both = await connection.subscribe(qemuMonitorEvent({ ...pattern, flags }), {}, WAIT);
    const none = await connection.subscribe(qemuMonitorEvent(pattern), { object: dom }, WAIT);
    await connection.call(domainSuspend, { dom }, WAIT);
    await connection.call(domainResume, { dom }, WAIT);
    const stop = await stops.take(WAIT);
    assert.equal(stop.event, 'STOP');
    assert.deepEqual(stop.dom, dom);
    assert.ok(Number(stop.seconds) > 1_600_000_000 && stop.micros < 1_000_000);
    assert.deepEqual(
      [(await both.take(WAIT)).event, (await both.take(WAIT)).event],
      ['STOP', 'RESUME'],
    );
    assert.deepEqual(none.drain(), []); // capitals do not fit a small pattern
    const stalled = await witness.until('qemu', (e) => e.event === 'RTC_CHANGE');
    assert.equal(typeof JSON.parse(stalled.details ?? '').offset, 'number');
    await both.close(WAIT);
  });

  test('tell that the control of a domain broke', async () => {
    // QEMU ends before it has taken up libvirt's connection: it may not make this socket.
    const { images } = await daemon();
    const screen = `<graphics type='vnc' socket='${images.inside}/none.sock'/>`;
    const xmlDesc = emptyGuestXml('broken', screen);
    await assert.rejects(
      connection.call(domainCreateXml, { xmlDesc }, WAIT),
      refusedWith(ErrorCode.internalError),
    );
    await witness.until('controlError', (e) => e.dom.name === 'broken');
  });

  test('tell the end', async () => {
    await connection.call(domainDestroyFlags, { dom }, WAIT);
    await connection.call(domainUndefineFlags, { dom }, WAIT);
    const { stopped, undefined: gone } = DomainEventType;
    const { destroyed } = DomainEventStoppedDetail;
    await witness.until('lifecycle', (e) => e.event === stopped && e.detail === destroyed);
    await witness.until('lifecycle', (e) => e.event === gone);
  });

  test('were all heard, and python heard the same', async () => {
    const named: readonly string[] = [...WITH_A_GUEST, ...Object.keys(UNHEARD)];
    const expected = Object.keys(DomainEvent).filter((name) => !named.includes(name));
    assert.deepEqual(witness.kinds(), [...expected, 'qemu'].toSorted());
    await witness.agree();
  });
});

/** The greeting of RFB 3.8 without authentication, up to the server's first word about the screen. */
async function greet(viewer: NodeJS.ReadWriteStream): Promise<void> {
  await once(viewer, 'data');
  for (const word of ['RFB 003.008\n', '\u0001', '\u0001']) {
    viewer.write(word);
    await once(viewer, 'data');
  }
}
