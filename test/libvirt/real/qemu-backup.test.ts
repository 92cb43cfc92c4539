import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { MIB } from '../../../src/base/units.ts';
import {
  domainAbortJob,
  domainAbortJobFlags,
  domainBackupBegin,
  DomainBackupBeginFlag,
  domainBackupGetXmlDesc,
  domainCheckpointCreateXml,
  DomainCheckpointCreateFlag,
  domainCheckpointDelete,
  DomainCheckpointDeleteFlag,
  domainCheckpointGetParent,
  domainCheckpointGetXmlDesc,
  domainCheckpointListAllChildren,
  DomainCheckpointListFlag,
  domainCheckpointLookupByName,
  DomainCheckpointXmlFlag,
  DomainEvent,
  domainGetJobInfo,
  domainGetJobStats,
  DomainJobOperation,
  DomainJobStat,
  DomainJobStatsFlag,
  DomainJobType,
  domainListAllCheckpoints,
  ErrorCode,
  paramRecord,
  type DomainCheckpoint,
  type EventFeed,
  type TypedParam,
} from '../../../src/libvirt/index.ts';
import type { LabHost } from '../../lab/lab-host.ts';
import { refusedWith } from '../../refusal.ts';
import { guestDaemon, skip, WAIT } from '../daemon.ts';
import { askPython } from './ask-python.ts';
import {
  diskSum,
  diskXml,
  inGuest,
  makeImage,
  qemuImg,
  startJobGuest,
  type JobGuest,
} from './job-guest.ts';

/** The first libvirt with backups of what was written since another. */
const INCREMENTAL = 7_006_000;

describe('backups of a guest, through a real libvirtd', { skip, concurrency: false }, () => {
  let lab: LabHost;
  let guest: JobGuest;
  let ends: EventFeed<{ params: readonly TypedParam[] }>;

  before(async () => {
    lab = await guestDaemon();
    const disk = await makeImage(lab, 'disk.qcow2', ['-f', 'qcow2'], '16M');
    const nbd = join(lab.images.outside, 'nbd');
    await mkdir(nbd);
    await chmod(nbd, 0o777); // QEMU, a user of its own, makes its socket there
    guest = await startJobGuest(lab, 'backups', diskXml(disk, 'qcow2', 'vda'));
    ends = await guest.connection.subscribe(DomainEvent.jobCompleted, { object: guest.dom }, WAIT);
  });
  after(async () => guest[Symbol.asyncDispose]());

  const said = async (expression: string): Promise<unknown> =>
    askPython(lab.uri, `dom = conn.lookupByName('backups'); answer = ${expression}`);
  const write = async (mebibyte: number): Promise<string> =>
    inGuest(
      guest.shell,
      `dd if=/dev/urandom of=/dev/vda bs=1M count=1 seek=${mebibyte} conv=notrunc 2>/dev/null; sync`,
    );
  const begin = async (backupXml: string, checkpoint?: string, flags = 0): Promise<object> => {
    const checkpointXml =
      checkpoint === undefined
        ? undefined
        : `<domaincheckpoint><name>${checkpoint}</name></domaincheckpoint>`;
    const args = { dom: guest.dom, backupXml, checkpointXml, flags };
    return guest.connection.call(domainBackupBegin, args, WAIT);
  };
  /** A push backup to a file, from a checkpoint on or whole. */
  const pushXml = (file: string, from = ''): string => `<domainbackup mode='push'>${from}
<disks><disk name='vda' type='file'><driver type='qcow2'/><target file='${lab.images.inside}/${file}'/></disk></disks></domainbackup>`;
  const succeeded = async (): Promise<void> => {
    const figures = paramRecord((await ends.take(WAIT)).params);
    assert.equal(figures[DomainJobStat.success], true);
    assert.equal(figures[DomainJobStat.operation], DomainJobOperation.backup);
  };
  /** Holds an image against the disk as the guest, which writes nothing meanwhile, reads it. */
  const sameAsDisk = async (image: string): Promise<void> => {
    await qemuImg(lab, 'convert', '-O', 'raw', image, 'content.raw');
    const content = await readFile(join(lab.images.outside, 'content.raw'));
    const sum = createHash('md5').update(content).digest('hex');
    assert.equal(sum, await diskSum(guest.shell, 'vda'));
  };
  const checkpoint = async (name: string): Promise<DomainCheckpoint> => {
    const args = { dom: guest.dom, name };
    return (await guest.connection.call(domainCheckpointLookupByName, args, WAIT)).checkpoint;
  };

  test('are the whole disk first, then only what was written since', async (t) => {
    const { connection, dom } = guest;
    if (connection.libVersion < INCREMENTAL) return t.skip('needs: libvirt 7.6');
    await write(1);
    await begin(pushXml('whole.qcow2'), 'one');
    await succeeded();
    await sameAsDisk('whole.qcow2');
    await write(5);
    const flags = DomainCheckpointXmlFlag.size | DomainCheckpointXmlFlag.noDomain;
    const one = await checkpoint('one');
    const { xml } = await connection.call(
      domainCheckpointGetXmlDesc,
      { checkpoint: one, flags },
      WAIT,
    );
    assert.match(xml, new RegExp(`size='${MIB}'`));
    assert.equal(await said(`dom.checkpointLookupByName('one').getXMLDesc(${flags})`), xml);
    await begin(pushXml('changed.qcow2', '<incremental>one</incremental>'), 'two');
    await succeeded();
    await qemuImg(lab, 'rebase', '-u', '-F', 'qcow2', '-b', 'whole.qcow2', 'changed.qcow2');
    const map = JSON.parse(
      await qemuImg(lab, 'map', '--output=json', 'changed.qcow2'),
    ) as readonly {
      start: number;
      length: number;
      depth: number;
    }[];
    const data = map.filter(({ depth }) => depth === 0).map(({ start, length }) => [start, length]);
    assert.deepEqual(data, [[5 * MIB, MIB]]);
    await sameAsDisk('changed.qcow2');
    const stats = { dom, flags: DomainJobStatsFlag.completed };
    assert.equal(
      (await connection.call(domainGetJobStats, stats, WAIT)).type,
      DomainJobType.completed,
    );
    await assert.rejects(
      connection.call(domainBackupGetXmlDesc, { dom }, WAIT),
      refusedWith(ErrorCode.noDomainBackup),
    );
  });

  test('are read by others while the guest runs, until they are ended', async (t) => {
    const { connection, dom } = guest;
    if (connection.libVersion < INCREMENTAL) return t.skip('needs: libvirt 7.6');
    const socket = `${lab.images.inside}/nbd/sock`;
    const scratch = await makeImage(lab, 'scratch.qcow2', ['-f', 'qcow2'], '16M');
    const xml = `<domainbackup mode='pull'><server transport='unix' socket='${socket}'/><disks>
<disk name='vda' type='file'><driver type='qcow2'/><scratch file='${scratch}'/></disk></disks></domainbackup>`;
    await begin(xml, 'three', DomainBackupBeginFlag.reuseExternal);
    const running = await connection.call(domainBackupGetXmlDesc, { dom }, WAIT);
    assert.match(running.xml, /mode='pull'/);
    assert.equal(await said('dom.backupGetXMLDesc()'), running.xml);
    const stats = await connection.call(domainGetJobStats, { dom }, WAIT);
    assert.equal(stats.type, DomainJobType.unbounded);
    const figures = paramRecord(stats.params);
    assert.equal(figures[DomainJobStat.operation], DomainJobOperation.backup);
    assert.equal(figures[DomainJobStat.diskTempTotal], BigInt(16 * MIB));
    const info = await connection.call(domainGetJobInfo, { dom }, WAIT);
    const theirs = (await said('dom.jobInfo()')) as number[];
    assert.deepEqual([info.type, Number(info.fileTotal)], [theirs[0], theirs[9]]);
    await write(9);
    const nbd = `nbd+unix:///vda?socket=${join(lab.images.outside, 'nbd/sock')}`;
    await qemuImg(lab, 'convert', '-f', 'raw', '-O', 'qcow2', nbd, 'pulled.qcow2');
    const compared = await qemuImg(lab, 'compare', 'changed.qcow2', 'pulled.qcow2');
    assert.match(compared, /Images are identical/, 'as it was at the start');
    await connection.call(domainAbortJob, { dom }, WAIT);
    await ends.take(WAIT);
    await assert.rejects(
      connection.call(domainAbortJobFlags, { dom }, WAIT),
      refusedWith(ErrorCode.operationInvalid),
    );
  });

  test('can be stopped', async (t) => {
    const { connection, dom } = guest;
    if (connection.libVersion < INCREMENTAL) return t.skip('needs: libvirt 7.6');
    const socket = `${lab.images.inside}/nbd/sock`;
    const xml = `<domainbackup mode='pull'><server transport='unix' socket='${socket}'/></domainbackup>`;
    await begin(xml);
    await connection.call(domainAbortJobFlags, { dom }, WAIT);
    const figures = paramRecord((await ends.take(WAIT)).params);
    assert.equal(figures[DomainJobStat.operation], DomainJobOperation.backup);
    const { type, params } = await connection.call(domainGetJobStats, { dom }, WAIT);
    assert.deepEqual([type, params], [DomainJobType.none, []]);
    const { type: same, ...rest } = await connection.call(domainGetJobInfo, { dom }, WAIT);
    assert.equal(same, DomainJobType.none);
    assert.deepEqual(new Set(Object.values(rest)), new Set([0n]));
  });

  test('follow checkpoints, which are listed, deleted and known again as libvirt does', async (t) => {
    const { connection, dom } = guest;
    if (connection.libVersion < INCREMENTAL) return t.skip('needs: libvirt 7.6');
    const { roots, leaves, descendants, topological } = DomainCheckpointListFlag;
    const list = async (flags: number): Promise<readonly string[]> => {
      const { checkpoints } = await connection.call(domainListAllCheckpoints, { dom, flags }, WAIT);
      return checkpoints.map(({ name }) => name);
    };
    const one = await checkpoint('one');
    const two = await checkpoint('two');
    const children = async (flags: number): Promise<readonly string[]> => {
      const args = { checkpoint: one, flags };
      const { checkpoints } = await connection.call(domainCheckpointListAllChildren, args, WAIT);
      return checkpoints.map(({ name }) => name);
    };
    const ours = {
      all: await list(topological),
      roots: await list(roots),
      leaves: await list(leaves),
      children: await children(0),
      descendants: await children(descendants | topological),
      parent: (await connection.call(domainCheckpointGetParent, { checkpoint: two }, WAIT)).parent
        .name,
    };
    const theirs = await askPython(
      lab.uri,
      `
dom = conn.lookupByName('backups')
one = dom.checkpointLookupByName('one')
names = lambda checkpoints: [each.getName() for each in checkpoints]
answer = {
  'all': names(dom.listAllCheckpoints(libvirt.VIR_DOMAIN_CHECKPOINT_LIST_TOPOLOGICAL)),
  'roots': names(dom.listAllCheckpoints(libvirt.VIR_DOMAIN_CHECKPOINT_LIST_ROOTS)),
  'leaves': names(dom.listAllCheckpoints(libvirt.VIR_DOMAIN_CHECKPOINT_LIST_LEAVES)),
  'children': names(one.listAllChildren()),
  'descendants': names(one.listAllChildren(3)),
  'parent': dom.checkpointLookupByName('two').getParent().getName(),
}`,
    );
    assert.deepEqual(ours, theirs);
    assert.deepEqual(ours.all, ['one', 'two', 'three']);
    await assert.rejects(
      connection.call(domainCheckpointGetParent, { checkpoint: one }, WAIT),
      refusedWith(ErrorCode.noDomainCheckpoint),
    );
    const { xml } = await connection.call(domainCheckpointGetXmlDesc, { checkpoint: one }, WAIT);
    const { metadataOnly, children: below } = DomainCheckpointDeleteFlag;
    const forget = { checkpoint: one, flags: metadataOnly };
    await connection.call(domainCheckpointDelete, forget, WAIT);
    await assert.rejects(checkpoint('one'), refusedWith(ErrorCode.noDomainCheckpoint));
    const { redefine, redefineValidate } = DomainCheckpointCreateFlag;
    const again = { dom, xmlDesc: xml, flags: redefine | redefineValidate };
    const known = await connection.call(domainCheckpointCreateXml, again, WAIT);
    assert.equal(known.checkpoint.name, 'one');
    const made = { dom, xmlDesc: '<domaincheckpoint><name>four</name></domaincheckpoint>' };
    await connection.call(domainCheckpointCreateXml, made, WAIT);
    assert.equal(await said(`dom.checkpointLookupByName('four').getParent().getName()`), 'three');
    await connection.call(domainCheckpointDelete, { checkpoint: two, flags: below }, WAIT);
    assert.deepEqual(await said('[each.getName() for each in dom.listAllCheckpoints()]'), ['one']);
  });
});
