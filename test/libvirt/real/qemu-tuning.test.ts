import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  callCounted,
  connect,
  connectGetAllDomainStats,
  DomainAffect,
  domainAddIothread,
  domainAttachDeviceFlags,
  domainBlockStatsFlags,
  domainCreateWithFlags,
  DomainCreateFlag,
  domainDefineXmlFlags,
  domainDelIothread,
  domainDestroyFlags,
  domainDetachDeviceFlags,
  DomainDirtyRateStatus,
  domainGetBlkioParameters,
  domainGetBlockIoTune,
  domainGetControlInfo,
  DomainControlState,
  domainGetCpuStats,
  domainGetDiskErrors,
  domainGetInterfaceParameters,
  domainGetIothreadInfo,
  domainGetLaunchSecurityInfo,
  domainGetMessages,
  domainGetOsType,
  domainGetPerfEvents,
  domainGetSchedulerParametersFlags,
  domainGetSchedulerType,
  domainGetSecurityLabel,
  domainGetSecurityLabelList,
  domainInterfaceStats,
  DomainMemoryFlag,
  domainMemoryPeek,
  DomainMessageType,
  domainMonitorCommand,
  domainResume,
  domainSendProcessSignal,
  domainSetBlkioParameters,
  domainSetBlockIoTune,
  domainSetInterfaceParameters,
  domainSetIothreadParams,
  domainSetLaunchSecurityState,
  domainSetPerfEvents,
  domainSetSchedulerParametersFlags,
  domainSetVcpu,
  domainSetVcpusFlags,
  domainStartDirtyRateCalc,
  DomainStats,
  domainUndefineFlags,
  domainUpdateDeviceFlags,
  DomainVcpuFlag,
  ErrorCode,
  QemuMonitorCommandFlag,
  TypedParamFlag,
  type Connection,
  type Domain,
} from '../../../src/libvirt/index.ts';
import { refusedWith } from '../../refusal.ts';
import { daemon, inHost, python, skip, uriOf, virsh, WAIT } from '../daemon.ts';
import { plainParams } from './event-witness.ts';

const PYTHON = 'c.lookupByName("tuned")';
const { live, config } = DomainAffect;
const { stringOkay } = TypedParamFlag;

const XML = `<domain type='qemu'><name>tuned</name><memory unit='MiB'>32</memory>
<vcpu current='1'>4</vcpu><iothreads>1</iothreads>
<os><type arch='x86_64' machine='pc'>hvm</type></os><devices>
<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='IMAGES/tuned.raw'/>
<target dev='vda' bus='virtio'/></disk>
<interface type='ethernet'><mac address='52:54:00:00:00:01'/><target dev='tuned0'/>
<model type='virtio'/></interface></devices></domain>`;

describe('a domain that is tuned, through a real libvirtd', { skip, concurrency: false }, () => {
  let connection: Connection;
  let dom: Domain;

  before(async () => {
    const { images } = await daemon();
    await inHost('truncate', '-s', '8M', `${images.inside}/tuned.raw`);
    await inHost('chmod', '666', `${images.inside}/tuned.raw`);
    connection = await connect(await uriOf('qemu'), { environment: { uid: 0 } }, WAIT);
    const xml = XML.replaceAll('IMAGES', images.inside);
    ({ dom } = await connection.call(domainDefineXmlFlags, { xml }, WAIT));
    const flags = DomainCreateFlag.paused;
    ({ dom } = await connection.call(domainCreateWithFlags, { dom, flags }, WAIT));
  });

  after(async () => {
    await connection?.close(WAIT);
  });

  test('has CPUs and threads of I/O added and removed', async () => {
    const flags = DomainVcpuFlag.config;
    await connection.call(domainSetVcpusFlags, { dom, nvcpus: 2, flags }, WAIT);
    assert.equal(await python('qemu', `${PYTHON}.vcpusFlags(${flags})`), 2);
    await connection.call(domainSetVcpu, { dom, cpumap: '3', state: true, flags }, WAIT);
    assert.match(await virsh('qemu', 'dumpxml', 'tuned', '--inactive'), /id='3' enabled='yes'/);
    const added = { dom, iothreadId: 7, flags: live };
    await connection.call(domainAddIothread, added, WAIT);
    const params = [{ field: 'poll_max_ns', type: 'ullong', value: 4321n }] as const;
    await connection.call(domainSetIothreadParams, { ...added, params }, WAIT);
    const asked = { doms: [dom], stats: DomainStats.iothread };
    const [figures] = (await connection.call(connectGetAllDomainStats, asked, WAIT)).retStats;
    assert.equal(plainParams(figures?.params ?? [])['iothread.7.poll-max-ns'], 4321);
    const { info } = await connection.call(domainGetIothreadInfo, { dom, flags: live }, WAIT);
    const told = (await python('qemu', `[list(t) for t in ${PYTHON}.ioThreadInfo(${live})]`)) as [
      number,
      boolean[],
    ][];
    assert.deepEqual(
      info.map(({ iothreadId }) => iothreadId),
      told.map(([id]) => id),
    );
    await connection.call(domainDelIothread, added, WAIT);
    assert.doesNotMatch(await virsh('qemu', 'iothreadinfo', 'tuned'), /^ *7 /m);
  });

  test('has shares and limits set and read, as python reads them', async () => {
    const scheduler = await connection.call(domainGetSchedulerType, { dom }, WAIT);
    assert.deepEqual(Object.values(scheduler), await python('qemu', `${PYTHON}.schedulerType()`));
    const shares = [{ field: 'cpu_shares', type: 'ullong', value: 333n }] as const;
    await connection.call(
      domainSetSchedulerParametersFlags,
      { dom, params: shares, flags: live },
      WAIT,
    );
    const { nparams } = scheduler;
    const schedule = await connection.call(
      domainGetSchedulerParametersFlags,
      { dom, nparams, flags: live },
      WAIT,
    );
    assert.equal(plainParams(schedule.params)['cpu_shares'], 333);
    assert.deepEqual(
      plainParams(schedule.params),
      await python('qemu', `${PYTHON}.schedulerParametersFlags(${live})`),
    );
    const weight = [{ field: 'weight', type: 'uint', value: 444 }] as const;
    await connection.call(domainSetBlkioParameters, { dom, params: weight, flags: config }, WAIT);
    const wanted = { dom, flags: config | stringOkay };
    const blkio = plainParams(
      (await callCounted(connection, domainGetBlkioParameters, wanted, WAIT)).params,
    );
    assert.equal(blkio['weight'], 444);
    assert.deepEqual(blkio, await python('qemu', `${PYTHON}.blkioParameters(${config})`));
    const events = [{ field: 'instructions', type: 'boolean', value: true }] as const;
    await connection.call(domainSetPerfEvents, { dom, params: events, flags: config }, WAIT);
    const perf = await connection.call(domainGetPerfEvents, { dom, flags: config }, WAIT);
    assert.equal(plainParams(perf.params)['instructions'], true);
    assert.deepEqual(
      plainParams(perf.params),
      await python('qemu', `${PYTHON}.perfEvents(${config})`),
    );
  });

  test('has its disk throttled and counted', async () => {
    const params = [
      { field: 'write_iops_sec', type: 'ullong', value: 250n },
      { field: 'group_name', type: 'string', value: 'slow' },
    ] as const;
    await connection.call(domainSetBlockIoTune, { dom, disk: 'vda', params, flags: live }, WAIT);
    const wanted = { dom, disk: 'vda', flags: live | stringOkay };
    const tune = plainParams(
      (await callCounted(connection, domainGetBlockIoTune, wanted, WAIT)).params,
    );
    assert.deepEqual([tune['write_iops_sec'], tune['group_name']], [250, 'slow']);
    assert.deepEqual(tune, await python('qemu', `${PYTHON}.blockIoTune("vda", ${live})`));
    const counted = await callCounted(
      connection,
      domainBlockStatsFlags,
      { dom, path: 'vda' },
      WAIT,
    );
    assert.deepEqual(
      plainParams(counted.params),
      await python('qemu', `${PYTHON}.blockStatsFlags("vda")`),
    );
    const { errors } = await connection.call(domainGetDiskErrors, { dom, maxerrors: 8 }, WAIT);
    assert.deepEqual(errors, []);
    assert.deepEqual(await python('qemu', `${PYTHON}.diskErrors()`), {});
    const { nerrors } = await connection.call(domainGetDiskErrors, { dom, maxerrors: 0 }, WAIT);
    assert.equal(nerrors, 1);
  });

  test('has its NIC limited, changed and counted', async () => {
    const device = 'tuned0';
    const params = [
      { field: 'inbound.average', type: 'uint', value: 1000 },
      { field: 'outbound.average', type: 'uint', value: 500 },
    ] as const;
    await connection.call(
      domainSetInterfaceParameters,
      { dom, device, params, flags: config },
      WAIT,
    );
    const asked = { dom, device, flags: config };
    const limits = plainParams(
      (await callCounted(connection, domainGetInterfaceParameters, asked, WAIT)).params,
    );
    assert.deepEqual([limits['inbound.average'], limits['outbound.average']], [1000, 500]);
    assert.deepEqual(
      limits,
      await python('qemu', `${PYTHON}.interfaceParameters("${device}", ${config})`),
    );
    const figures = await connection.call(domainInterfaceStats, { dom, device }, WAIT);
    assert.deepEqual(
      Object.values(figures).map(Number),
      await python('qemu', `${PYTHON}.interfaceStats("${device}")`),
    );
    const xml = `<interface type='ethernet'><mac address='52:54:00:00:00:01'/><target dev='tuned0'/>
<model type='virtio'/><link state='down'/></interface>`;
    await connection.call(domainUpdateDeviceFlags, { dom, xml, flags: live }, WAIT);
    assert.match(await virsh('qemu', 'domif-getlink', 'tuned', device), /down$/);
  });

  test('has devices put into its definition and taken out by their XML', async () => {
    const xml =
      "<disk type='file' device='disk'><source file='/none.raw'/><target dev='vdz' bus='virtio'/></disk>";
    await connection.call(domainAttachDeviceFlags, { dom, xml, flags: config }, WAIT);
    assert.match(await virsh('qemu', 'domblklist', 'tuned', '--inactive'), /vdz +\/none\.raw/);
    await connection.call(domainDetachDeviceFlags, { dom, xml, flags: config }, WAIT);
    assert.doesNotMatch(await virsh('qemu', 'domblklist', 'tuned', '--inactive'), /vdz/);
    await assert.rejects(
      connection.call(domainDetachDeviceFlags, { dom, xml, flags: config }, WAIT),
      refusedWith(ErrorCode.deviceMissing),
    );
  });

  test('shows its memory, byte for byte what the monitor shows', async () => {
    const offset = 0xf_fff0n;
    const flags = DomainMemoryFlag.physical;
    const { buffer } = await connection.call(
      domainMemoryPeek,
      { dom, offset, size: 16, flags },
      WAIT,
    );
    const cmd = `xp /16xb ${offset}`;
    const hmp = QemuMonitorCommandFlag.hmp;
    const { result } = await connection.call(domainMonitorCommand, { dom, cmd, flags: hmp }, WAIT);
    assert.equal(result.trim(), await virsh('qemu', 'qemu-monitor-command', 'tuned', '--hmp', cmd));
    const bytes = [...result.matchAll(/0x([\da-f]{2})\b/g)].map((match) => Number(`0x${match[1]}`));
    assert.deepEqual([...buffer], bytes);
    assert.equal(buffer[0], 0xea); // the far jump with which every PC begins
  });

  test('tells what it is, how it is controlled and confined, and what speaks against it', async (t) => {
    if (connection.libVersion < 7_001_000) return t.skip('needs: libvirt 7.1');
    assert.deepEqual(await connection.call(domainGetOsType, { dom }, WAIT), {
      type: await python('qemu', `${PYTHON}.OSType()`),
    });
    const control = await connection.call(domainGetControlInfo, { dom }, WAIT);
    assert.deepEqual(
      Object.values(control).map(Number),
      await python('qemu', `${PYTHON}.controlInfo()`),
    );
    assert.equal(control.state, DomainControlState.ok);
    const { label, enforcing } = await connection.call(domainGetSecurityLabel, { dom }, WAIT);
    const told = await python('qemu', `${PYTHON}.securityLabel()`);
    assert.deepEqual([label, enforcing], told);
    const { labels } = await connection.call(domainGetSecurityLabelList, { dom }, WAIT);
    assert.deepEqual(
      labels.map((one) => [one.label, one.enforcing]),
      await python('qemu', `${PYTHON}.securityLabelList()`),
    );
    const flags = DomainMessageType.tainting;
    const { msgs } = await connection.call(domainGetMessages, { dom, flags }, WAIT);
    assert.deepEqual(msgs, await python('qemu', `${PYTHON}.messages(${flags})`));
    assert.ok(
      msgs.some((message) => message.includes('monitor')),
      msgs.join(),
    );
  });

  test('tells its CPU time, and how fast it writes to its memory', async (t) => {
    if (connection.libVersion < 7_002_000) return t.skip('needs: libvirt 7.2');
    await connection.call(domainResume, { dom }, WAIT);
    const { nparams } = await connection.call(
      domainGetCpuStats,
      { dom, nparams: 0, startCpu: -1, ncpus: 1 },
      WAIT,
    );
    const sum = await connection.call(
      domainGetCpuStats,
      { dom, nparams, startCpu: -1, ncpus: 1 },
      WAIT,
    );
    const [told] = (await python('qemu', `${PYTHON}.getCPUStats(True)`)) as Record<
      string,
      number
    >[];
    const ours = plainParams(sum.params);
    assert.deepEqual(Object.keys(ours).toSorted(), Object.keys(told ?? {}).toSorted());
    assert.ok(Number(ours['cpu_time']) <= (told?.['cpu_time'] ?? 0));
    const { nparams: cpus } = await connection.call(
      domainGetCpuStats,
      { dom, nparams: 0, startCpu: 0, ncpus: 0 },
      WAIT,
    );
    assert.equal(
      cpus,
      ((await python('qemu', `${PYTHON}.getCPUStats(False)`)) as unknown[]).length,
    );
    await connection.call(domainStartDirtyRateCalc, { dom, seconds: 1 }, WAIT);
    const asked = { doms: [dom], stats: DomainStats.dirtyrate };
    const [figures] = (await connection.call(connectGetAllDomainStats, asked, WAIT)).retStats;
    const rate = plainParams(figures?.params ?? []);
    assert.equal(rate['dirtyrate.calc_status'], DomainDirtyRateStatus.measuring);
    assert.equal(rate['dirtyrate.calc_period'], 1);
    assert.match(await virsh('qemu', 'domstats', 'tuned', '--dirtyrate'), /calc_period=1/);
  });

  test('is refused what its driver or machine has not', async (t) => {
    if (connection.libVersion < 8_000_000) return t.skip('needs: libvirt 8.0');
    const signal = { dom, pidValue: 1n, signum: 0 };
    await assert.rejects(
      connection.call(domainSendProcessSignal, signal, WAIT),
      refusedWith(ErrorCode.noSupport),
    );
    const { params } = await connection.call(domainGetLaunchSecurityInfo, { dom }, WAIT);
    assert.deepEqual(plainParams(params), await python('qemu', `${PYTHON}.launchSecurityInfo()`));
    const none = { dom, params: [] };
    await assert.rejects(
      connection.call(domainSetLaunchSecurityState, none, WAIT),
      refusedWith(ErrorCode.invalidArg),
    );
    await connection.call(domainDestroyFlags, { dom }, WAIT);
    await connection.call(domainUndefineFlags, { dom }, WAIT);
  });
});
