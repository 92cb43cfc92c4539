import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import {
  callCounted,
  connectGetAllDomainStats,
  connectGetHostname,
  domainCreateWithFlags,
  DomainAffect,
  domainCreateXml,
  DomainCreateFlag,
  domainDefineXmlFlags,
  domainDestroyFlags,
  DomainEvent,
  DomainEventType,
  domainGetAutostart,
  domainGetEmulatorPinInfo,
  domainGetInfo,
  domainGetIothreadInfo,
  domainGetMemoryParameters,
  domainGetMetadata,
  domainGetNumaParameters,
  domainGetSchedulerParametersFlags,
  domainGetState,
  domainGetVcpuPinInfo,
  domainGetVcpus,
  domainGetVcpusFlags,
  DomainConsoleFlag,
  domainIsActive,
  domainIsPersistent,
  domainMemoryStats,
  DomainMetadataType,
  domainOpenConsole,
  domainPinEmulator,
  domainPinIothread,
  domainPinVcpuFlags,
  domainResume,
  domainScreenshot,
  domainSetAutostart,
  domainSetMemoryParameters,
  domainSetMetadata,
  domainSetNumaParameters,
  DomainState,
  DomainStats,
  DomainStatsFlag,
  domainUndefineFlags,
  ErrorCode,
  isLibvirtError,
  nodeGetInfo,
  paramRecord,
  TypedParamFlag,
  type Connection,
  type Domain,
} from '../../../src/libvirt/index.ts';
import { emptyGuestXml, open, skip, virsh, WAIT } from '../daemon.ts';
import { refusedWith } from '../../refusal.ts';

/** Defines a guest and starts it with its vCPUs stopped: enough for QEMU, threads and console to be there. */
async function startPaused(connection: Connection, name: string): Promise<Domain> {
  const { dom } = await connection.call(domainDefineXmlFlags, { xml: emptyGuestXml(name) }, WAIT);
  const flags = DomainCreateFlag.paused;
  return (await connection.call(domainCreateWithFlags, { dom, flags }, WAIT)).dom;
}

async function remove(connection: Connection, dom: Domain): Promise<void> {
  await connection.call(domainDestroyFlags, { dom }, WAIT);
  await connection.call(domainUndefineFlags, { dom }, WAIT);
}

describe('a guest, through a real libvirtd', { skip, concurrency: false }, () => {
  test('starts paused, runs, stops, and its events come before the reply that starts it', async (t) => {
    const connection = await open(t, 'qemu');
    const feed = await connection.subscribe(DomainEvent.lifecycle, {}, WAIT);
    const dom = await startPaused(connection, 'life');
    const { started, suspended, resumed, stopped, defined } = DomainEventType;
    assert.deepEqual(
      feed.drain().map((e) => e.event),
      [defined, started, suspended],
    );
    assert.ok(dom.id > 0);
    const state = await connection.call(domainGetState, { dom }, WAIT);
    assert.deepEqual(state, { state: DomainState.paused, reason: 1 });
    await connection.call(domainResume, { dom }, WAIT);
    assert.equal((await feed.take(WAIT)).event, resumed);
    const { nrVirtCpu, maxMem } = await connection.call(domainGetInfo, { dom }, WAIT);
    assert.deepEqual([nrVirtCpu, maxMem], [2, 32_768n]);
    assert.deepEqual(await connection.call(domainIsActive, { dom }, WAIT), { active: true });
    assert.deepEqual(await connection.call(domainIsPersistent, { dom }, WAIT), {
      persistent: true,
    });
    await remove(connection, dom);
    const last = [(await feed.take(WAIT)).event, ...feed.drain().map((e) => e.event)];
    assert.ok(last.includes(stopped), last.join());
    await assert.rejects(
      connection.call(domainDestroyFlags, { dom }, WAIT),
      refusedWith(ErrorCode.noDomain),
    );
  });

  test('is pinned and read back, vCPU, emulator and I/O thread', async (t) => {
    const connection = await open(t, 'qemu');
    const dom = await startPaused(connection, 'pins');
    const tunables = await connection.subscribe(DomainEvent.tunable, {}, WAIT);
    const { cpus } = await connection.call(nodeGetInfo, {}, WAIT);
    const maplen = Math.ceil(cpus / 8);
    const cpumap = Buffer.alloc(maplen);
    cpumap[0] = 1;
    const flags = DomainAffect.live;
    const free = await connection.call(domainGetVcpuPinInfo, { dom, ncpumaps: 2, maplen }, WAIT);
    assert.equal(free.num, 2);
    await connection.call(domainPinVcpuFlags, { dom, vcpu: 1, cpumap, flags }, WAIT);
    const pinned = await connection.call(domainGetVcpuPinInfo, { dom, ncpumaps: 2, maplen }, WAIT);
    assert.deepEqual(pinned.cpumaps, Buffer.concat([free.cpumaps.subarray(0, maplen), cpumap]));
    const { params } = await tunables.take(WAIT);
    assert.deepEqual(paramRecord(params), { 'cputune.vcpupin1': '0' });
    await connection.call(domainPinEmulator, { dom, cpumap, flags }, WAIT);
    const emulator = await connection.call(domainGetEmulatorPinInfo, { dom, maplen }, WAIT);
    assert.deepEqual(emulator, { cpumaps: cpumap, ret: 1 });
    await connection.call(domainPinIothread, { dom, iothreadsId: 1, cpumap, flags }, WAIT);
    const iothreads = await connection.call(domainGetIothreadInfo, { dom }, WAIT);
    assert.deepEqual(iothreads.info, [{ iothreadId: 1, cpumap }]);
    const vcpus = await connection.call(domainGetVcpus, { dom, maxinfo: 2, maplen }, WAIT);
    assert.deepEqual(
      vcpus.info.map((vcpu) => vcpu.number),
      [0, 1],
    );
    assert.deepEqual(vcpus.cpumaps, pinned.cpumaps);
    assert.deepEqual(await connection.call(domainGetVcpusFlags, { dom }, WAIT), { num: 2 });
    assert.match(await virsh('qemu', 'vcpupin', 'pins', '1'), /1 +0$/);
    await remove(connection, dom);
  });

  test('keeps memory policy, limits, metadata and autostart as they were set', async (t) => {
    const connection = await open(t, 'qemu');
    const { dom } = await connection.call(
      domainDefineXmlFlags,
      { xml: emptyGuestXml('kept') },
      WAIT,
    );
    const flags = DomainAffect.config;
    const params = [
      { field: 'numa_mode', type: 'int', value: 0 },
      { field: 'numa_nodeset', type: 'string', value: '0' },
    ] as const;
    await connection.call(domainSetNumaParameters, { dom, params, flags }, WAIT);
    const asked = { dom, flags: flags | TypedParamFlag.stringOkay };
    const numa = await callCounted(connection, domainGetNumaParameters, asked, WAIT);
    assert.deepEqual(numa.params, params);
    const limit = [{ field: 'hard_limit', type: 'ullong', value: 1_048_576n }] as const;
    await connection.call(domainSetMemoryParameters, { dom, params: limit, flags }, WAIT);
    const limits = await callCounted(connection, domainGetMemoryParameters, asked, WAIT);
    assert.equal(paramRecord(limits.params)['hard_limit'], 1_048_576n);
    const shares = { dom, flags, nparams: 16 };
    const schedule = await connection.call(domainGetSchedulerParametersFlags, shares, WAIT);
    assert.ok('vcpu_quota' in paramRecord(schedule.params));
    const watch = await connection.subscribe(DomainEvent.metadataChange, { object: dom }, WAIT);
    const type = DomainMetadataType.element;
    const uri = 'urn:example:berth';
    const metadata = '<spec>ü</spec>';
    await connection.call(domainSetMetadata, { dom, type, metadata, key: 'b', uri, flags }, WAIT);
    assert.deepEqual(await connection.call(domainGetMetadata, { dom, type, uri, flags }, WAIT), {
      metadata,
    });
    assert.deepEqual(await watch.take(WAIT), { dom, type, nsuri: uri });
    await assert.rejects(
      connection.call(domainGetMetadata, { dom, type, uri: 'urn:none', flags }, WAIT),
      refusedWith(ErrorCode.noDomainMetadata),
    );
    await connection.call(domainSetAutostart, { dom, autostart: true }, WAIT);
    assert.deepEqual(await connection.call(domainGetAutostart, { dom }, WAIT), { autostart: true });
    await connection.call(domainUndefineFlags, { dom }, WAIT);
  });

  test('gives its figures in one call, with those of virsh', async (t) => {
    const connection = await open(t, 'qemu');
    const dom = await startPaused(connection, 'figures');
    const stats = DomainStats.state | DomainStats.vcpu | DomainStats.balloon;
    const asked = { doms: [dom], stats, flags: DomainStatsFlag.nowait };
    const { retStats } = await connection.call(connectGetAllDomainStats, asked, WAIT);
    const [only] = retStats;
    assert.equal(only?.dom.uuid, dom.uuid);
    const values = paramRecord(only.params);
    assert.equal(values['state.state'], DomainState.paused);
    assert.equal(values['balloon.maximum'], 32_768n);
    const said = await virsh('qemu', 'domstats', 'figures', '--vcpu', '--balloon', '--state');
    const names = said
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split('=')[0] ?? '');
    assert.deepEqual(
      Object.keys(values).toSorted(),
      names.toSorted((a, b) => (a < b ? -1 : 1)),
    );
    const all = { doms: [], stats: 0, flags: DomainStatsFlag.nowait | DomainStatsFlag.active };
    const active = await connection.call(connectGetAllDomainStats, all, WAIT);
    assert.ok(active.retStats.some((one) => one.dom.uuid === dom.uuid));
    const memory = await connection.call(domainMemoryStats, { dom, maxStats: 13 }, WAIT);
    assert.ok(memory.stats.some(({ tag, val }) => tag === 7 && val > 0n));
    await remove(connection, dom);
  });

  test('shows its screen', async (t) => {
    const connection = await open(t, 'qemu');
    const dom = await startPaused(connection, 'screen');
    const { result, stream } = await connection.openStream(
      domainScreenshot,
      { dom, screen: 0 },
      WAIT,
    );
    const picture = Buffer.concat(await stream.toArray());
    const png = result.mime === 'image/png'; // since QEMU 7.1
    assert.equal(result.mime, png ? 'image/png' : 'image/x-portable-pixmap');
    assert.match(picture.toString('latin1', 0, 4), png ? /PNG/ : /^P6/);
    await remove(connection, dom);
  });

  test('has one console, which another may take over', async (t) => {
    const connection = await open(t, 'qemu');
    const dom = await startPaused(connection, 'console');
    const held = (await connection.openStream(domainOpenConsole, { dom }, WAIT)).stream;
    held.resume();
    await assert.rejects(
      connection.openStream(domainOpenConsole, { dom }, WAIT),
      refusedWith(ErrorCode.operationFailed),
    );
    const robbed = once(held, 'error');
    const flags = DomainConsoleFlag.force;
    const taken = (await connection.openStream(domainOpenConsole, { dom, flags }, WAIT)).stream;
    assert.ok(isLibvirtError((await robbed)[0]));
    taken.resume();
    taken.end();
    await once(taken, 'close');
    const again = (await connection.openStream(domainOpenConsole, { dom }, WAIT)).stream;
    again.destroy();
    await once(again, 'close');
    await connection.call(connectGetHostname, {}, WAIT);
    await remove(connection, dom);
  });

  test('that ends while its console is open ends the console', async (t) => {
    const connection = await open(t, 'qemu');
    const dom = await startPaused(connection, 'ended');
    const { stream } = await connection.openStream(domainOpenConsole, { dom }, WAIT);
    stream.resume();
    stream.on('error', () => undefined);
    const closed = once(stream, 'close');
    await remove(connection, dom);
    await closed;
  });

  test('whose XML is wrong is refused with the place', async (t) => {
    const connection = await open(t, 'qemu');
    await assert.rejects(
      connection.call(domainDefineXmlFlags, { xml: '<domain' }, WAIT),
      refusedWith(ErrorCode.xmlDetail),
    );
    await assert.rejects(
      connection.call(domainCreateXml, { xmlDesc: '<domain/>' }, WAIT),
      (error) => isLibvirtError(error),
    );
  });
});
