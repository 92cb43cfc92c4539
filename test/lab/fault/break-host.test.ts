import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { isBerthError, type ErrorCode } from '../../../src/base/errors.ts';
import { breakHost, faultsInForce, mendHost } from '../../../src/lab/fault/break-host.ts';
import { parseFault } from '../../../src/lab/fault/fault.ts';
import type { FaultTarget } from '../../../src/lab/fault/fault-target.ts';
import { readFaultRecord, writeFaultRecord } from '../../../src/lab/fault/fault-record.ts';
import { lockFolder } from '../../../src/lab/system/folder-lock.ts';
import { identifyProcess } from '../../../src/lab/system/process-identity.ts';
import { until, virsh } from '../tiny-guest.ts';
import { brokenLab, faultSkip, ping } from './broken-lab.ts';

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

function coded(code: ErrorCode, text = /./): (error: unknown) => boolean {
  return (error) => isBerthError(error, code) && text.test(error.message);
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
      assert.deepEqual(await readFaultRecord(target.dir), { faults: [] });
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

describe('mending', () => {
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
    await writeFaultRecord(target.dir, {
      faults: [{ kind: 'freeze' }, { kind: 'clock', seconds: 9 }],
    });
    assert.deepEqual(await faultsInForce(target), []);
    assert.deepEqual(await mendHost(target, 'clock +9'), ['clock +9']);
    assert.deepEqual(await mendHost(target, undefined), ['freeze']);
    assert.deepEqual(await readFaultRecord(target.dir), { faults: [] });
  });
});

describe('the record of faults', () => {
  test('a file that is not one of ours is told, and left', async () => {
    await using target = await bareTarget();
    const path = join(target.dir, 'faults', 'in-force.json');
    await mkdir(join(target.dir, 'faults'));
    for (const text of ['', '{', '[]', '{"faults":[7]}', '{"faults":[],"wire":{"pid":1}}']) {
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
