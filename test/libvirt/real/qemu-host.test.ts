import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test, type TestContext } from 'node:test';
import {
  authList,
  authPolkit,
  callCounted,
  type CallProcedure,
  connect,
  connectBaselineCpu,
  ConnectBaselineCpuFlag,
  connectBaselineHypervisorCpu,
  connectClose,
  connectCompareCpu,
  ConnectCompareCpuFlag,
  connectCompareHypervisorCpu,
  connectDomainXmlFromNative,
  connectDomainXmlToNative,
  ConnectFeature,
  connectGetCapabilities,
  connectGetCpuModelNames,
  connectGetDomainCapabilities,
  connectGetHostname,
  connectGetLibVersion,
  connectGetMaxVcpus,
  connectGetStoragePoolCapabilities,
  connectGetSysinfo,
  connectGetType,
  connectGetUri,
  connectGetVersion,
  ConnectIdentity,
  connectIsSecure,
  connectOpen,
  connectRegisterCloseCallback,
  connectSetIdentity,
  connectSupportsFeature,
  connectUnregisterCloseCallback,
  CpuCompareResult,
  DomainCreateFlag,
  domainCreateXml,
  domainDefineXmlFlags,
  domainDestroyFlags,
  DomainEvent,
  domainGetSecurityLabel,
  domainGetSecurityLabelList,
  ErrorCode,
  isLibvirtError,
  nodeAllocPages,
  NodeAllocPagesFlag,
  nodeGetCellsFreeMemory,
  nodeGetCpuMap,
  nodeGetCpuStats,
  nodeGetFreeMemory,
  nodeGetFreePages,
  nodeGetInfo,
  nodeGetMemoryParameters,
  nodeGetMemoryStats,
  nodeGetSecurityModel,
  nodeGetSevInfo,
  nodeSetMemoryParameters,
  paramRecord,
  type TypedParam,
} from '../../../src/libvirt/index.ts';
import { coded, refusedWith } from '../../refusal.ts';
import {
  daemon,
  daemonPid,
  emptyGuestXml,
  inHost,
  open,
  python,
  skip,
  virsh,
  WAIT,
} from '../daemon.ts';

/** What a test asks on, with a word less. */
type Ask = <A, R>(procedure: CallProcedure<A, R>, args: NoInfer<A>) => Promise<R>;

async function asker(t: TestContext, driver: 'qemu' | 'test' = 'qemu'): Promise<Ask> {
  const connection = await open(t, driver);
  return async (procedure, args) => connection.call(procedure, args, WAIT);
}

describe('a host, through a real libvirtd', { skip, concurrency: false }, () => {
  test('tells about itself what virsh tells', async (t) => {
    const ask = await asker(t);
    assert.equal((await ask(connectGetHostname, {})).hostname, await virsh('qemu', 'hostname'));
    assert.deepEqual(await ask(connectGetType, {}), { type: 'QEMU' });
    assert.deepEqual(await ask(connectGetUri, {}), { uri: 'qemu:///system' });
    assert.deepEqual(await ask(connectIsSecure, {}), { secure: true });
    assert.deepEqual(await ask(authList, {}), { types: [0] });
    assert.equal(
      Number((await ask(connectGetLibVersion, {})).libVer),
      await python('qemu', 'c.getLibVersion()'),
    );
    assert.equal(
      Number((await ask(connectGetVersion, {})).hvVer),
      await python('qemu', 'c.getVersion()'),
    );
    const { maxVcpus } = await ask(connectGetMaxVcpus, { type: 'qemu' });
    assert.equal(maxVcpus, await python('qemu', "c.getMaxVcpus('qemu')"));
    await assert.rejects(ask(connectGetSysinfo, {}), refusedWith(ErrorCode.configUnsupported));
    await assert.rejects(python('qemu', 'c.getSysinfo()'), /SMBIOS/);
  });

  test('tells what it offers as virsh tells it', async (t) => {
    const ask = await asker(t);
    const { capabilities } = await ask(connectGetCapabilities, {});
    assert.equal(capabilities.trim(), await virsh('qemu', 'capabilities'));
    const asked = { arch: 'x86_64', virttype: 'qemu', machine: 'q35' };
    const ours = await ask(connectGetDomainCapabilities, asked);
    const words = ['--arch', 'x86_64', '--virttype', 'qemu', '--machine', 'q35'];
    assert.equal(ours.capabilities.trim(), await virsh('qemu', 'domcapabilities', ...words));
    const pools = await ask(connectGetStoragePoolCapabilities, {});
    assert.equal(pools.capabilities.trim(), await virsh('qemu', 'pool-capabilities'));
    const { models } = await ask(connectGetCpuModelNames, { arch: 'x86_64' });
    assert.equal(models.join('\n'), await virsh('qemu', 'cpu-models', 'x86_64'));
  });

  test('tells about its processors what virsh and the binding tell', async (t) => {
    const ask = await asker(t);
    const info = await ask(nodeGetInfo, {});
    const { model, cpus, mhz, nodes, sockets, cores, threads } = info;
    const memoryMib = Math.floor(Number(info.memory) / 1024);
    assert.deepEqual(
      [model, memoryMib, cpus, mhz, nodes, sockets, cores, threads],
      await python('qemu', 'c.getInfo()'),
    );
    const map = await ask(nodeGetCpuMap, {});
    const bits = Array.from(
      { length: map.ret },
      (_, cpu) => ((map.cpumap[cpu >> 3] ?? 0) >> (cpu & 7)) & 1,
    );
    const said = await python('qemu', 'c.getCPUMap()');
    assert.deepEqual([map.ret, bits.map((bit) => bit === 1), map.online], said);
    const connection = await open(t, 'qemu');
    const times = await callCounted(connection, nodeGetCpuStats, { cpuNum: 0 }, WAIT);
    const later = (await python('qemu', 'c.getCPUStats(0)')) as Readonly<Record<string, number>>;
    assert.deepEqual(times.params.map((p) => p.field).toSorted(), Object.keys(later).toSorted());
    for (const { field, value } of times.params)
      assert.ok(Number(value) <= Number(later[field]), field);
  });

  test('tells about its memory and pages what virsh and the binding tell', async (t) => {
    const connection = await open(t, 'qemu');
    const ask = await asker(t);
    const memory = await callCounted(connection, nodeGetMemoryStats, { cellNum: -1 }, WAIT);
    const stats = (await python('qemu', 'c.getMemoryStats(-1)')) as Readonly<
      Record<string, number>
    >;
    assert.deepEqual(memory.params.map((p) => p.field).toSorted(), Object.keys(stats).toSorted());
    assert.equal(Number(memory.params.find((p) => p.field === 'total')?.value), stats['total']);
    const { freeMem } = await ask(nodeGetFreeMemory, {});
    const free = Number(await python('qemu', 'c.getFreeMemory()'));
    assert.ok(Math.abs(Number(freeMem) - free) < free / 2, `${freeMem} and ${free}`);
    const { cells } = await ask(nodeGetCellsFreeMemory, { startCell: 0, maxcells: 8 });
    const said = (await python('qemu', 'c.getCellsFreeMemory(0, 8)')) as readonly number[];
    assert.equal(cells.length, said.length);
    assert.ok(cells.every((cell) => cell > 0n && cell < 2n ** 50n));
    const pages = { pages: [4, 2048], startCell: 0, cellCount: 1 };
    const { counts } = await ask(nodeGetFreePages, pages);
    assert.equal(counts.length, 2);
    const huge = /2048KiB: +(\d+)/.exec(await virsh('qemu', 'freepages', '0', '2048'));
    assert.equal(String(counts[1]), huge?.[1]);
  });

  test('sizes a pool of pages', async (t) => {
    const ask = await asker(t);
    const asked = { pageSizes: [2048], startCell: 0, cellCount: 1 };
    const add = { ...asked, pageCounts: [0n], flags: NodeAllocPagesFlag.add }; // changes nothing, and says so
    assert.deepEqual(await ask(nodeAllocPages, add), { ret: 1 });
    assert.equal(await python('qemu', 'c.allocPages({2048: 0}, 0, 1, 0)'), 1);
    const unknown = { ...add, pageSizes: [3] };
    await assert.rejects(ask(nodeAllocPages, unknown), refusedWith(ErrorCode.operationFailed));
  });

  test('merges pages as it is told, and says so', async (t) => {
    const connection = await open(t, 'qemu');
    const copy = `mkdir /run/ksm; cp /sys/kernel/mm/ksm/* /run/ksm; mount --bind /run/ksm /sys/kernel/mm/ksm`;
    await inHost('sh', '-euc', copy); // the knobs of the host alone, not those of the whole machine
    const asked = ['shm_pages_to_scan', 'shm_sleep_millisecs', 'shm_merge_across_nodes'];
    const params = asked.map(
      (field, index) => ({ field, type: 'uint', value: 101 + index }) as const,
    );
    await connection.call(nodeSetMemoryParameters, { params }, WAIT);
    const told = await callCounted(connection, nodeGetMemoryParameters, {}, WAIT);
    const ours = Object.entries(paramRecord(told.params)).map(([name, value]) => [
      name,
      Number(value),
    ]);
    assert.deepEqual(Object.fromEntries(ours), await python('qemu', 'c.getMemoryParameters()'));
    assert.equal(
      await inHost('cat', '/run/ksm/pages_to_scan', '/run/ksm/sleep_millisecs'),
      '101102',
    );
    const wrong = [{ field: 'shm_pages_to_scan', type: 'ullong', value: 1n } as const];
    await assert.rejects(
      connection.call(nodeSetMemoryParameters, { params: wrong }, WAIT),
      refusedWith(ErrorCode.invalidArg),
    );
  });

  test('compares CPUs and finds what they have in common as the binding does', async (t) => {
    const ask = await asker(t);
    const { superset, incompatible } = CpuCompareResult;
    const alone = `<cpu><arch>x86_64</arch><model>qemu64</model></cpu>`;
    const odd = `<cpu><arch>aarch64</arch><model>cortex-a57</model></cpu>`;
    const host = {
      xml: /<cpu>.*?<\/cpu>/s.exec((await ask(connectGetCapabilities, {})).capabilities)![0],
    };
    assert.equal(
      (await ask(connectCompareCpu, host)).result,
      await python('qemu', `c.compareCPU(${JSON.stringify(host.xml)})`),
    );
    assert.equal((await ask(connectCompareCpu, { xml: odd })).result, incompatible);
    const arch = 'x86_64';
    const virttype = 'qemu';
    const { result } = await ask(connectCompareHypervisorCpu, { arch, virttype, xmlCpu: alone });
    assert.equal(result, superset);
    assert.equal(
      await python('qemu', `c.compareHypervisorCPU(None, 'x86_64', None, 'qemu', '${alone}')`),
      superset,
    );
    const flags = ConnectCompareCpuFlag.failIncompatible;
    await assert.rejects(
      ask(connectCompareCpu, { xml: odd, flags }),
      refusedWith(ErrorCode.cpuIncompatible),
    );
    const xmlCpus = [host.xml, host.xml];
    const pair = `[${JSON.stringify(host.xml)}] * 2`;
    const common = await ask(connectBaselineCpu, { xmlCpus });
    assert.equal(common.cpu, await python('qemu', `c.baselineCPU(${pair}, 0)`));
    const expand = ConnectBaselineCpuFlag.expandFeatures;
    const offered = await ask(connectBaselineHypervisorCpu, {
      arch,
      virttype,
      xmlCpus,
      flags: expand,
    });
    const theirs = `c.baselineHypervisorCPU(None, 'x86_64', None, 'qemu', ${pair}, ${expand})`;
    assert.equal(offered.cpu, await python('qemu', theirs));
  });

  test('says which command line a definition comes to, and takes none back', async (t) => {
    const ask = await asker(t);
    const nativeFormat = 'qemu-argv';
    const domainXml = emptyGuestXml('native').replace(
      '<name>',
      `<uuid>${randomUUID()}</uuid><name>`,
    );
    const { nativeConfig } = await ask(connectDomainXmlToNative, { nativeFormat, domainXml });
    assert.equal(
      nativeConfig,
      await python('qemu', `c.domainXMLToNative('qemu-argv', ${JSON.stringify(domainXml)})`),
    );
    await assert.rejects(
      ask(connectDomainXmlFromNative, { nativeFormat, nativeConfig }),
      refusedWith(ErrorCode.noSupport),
    );
  });

  test('tells what guards its guests', async (t) => {
    const ask = await asker(t);
    const { model, doi } = await ask(nodeGetSecurityModel, {});
    assert.deepEqual([model, doi], await python('qemu', 'c.getSecurityModel()'));
    assert.notEqual(model, '');
    await assert.rejects(
      ask(nodeGetSevInfo, { nparams: 0 }),
      refusedWith(ErrorCode.operationUnsupported),
    );
    await assert.rejects(python('qemu', 'c.getSEVInfo()'), /not supported/);
    const flags = DomainCreateFlag.paused;
    const { dom } = await ask(domainCreateXml, { xmlDesc: emptyGuestXml('guarded'), flags });
    const guarded = `c.lookupByName('guarded')`;
    const { label, enforcing } = await ask(domainGetSecurityLabel, { dom });
    assert.deepEqual([label, enforcing], await python('qemu', `${guarded}.securityLabel()`));
    const { labels, ret } = await ask(domainGetSecurityLabelList, { dom });
    const all = labels.map((one) => [one.label, one.enforcing]);
    assert.deepEqual(all, await python('qemu', `${guarded}.securityLabelList()`));
    assert.equal(ret, all.length);
    await ask(domainDestroyFlags, { dom });
  });

  test('is opened once a connection, and ends it when told to', async (t) => {
    const connection = await open(t, 'qemu');
    const { keepalive, networkUpdateOrder } = ConnectFeature;
    for (const [feature, supported] of [
      [keepalive, true],
      [networkUpdateOrder, connection.libVersion >= 7_002_000],
      [99, false],
    ] as const) {
      const said = await connection.call(connectSupportsFeature, { feature }, WAIT);
      assert.equal(said.supported, supported);
    }
    const again = connection.call(connectOpen, { name: 'qemu:///system' }, WAIT);
    await assert.rejects(again, refusedWith(ErrorCode.internalError));
    const nobody = connection.call(authPolkit, {}, WAIT); // who is let in already need not ask
    await assert.rejects(nobody, refusedWith(ErrorCode.internalError));
    await connection.call(connectClose, {}, WAIT);
    assert.equal((await connection.closed).asked, false);
  });

  test('takes the identity of somebody else from a client, and a wish to hear of the end', async (t) => {
    const ask = await asker(t);
    const { userName, unixUserId } = ConnectIdentity;
    const params: readonly TypedParam[] = [
      { field: userName, type: 'string', value: 'nobody' },
      { field: unixUserId, type: 'ullong', value: 65_534n },
    ];
    await ask(connectSetIdentity, { params });
    const wrong: readonly TypedParam[] = [{ field: 'shoe-size', type: 'uint', value: 43 }];
    await assert.rejects(
      ask(connectSetIdentity, { params: wrong }),
      refusedWith(ErrorCode.argumentUnsupported),
    );
    // Each connection has said so at its start, and once is all that the daemon takes.
    await ask(connectUnregisterCloseCallback, {});
    await ask(connectRegisterCloseCallback, {});
  });

  test('says what a read-only connection may not do', async (t) => {
    const { socket } = await daemon();
    const uri = `qemu:///system?socket=${socket}-ro`;
    const options = { environment: { uid: 0 }, readOnly: true };
    const connection = await connect(uri, options, WAIT);
    t.after(() => connection.close(WAIT));
    await connection.call(connectGetHostname, {}, WAIT);
    await assert.rejects(
      connection.call(domainDefineXmlFlags, { xml: emptyGuestXml('no') }, WAIT),
      refusedWith(ErrorCode.operationDenied),
    );
  });

  test('refuses a driver that it lacks', async () => {
    const { socket } = await daemon();
    const uri = `xen:///system?socket=${socket}`;
    await assert.rejects(
      connect(uri, { environment: { uid: 0 } }, WAIT),
      (error) => isLibvirtError(error) && error.procedure === 'connectOpen',
    );
  });

  test('prefers the socket of its own daemon where that exists', async (t) => {
    const { socket } = await daemon();
    const systemDir = socket.slice(0, socket.lastIndexOf('/'));
    const options = { environment: { uid: 0, systemDir } };
    const connection = await connect('qemu:///system', options, WAIT); // no virtqemud-sock: falls back
    t.after(() => connection.close(WAIT));
    await connection.call(connectGetHostname, {}, WAIT);
  });
});

describe('a real libvirtd that dies', { skip, concurrency: false }, () => {
  test('is noticed at once, by calls, feeds and the connection itself', async (t) => {
    const connection = await open(t, 'test');
    const feed = await connection.subscribe(DomainEvent.lifecycle, {}, WAIT);
    const taking = assert.rejects(feed.take(WAIT), coded('BERTH_CONNECTION_CLOSED'));
    process.kill(await daemonPid(), 'SIGKILL');
    const { asked, error } = await connection.closed;
    assert.deepEqual([asked, error.code], [false, 'BERTH_CONNECTION_CLOSED']);
    await taking;
    await assert.rejects(
      connection.call(connectGetHostname, {}, WAIT),
      coded('BERTH_CONNECTION_CLOSED'),
    );
  });
});
