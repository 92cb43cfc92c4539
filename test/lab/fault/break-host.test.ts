import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { breakHost, faultsInForce, mendHost } from '../../../src/lab/fault/break-host.ts';
import { parseFault } from '../../../src/lab/fault/fault.ts';
import type { FaultTarget } from '../../../src/lab/fault/fault-target.ts';
import { readFaultRecord, writeFaultRecord } from '../../../src/lab/fault/fault-record.ts';
import { startWire } from '../../../src/lab/fault/wire.ts';
import { lockFolder } from '../../../src/lab/system/folder-lock.ts';
import { identifyProcess, isRunning } from '../../../src/lab/system/process-identity.ts';
import { until, virsh } from '../tiny-guest.ts';
import { brokenLab, faultSkip, ping, restartBrokenLab, startBrokenLab } from './broken-lab.ts';
import { berthError } from '../../../src/base/errors.ts';
import { coded } from '../../refusal.ts';

/** A host without anything that could be broken; no fault gets as far as running a command. */
async function bareTarget(): Promise<FaultTarget & AsyncDisposable> {
  const dir = await mkdtemp(join(tmpdir(), 'berth-bare-'));
  await mkdir(join(dir, 'run'));
  const process_ = await identifyProcess(process.pid);
  assert.ok(process_);
  return {
    name: 'bare',
    kind: 'namespace',
    dir,
    uri: '',
    process: process_,
    cgroups: [],
    ownDisk: false,
    cache: dir,
    run: async () => Promise.reject(new Error('nothing runs here')),
    [Symbol.asyncDispose]: async () => rm(dir, { recursive: true }),
  };
}

describe('breaking a host that cannot be broken so', () => {
  const WORDS = [
    'network-cut',
    'network-delay 5',
    'network-drop 5',
    'disk-full',
    'freeze',
    'clock 5',
  ];
  for (const words of WORDS) {
    test(`${words} is refused, and nothing is remembered of it`, async () => {
      await using target = await bareTarget();
      const fault = parseFault(words.split(' '));
      await assert.rejects(breakHost(target, fault, {}), coded('BERTH_CONFLICT'));
      assert.deepEqual(await readFaultRecord(target), { faults: [] });
    });
  }

  test('libvirtd that does not run cannot be killed', async () => {
    await using target = await bareTarget();
    await assert.rejects(
      breakHost(target, { kind: 'libvirtd-kill' }, {}),
      coded('BERTH_CONFLICT', /does not run/),
    );
  });

  test('two do not break a host at the same time', async () => {
    await using target = await bareTarget();
    await mendHost(target, undefined);
    using _other = lockFolder(join(target.dir, 'faults'));
    await assert.rejects(breakHost(target, { kind: 'libvirtd-kill' }, {}), coded('BERTH_BUSY'));
  });
});

/** Stands for the commands of a host: by the whole command line, and by its program. */
function answering(
  target: FaultTarget,
  answers: Readonly<Record<string, string>>,
): FaultTarget & { readonly asked: string[] } {
  const asked: string[] = [];
  const run: FaultTarget['run'] = async (argv) => {
    asked.push(argv.join(' '));
    const stdout = answers[argv.join(' ')] ?? answers[argv[0]];
    if (stdout !== undefined) return { stdout, stderr: '' };
    const failed = { command: argv[0], status: 'exit 1', output: '' };
    throw berthError('BERTH_COMMAND_FAILED', failed);
  };
  return { ...target, run, asked };
}

describe('a fault that does nothing', () => {
  test('a disk that cannot be written to is not full', async () => {
    await using bare = await bareTarget();
    const target = { ...answering(bare, { stat: '100 4096', rm: '' }), ownDisk: true };
    const filling = breakHost(target, { kind: 'disk-full' }, {});
    await assert.rejects(filling, coded('BERTH_CONFLICT', /409600 bytes of it are still free/));
    assert.deepEqual(await readFaultRecord(target), { faults: [] });
  });

  for (const kind of ['namespace', 'kvm'] as const) {
    test(`a number on a ${kind} host that is not a QEMU's is not killed`, async () => {
      await using bare = await bareTarget();
      const folder = '/run/libvirt/qemu';
      const target = {
        ...answering(bare, {
          [`ls ${folder}`]: 'driver.pid\nended.pid\nended.xml\n',
          [`cat ${folder}/driver.pid`]: '7',
          [`cat ${folder}/ended.pid`]: '7',
          'cat /proc/7/comm': 'libvirtd',
          kill: '',
        }),
        kind,
      };
      for (const domain of ['driver', 'ended', 'other']) {
        const killing = breakHost(target, { kind: 'qemu-kill', domain }, {});
        await assert.rejects(killing, coded('BERTH_NOT_FOUND'), domain);
      }
      assert.ok(!target.asked.some((command) => command.startsWith('kill')));
    });
  }

  for (const kind of ['libvirtd-stop', 'freeze'] as const) {
    test(`${kind} that is broken off is told as that`, async () => {
      await using bare = await bareTarget();
      const freezer = join(bare.dir, 'freezer.state');
      await symlink('/dev/null', freezer); // takes the wish and never comes to it
      const breaking = breakHost(
        { ...bare, cgroups: [bare.dir], process: { ...bare.process, pid: 0 }, uri: 'none' },
        { kind },
        { signal: AbortSignal.abort() },
      );
      await assert.rejects(breaking, coded('BERTH_INTERRUPTED'));
    });
  }
});

describe('mending', () => {
  test('stops between two faults when it is told to, and knows what is left', async () => {
    await using target = await bareTarget();
    await writeFaultRecord(target, { faults: [{ kind: 'freeze' }] });
    const mending = mendHost(target, undefined, { signal: AbortSignal.abort() });
    await assert.rejects(mending, coded('BERTH_INTERRUPTED'));
    assert.deepEqual((await readFaultRecord(target)).faults, [{ kind: 'freeze' }]);
  });

  test('what is not broken is told apart from what cannot be mended and what there is not', async () => {
    await using target = await bareTarget();
    assert.deepEqual(await mendHost(target, undefined), []);
    await assert.rejects(mendHost(target, 'freeze'), coded('BERTH_NOT_FOUND', /in force/));
    await assert.rejects(mendHost(target, 'crash'), coded('BERTH_CONFLICT', /nothing to mend/));
    await assert.rejects(mendHost(target, 'qemu-kill x'), coded('BERTH_CONFLICT'));
    await assert.rejects(
      mendHost(target, 'rust'),
      coded('BERTH_NOT_FOUND', /no fault named "rust"/),
    );
  });

  test('what is remembered but holds no more is struck out without ado', async () => {
    await using target = await bareTarget();
    await writeFaultRecord(target, {
      faults: [{ kind: 'freeze' }, { kind: 'clock', seconds: 9 }],
    });
    assert.deepEqual(await faultsInForce(target), []);
    assert.deepEqual(await mendHost(target, 'clock +9'), ['clock +9']);
    assert.deepEqual(await mendHost(target, undefined), ['freeze']);
    assert.deepEqual(await readFaultRecord(target), { faults: [] });
  });
});

describe('the record of faults', () => {
  test('tells of one life of the host, and of the disk that lasts longer', async () => {
    await using target = await bareTarget();
    await writeFaultRecord(target, {
      faults: [{ kind: 'network-delay', ms: 50 }, { kind: 'disk-full' }],
      wire: target.process,
    });
    const next = { ...target, process: { ...target.process, startTicks: '1' } };
    assert.deepEqual(await readFaultRecord(next), { faults: [{ kind: 'disk-full' }] });
  });

  test('a file that is not one of ours is told, and left', async () => {
    await using target = await bareTarget();
    const path = join(target.dir, 'faults', 'in-force.json');
    await mkdir(join(target.dir, 'faults'));
    const host = JSON.stringify(target.process);
    const texts = [
      '',
      '{',
      '[]',
      '{"faults":[]}',
      `{"host":${host},"faults":[7]}`,
      `{"host":${host},"faults":[],"wire":{"pid":1}}`,
    ];
    for (const text of texts) {
      await writeFile(path, text);
      await assert.rejects(faultsInForce(target), coded('BERTH_FACTS_INVALID'), text);
      assert.equal(await readFile(path, 'utf8'), text);
    }
  });
});

const skip = await faultSkip();

test('a real host is broken and mended, and says so in between', { skip }, async () => {
  const lab = await brokenLab();
  const { target } = lab;
  for (const words of ['network-cut', 'network-delay 20', 'clock -60', 'freeze']) {
    await breakHost(target, parseFault(words.split(' ')), {});
  }
  const all = ['network-cut', 'network-delay 20', 'clock -60', 'freeze'];
  assert.deepEqual(await faultsInForce(target), all);
  await mendHost(target, 'freeze');
  assert.deepEqual(await faultsInForce(target), all.slice(0, 3));
  await mendHost(target, 'network-cut');
  await until('the network', 10_000, async () => (await ping(lab, 1)).received === 1);
  assert.ok((await ping(lab, 3)).averageMs >= 40);
  assert.deepEqual(await mendHost(target, undefined), ['network-delay 20', 'clock -60']);
  assert.deepEqual(await faultsInForce(target), []);

  await breakHost(target, { kind: 'libvirtd-kill' }, {});
  await until('libvirtd', 30_000, async () =>
    virsh(target.uri, 'hostname').then(
      () => true,
      () => false,
    ),
  );
});

test('what fails leaves the fault that it would have replaced', { skip }, async () => {
  const lab = await brokenLab();
  const { target } = lab;
  await breakHost(target, { kind: 'network-delay', ms: 20 }, {});
  const signal = AbortSignal.abort();
  const other = breakHost(target, { kind: 'network-delay', ms: 500 }, { signal });
  await assert.rejects(other, coded('BERTH_INTERRUPTED'));
  assert.deepEqual(await faultsInForce(target), ['network-delay 20']);
  assert.ok((await ping(lab, 3)).averageMs >= 40);
  await mendHost(target, undefined);
});

test('a bad cable that nobody remembers is found and taken away', { skip }, async () => {
  const lab = await brokenLab();
  const { target } = lab;
  assert.ok(target.network);
  const places = { cache: target.cache, folder: join(target.dir, 'faults') };
  const stray = await startWire(
    target.network,
    { delayMs: 1, dropPercent: 0, seed: 1 },
    places,
    {},
  );
  await breakHost(target, { kind: 'network-delay', ms: 20 }, {});
  assert.equal(await isRunning(stray), false);
  await mendHost(target, undefined);
});

test('libvirtd stays away however soon after its death it is stopped', { skip }, async () => {
  const { target } = await brokenLab();
  // It comes again 1 s after its end, and writes down its pid some time later.
  for (const afterMs of [900, 950, 1000, 1050, 1100]) {
    await breakHost(target, { kind: 'libvirtd-kill' }, {});
    await delay(afterMs);
    await breakHost(target, { kind: 'libvirtd-stop' }, {});
    const { stdout } = await target.run(['ps', '-e', '-o', 'comm='], { deadlineMs: 30_000 });
    assert.doesNotMatch(stdout, /^libvirtd$/m, `${afterMs} ms after`);
    await mendHost(target, undefined);
  }
});

test('what a host suffered before a crash does not come back', { skip }, async () => {
  const lab = await startBrokenLab();
  await breakHost(lab.target, { kind: 'network-delay', ms: 50 }, {});
  await breakHost(lab.target, { kind: 'crash' }, {});
  const target = await restartBrokenLab(lab);
  await breakHost(target, { kind: 'network-drop', percent: 10 }, {});
  assert.deepEqual(await faultsInForce(target), ['network-drop 10']);
});
