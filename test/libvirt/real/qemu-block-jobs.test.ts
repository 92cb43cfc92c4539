import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { KIB, MIB } from '../../../src/base/units.ts';
import {
  domainBlockCommit,
  DomainBlockCommitFlag,
  domainBlockCopy,
  DomainBlockCopyFlag,
  DomainBlockCopyParam,
  domainBlockJobAbort,
  DomainBlockJobAbortFlag,
  DomainBlockJobInfoFlag,
  domainBlockJobSetSpeed,
  DomainBlockJobSpeedFlag,
  DomainBlockJobStatus,
  DomainBlockJobType,
  domainBlockPeek,
  domainBlockPull,
  DomainBlockPullFlag,
  domainBlockRebase,
  DomainBlockRebaseFlag,
  domainBlockResize,
  DomainBlockResizeFlag,
  DomainEvent,
  domainGetBlockInfo,
  domainGetBlockJobInfo,
  domainGetXmlDesc,
  domainSetBlockThreshold,
  domainSnapshotCreateXml,
  DomainSnapshotCreateFlag,
  ErrorCode,
  type EventFeed,
} from '../../../src/libvirt/index.ts';
import type { LabHost } from '../../lab/lab-host.ts';
import { until } from '../../lab/tiny-guest.ts';
import { refusedWith } from '../../refusal.ts';
import { guestDaemon, skip, WAIT } from '../daemon.ts';
import { askPython } from './ask-python.ts';
import {
  diskSum,
  diskXml,
  inGuest,
  makeImage,
  nextEvent,
  qemuImg,
  startJobGuest,
  type JobGuest,
} from './job-guest.ts';

const DISK = 'vda';
const DISK_BYTES = 16 * MIB;
const { completed, canceled, ready } = DomainBlockJobStatus;

describe('the disks of a guest, through a real libvirtd', { skip, concurrency: false }, () => {
  let lab: LabHost;
  let guest: JobGuest;
  let jobs: EventFeed<{ dst: string; type: number; status: number }>;
  const raw = randomBytes(DISK_BYTES);
  /** The disk as the guest has last read it. */
  let sum = '';

  before(async () => {
    lab = await guestDaemon();
    await writeFile(join(lab.images.outside, 'base.raw'), raw);
    await qemuImg(lab, 'convert', '-O', 'qcow2', 'base.raw', 'base.qcow2');
    const chain = ['-f', 'qcow2', '-F', 'qcow2', '-b', 'base.qcow2'];
    const top = await makeImage(lab, 'top.qcow2', chain, `${DISK_BYTES}`);
    const other = await makeImage(lab, 'other.raw', ['-f', 'raw'], '1M');
    const disks = diskXml(top, 'qcow2', DISK) + diskXml(other, 'raw', 'vdb');
    guest = await startJobGuest(lab, 'blocks', disks);
    jobs = await guest.connection.subscribe(DomainEvent.blockJob, { object: guest.dom }, WAIT);
    sum = await diskSum(guest.shell, DISK);
  });
  after(async () => guest[Symbol.asyncDispose]());

  const job = async (flags = 0) =>
    guest.connection.call(domainGetBlockJobInfo, { dom: guest.dom, path: DISK, flags }, WAIT);
  const said = async (expression: string): Promise<unknown> =>
    askPython(lab.uri, `dom = conn.lookupByName('blocks'); answer = ${expression}`);
  const ended = async (status: number): Promise<number> => {
    const event = await nextEvent(jobs, (event) => event.status === status);
    assert.equal(event.dst, DISK);
    return event.type;
  };
  /** The files of the disk, from the top down. */
  const files = async (): Promise<readonly string[]> => {
    const { xml } = await guest.connection.call(domainGetXmlDesc, { dom: guest.dom }, WAIT);
    const disk = xml.split('<disk ').find((part) => part.includes(`dev='${DISK}'`)) ?? '';
    return [...disk.matchAll(/<source file='[^']*\/([^']+)'/g)].map((match) => match[1] ?? '');
  };
  const snapshot = async (file: string): Promise<void> => {
    const xmlDesc = `<domainsnapshot><disks><disk name='${DISK}'>
<source file='${lab.images.inside}/${file}'/></disk><disk name='vdb' snapshot='no'/></disks></domainsnapshot>`;
    const { diskOnly, noMetadata, atomic } = DomainSnapshotCreateFlag;
    const flags = diskOnly | noMetadata | atomic;
    await guest.connection.call(domainSnapshotCreateXml, { dom: guest.dom, xmlDesc, flags }, WAIT);
  };
  const dirty = async (mebibytes: number): Promise<void> => {
    await inGuest(guest.shell, `head -c ${mebibytes}M /dev/urandom >/dev/${DISK}; sync`);
    sum = await diskSum(guest.shell, DISK);
  };
  const untouched = async (): Promise<void> =>
    assert.equal(await diskSum(guest.shell, DISK), sum, 'the guest reads what it read before');

  test('are pulled together, at the pace that is asked for, or not', async () => {
    const { connection, dom } = guest;
    const none = { found: false, type: 0, bandwidth: 0n, cur: 0n, end: 0n };
    assert.deepEqual(await job(), none);
    await connection.call(domainBlockPull, { dom, path: DISK, bandwidth: 1n }, WAIT);
    const begun = await job();
    assert.deepEqual(
      { ...begun, cur: 0n },
      { ...begun, found: true, type: 1, bandwidth: 1n, cur: 0n },
    );
    assert.equal(begun.type, DomainBlockJobType.pull);
    assert.equal(begun.end, BigInt(DISK_BYTES));
    await until('progress', 20_000, async () => (await job()).cur > begun.cur);
    const bytes = DomainBlockJobSpeedFlag.bandwidthBytes;
    const slower = { dom, path: DISK, bandwidth: 700_000n, flags: bytes };
    await connection.call(domainBlockJobSetSpeed, slower, WAIT);
    const info = await job(DomainBlockJobInfoFlag.bandwidthBytes);
    assert.equal(info.bandwidth, 700_000n);
    const theirs = await said(`dom.blockJobInfo('${DISK}', 1)`);
    const { cur, ...rest } = theirs as Record<string, number>;
    assert.deepEqual(rest, { type: 1, bandwidth: 700_000, end: DISK_BYTES });
    assert.ok(BigInt(cur ?? 0) >= info.cur && BigInt(cur ?? 0) < info.end);
    await assert.rejects(
      connection.call(domainBlockPull, { dom, path: DISK, bandwidth: 0n }, WAIT),
      refusedWith(ErrorCode.operationUnsupported),
    );
    await connection.call(domainBlockJobAbort, { dom, path: DISK }, WAIT);
    assert.equal(await ended(canceled), DomainBlockJobType.pull);
    assert.deepEqual(await job(), none);
    await assert.rejects(
      connection.call(domainBlockJobAbort, { dom, path: DISK }, WAIT),
      refusedWith(ErrorCode.invalidArg),
    );
    await assert.rejects(
      connection.call(domainBlockJobSetSpeed, slower, WAIT),
      refusedWith(ErrorCode.invalidArg),
    );
    assert.deepEqual(await files(), ['top.qcow2', 'base.qcow2']);
    const flags = DomainBlockPullFlag.bandwidthBytes;
    await connection.call(domainBlockPull, { dom, path: DISK, bandwidth: 0n, flags }, WAIT);
    assert.equal(await ended(completed), DomainBlockJobType.pull);
    assert.deepEqual(await files(), ['top.qcow2']);
    assert.doesNotMatch(await qemuImg(lab, 'info', '-U', 'top.qcow2'), /backing file/);
    await untouched();
  });

  test('are pulled down to a base that is kept', async () => {
    const { connection, dom } = guest;
    await snapshot('middle.qcow2');
    await dirty(1);
    await snapshot('upper.qcow2');
    const base = `${DISK}[${(await indexes()).at(-1) ?? ''}]`;
    await connection.call(domainBlockRebase, { dom, path: DISK, base, bandwidth: 0n }, WAIT);
    assert.equal(await ended(completed), DomainBlockJobType.pull);
    assert.deepEqual(await files(), ['upper.qcow2', 'top.qcow2']);
    assert.match(await qemuImg(lab, 'info', '-U', 'upper.qcow2'), /backing file: .*top\.qcow2/);
    await untouched();
  });

  /** The numbers of the images below the top, from there down. */
  async function indexes(): Promise<readonly string[]> {
    const { xml } = await guest.connection.call(domainGetXmlDesc, { dom: guest.dom }, WAIT);
    const disk = xml.split('<disk ').find((part) => part.includes(`dev='${DISK}'`)) ?? '';
    return [...disk.matchAll(/<backingStore [^>]*index='(\d+)'/g)].map((match) => match[1] ?? '');
  }

  test('are committed into the images below, the one in use only when the job is ready', async () => {
    const { connection, dom } = guest;
    await snapshot('last.qcow2');
    await dirty(4);
    const inner = {
      dom,
      disk: DISK,
      top: `${lab.images.inside}/upper.qcow2`,
      base: `${lab.images.inside}/top.qcow2`,
      bandwidth: 0n,
      flags: DomainBlockCommitFlag.delete,
    };
    await connection.call(domainBlockCommit, inner, WAIT);
    assert.equal(await ended(completed), DomainBlockJobType.commit);
    assert.deepEqual(await files(), ['last.qcow2', 'top.qcow2']);
    await assert.rejects(stat(join(lab.images.outside, 'upper.qcow2')), { code: 'ENOENT' });
    await assert.rejects(
      connection.call(domainBlockCommit, { dom, disk: DISK, bandwidth: 0n }, WAIT),
      refusedWith(ErrorCode.invalidArg),
    );
    const flags = DomainBlockCommitFlag.active;
    await connection.call(domainBlockCommit, { dom, disk: DISK, bandwidth: 0n, flags }, WAIT);
    assert.equal(await ended(ready), DomainBlockJobType.activeCommit);
    const { cur, end } = await job();
    assert.ok(cur === end && end > 0n);
    const given = await said(`dom.blockJobInfo('${DISK}')`);
    assert.deepEqual(given, { type: 4, bandwidth: 0, cur: Number(cur), end: Number(end) });
    const pivot = { dom, path: DISK, flags: DomainBlockJobAbortFlag.pivot };
    await connection.call(domainBlockJobAbort, pivot, WAIT);
    assert.equal(await ended(completed), DomainBlockJobType.activeCommit);
    assert.deepEqual(await files(), ['top.qcow2']);
    await untouched();
  });

  test('are copied elsewhere, and the guest goes on with the copy or not', async () => {
    const { connection, dom } = guest;
    const target = `${lab.images.inside}/copy.qcow2`;
    const destxml = `<disk type='file'><driver type='qcow2'/><source file='${target}'/></disk>`;
    const params = [
      { field: DomainBlockCopyParam.bandwidth, type: 'ullong', value: 700_000n },
      { field: DomainBlockCopyParam.granularity, type: 'uint', value: 64 * KIB },
      { field: DomainBlockCopyParam.bufSize, type: 'ullong', value: BigInt(MIB) },
    ] as const;
    await assert.rejects(
      connection.call(domainBlockCopy, { dom, path: DISK, destxml, params }, WAIT),
      refusedWith(ErrorCode.operationInvalid),
    );
    const flags = DomainBlockCopyFlag.transientJob;
    await connection.call(domainBlockCopy, { dom, path: DISK, destxml, params, flags }, WAIT);
    const info = await job(DomainBlockJobInfoFlag.bandwidthBytes);
    assert.deepEqual([info.type, info.bandwidth], [DomainBlockJobType.copy, 700_000n]);
    const pivot = { dom, path: DISK, flags: DomainBlockJobAbortFlag.pivot };
    await assert.rejects(
      connection.call(domainBlockJobAbort, pivot, WAIT),
      refusedWith(ErrorCode.blockCopyActive),
    );
    await connection.call(domainBlockJobSetSpeed, { dom, path: DISK, bandwidth: 0n }, WAIT);
    assert.equal(await ended(ready), DomainBlockJobType.copy);
    await connection.call(domainBlockJobAbort, pivot, WAIT);
    await ended(completed);
    assert.deepEqual(await files(), ['copy.qcow2']);
    await untouched();

    const other = `<disk type='file'><source file='${lab.images.inside}/not-taken.qcow2'/></disk>`;
    const again = { dom, path: DISK, destxml: other, params: [], flags };
    await connection.call(domainBlockCopy, again, WAIT);
    assert.equal(await ended(ready), DomainBlockJobType.copy);
    const { async } = DomainBlockJobAbortFlag;
    await connection.call(domainBlockJobAbort, { dom, path: DISK, flags: async }, WAIT);
    await ended(canceled);
    assert.deepEqual(await files(), ['copy.qcow2']);

    const base = `${lab.images.inside}/given-up.raw`;
    const { copy, copyRaw } = DomainBlockRebaseFlag;
    const asked = { dom, path: DISK, base, bandwidth: 0n, flags: copy | copyRaw };
    await assert.rejects(
      connection.call(domainBlockRebase, asked, WAIT),
      refusedWith(ErrorCode.operationInvalid),
    );
  });

  test('are measured and read as libvirt measures and reads them', async () => {
    const { connection, dom } = guest;
    const info = await connection.call(domainGetBlockInfo, { dom, path: DISK }, WAIT);
    assert.equal(info.capacity, BigInt(DISK_BYTES));
    const figures = [info.capacity, info.allocation, info.physical].map(Number);
    assert.deepEqual(await said(`dom.blockInfo('${DISK}')`), figures);
    await inGuest(guest.shell, 'printf berth | dd of=/dev/vdb bs=1 seek=4096 2>/dev/null; sync');
    const place = { dom, path: 'vdb', offset: 4094n, size: 9 };
    const { buffer } = await connection.call(domainBlockPeek, place, WAIT);
    assert.equal(Buffer.from(buffer).toString(), '\0\0berth\0\0');
    assert.equal(await said(`dom.blockPeek('vdb', 4094, 9)`), Buffer.from(buffer).toString('hex'));
    await assert.rejects(
      connection.call(domainBlockPeek, { ...place, path: DISK }, WAIT),
      refusedWith(ErrorCode.operationUnsupported),
    );
  });

  test('grow under the guest, which sees it at once', async () => {
    const { connection, dom } = guest;
    await connection.call(domainBlockResize, { dom, disk: 'vdb', size: 3072n }, WAIT);
    assert.equal(await inGuest(guest.shell, 'blockdev --getsize64 /dev/vdb'), `${3 * MIB}`);
    const flags = DomainBlockResizeFlag.bytes;
    const size = BigInt(4 * MIB);
    await connection.call(domainBlockResize, { dom, disk: 'vdb', size, flags }, WAIT);
    assert.equal(await said(`dom.blockInfo('vdb')[0]`), 4 * MIB);
    assert.equal((await readFile(join(lab.images.outside, 'other.raw'))).length, 4 * MIB);
  });

  test('tell when they are written beyond a threshold', async () => {
    const { connection, dom } = guest;
    const feed = await connection.subscribe(DomainEvent.blockThreshold, { object: dom }, WAIT);
    await connection.call(
      domainSetBlockThreshold,
      { dom, dev: 'vdb', threshold: BigInt(2 * MIB) },
      WAIT,
    );
    const stats = `conn.domainListGetStats([dom], libvirt.VIR_DOMAIN_STATS_BLOCK)[0][1]['block.1.threshold']`;
    assert.equal(await said(stats), 2 * MIB);
    await inGuest(guest.shell, 'dd if=/dev/zero of=/dev/vdb bs=1M count=3 2>/dev/null; sync');
    const event = await feed.take(WAIT);
    assert.deepEqual([event.dev, event.threshold], ['vdb', BigInt(2 * MIB)]);
    assert.ok(event.excess > 0n && event.excess <= BigInt(2 * MIB));
  });
});
