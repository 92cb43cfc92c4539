import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  DomainEvent,
  DomainEventResumedDetail,
  DomainEventStartedDetail,
  DomainEventType,
  domainGetJobStats,
  domainGetState,
  domainHasCurrentSnapshot,
  DomainJobOperation,
  DomainJobStat,
  DomainJobStatsFlag,
  DomainJobType,
  domainListAllSnapshots,
  domainRevertToSnapshot,
  domainSnapshotCreateXml,
  DomainSnapshotCreateFlag,
  domainSnapshotCurrent,
  domainSnapshotDelete,
  DomainSnapshotDeleteFlag,
  domainSnapshotGetParent,
  domainSnapshotGetXmlDesc,
  DomainSnapshotXmlFlag,
  domainSnapshotHasMetadata,
  domainSnapshotIsCurrent,
  domainSnapshotListAllChildren,
  DomainSnapshotListFlag,
  domainSnapshotLookupByName,
  domainSnapshotNum,
  domainSnapshotNumChildren,
  DomainSnapshotRevertFlag,
  DomainState,
  ErrorCode,
  paramRecord,
  type DomainSnapshot,
} from '../../../src/libvirt/index.ts';
import type { GuestShell } from '../../../src/lab/guest/guest-shell.ts';
import type { LabHost } from '../../lab/lab-host.ts';
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
  shellOf,
  startJobGuest,
  type JobGuest,
} from './job-guest.ts';

/** The first libvirt that goes back to snapshots outside the image. */
const EXTERNAL_REVERT = 9_009_000;
/** The first that deletes them. */
const EXTERNAL_DELETE = 9_000_000;

describe('snapshots of a guest, through a real libvirtd', { skip, concurrency: false }, () => {
  let lab: LabHost;
  let guest: JobGuest;
  let shell: GuestShell;

  before(async () => {
    lab = await guestDaemon();
    const disk = await makeImage(lab, 'first.qcow2', ['-f', 'qcow2'], '16M');
    guest = await startJobGuest(lab, 'states', diskXml(disk, 'qcow2', 'vda'));
    shell = guest.shell;
  });
  after(async () => {
    await shell.close();
    await guest[Symbol.asyncDispose]();
  });

  const take = async (xmlDesc: string, flags = 0): Promise<DomainSnapshot> => {
    const args = { dom: guest.dom, xmlDesc, flags };
    return (await guest.connection.call(domainSnapshotCreateXml, args, WAIT)).snap;
  };
  const named = async (name: string): Promise<DomainSnapshot> => {
    const args = { dom: guest.dom, name };
    return (await guest.connection.call(domainSnapshotLookupByName, args, WAIT)).snap;
  };
  const said = async (expression: string): Promise<unknown> =>
    askPython(lab.uri, `dom = conn.lookupByName('states'); answer = ${expression}`);
  /** One word in the guest's memory and one on its disk. */
  const set = async (word: string): Promise<string> =>
    inGuest(
      shell,
      `echo ${word} >/tmp/word; echo ${word} | dd of=/dev/vda bs=1M conv=notrunc 2>/dev/null; sync`,
    );
  const words = async (): Promise<string> => {
    await inGuest(shell, 'echo 3 >/proc/sys/vm/drop_caches');
    return inGuest(shell, 'cat /tmp/word; head -n 1 /dev/vda');
  };

  test('hold memory and disks, and the guest goes back to both', async () => {
    const { connection, dom } = guest;
    await assert.rejects(
      connection.call(domainSnapshotCurrent, { dom }, WAIT),
      refusedWith(ErrorCode.noDomainSnapshot),
    );
    const none = await connection.call(domainHasCurrentSnapshot, { dom }, WAIT);
    assert.deepEqual(none, { result: false });
    await set('before');
    const xml =
      '<domainsnapshot><name>clean</name><description>größer</description></domainsnapshot>';
    const snap = await take(xml, DomainSnapshotCreateFlag.validate);
    assert.deepEqual(snap, { name: 'clean', dom: { ...dom, id: snap.dom.id } });
    await set('after');
    const feed = await connection.subscribe(DomainEvent.lifecycle, { object: dom }, WAIT);
    await shell.close();
    await connection.call(domainRevertToSnapshot, { snap }, WAIT);
    const { started, resumed } = DomainEventType;
    // libvirt 7.0 loads it into the QEMU that runs, newer ones into a new one.
    const back = await nextEvent(feed, ({ event }) => event === started || event === resumed);
    const { detail } = back;
    assert.equal(
      detail,
      back.event === started
        ? DomainEventStartedDetail.fromSnapshot
        : DomainEventResumedDetail.fromSnapshot,
    );
    shell = await shellOf(lab.uri, 'states');
    assert.equal(await words(), 'before\nbefore');
  });

  test('form a tree that is told as libvirt tells it', async () => {
    const { connection, dom } = guest;
    await set('later');
    const second = await take('<domainsnapshot><name>second</name></domainsnapshot>');
    const clean = await named('clean');
    const { roots, leaves, internal, external, topological } = DomainSnapshotListFlag;
    const list = async (flags: number): Promise<readonly string[]> => {
      const { snapshots } = await connection.call(domainListAllSnapshots, { dom, flags }, WAIT);
      return snapshots.map(({ name }) => name);
    };
    const count = async (flags: number): Promise<number> =>
      (await connection.call(domainSnapshotNum, { dom, flags }, WAIT)).num;
    const ours = {
      all: await list(topological),
      roots: await list(roots),
      leaves: await list(leaves),
      external: await list(external),
      num: [await count(0), await count(internal), await count(external)],
      children: (
        await connection.call(domainSnapshotListAllChildren, { snapshot: clean }, WAIT)
      ).snapshots.map(({ name }) => name),
      numChildren: (await connection.call(domainSnapshotNumChildren, { snap: clean }, WAIT)).num,
      parent: (await connection.call(domainSnapshotGetParent, { snap: second }, WAIT)).snap.name,
      current: (await connection.call(domainSnapshotCurrent, { dom }, WAIT)).snap.name,
      hasCurrent: (await connection.call(domainHasCurrentSnapshot, { dom }, WAIT)).result,
      isCurrent: [
        (await connection.call(domainSnapshotIsCurrent, { snap: clean }, WAIT)).current,
        (await connection.call(domainSnapshotIsCurrent, { snap: second }, WAIT)).current,
      ],
      metadata: (await connection.call(domainSnapshotHasMetadata, { snap: clean }, WAIT)).metadata,
      xml: (await connection.call(domainSnapshotGetXmlDesc, { snap: clean }, WAIT)).xml,
    };
    const theirs = await askPython(
      lab.uri,
      `
dom = conn.lookupByName('states')
clean = dom.snapshotLookupByName('clean')
second = dom.snapshotLookupByName('second')
names = lambda snapshots: [one.getName() for one in snapshots]
answer = {
  'all': names(dom.listAllSnapshots(libvirt.VIR_DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL)),
  'roots': names(dom.listAllSnapshots(libvirt.VIR_DOMAIN_SNAPSHOT_LIST_ROOTS)),
  'leaves': names(dom.listAllSnapshots(libvirt.VIR_DOMAIN_SNAPSHOT_LIST_LEAVES)),
  'external': names(dom.listAllSnapshots(libvirt.VIR_DOMAIN_SNAPSHOT_LIST_EXTERNAL)),
  'num': [dom.snapshotNum(), dom.snapshotNum(256), dom.snapshotNum(512)],
  'children': names(clean.listAllChildren()),
  'numChildren': clean.numChildren(),
  'parent': second.getParent().getName(),
  'current': dom.snapshotCurrent().getName(),
  'hasCurrent': bool(dom.hasCurrentSnapshot()),
  'isCurrent': [bool(clean.isCurrent()), bool(second.isCurrent())],
  'metadata': bool(clean.hasMetadata()),
  'xml': clean.getXMLDesc(),
}`,
    );
    assert.deepEqual(ours, theirs);
    assert.deepEqual(ours.all, ['clean', 'second']);
    assert.match(ours.xml, /größer/);
    await assert.rejects(
      connection.call(domainSnapshotGetParent, { snap: clean }, WAIT),
      refusedWith(ErrorCode.noDomainSnapshot),
    );
  });

  test('are forgotten, known again, and deleted with their children', async () => {
    const { connection, dom } = guest;
    const second = await named('second');
    const flags = DomainSnapshotXmlFlag.secure;
    const { xml } = await connection.call(domainSnapshotGetXmlDesc, { snap: second, flags }, WAIT);
    const { metadataOnly, children } = DomainSnapshotDeleteFlag;
    await connection.call(domainSnapshotDelete, { snap: second, flags: metadataOnly }, WAIT);
    await assert.rejects(named('second'), refusedWith(ErrorCode.noDomainSnapshot));
    assert.match(await qemuImg(lab, 'snapshot', '-U', '-l', 'first.qcow2'), /second/);
    const { redefine, current } = DomainSnapshotCreateFlag;
    await take(xml, redefine | current);
    assert.equal(await said('dom.snapshotCurrent().getName()'), 'second');
    const paused = DomainSnapshotRevertFlag.paused;
    await shell.close();
    await connection.call(domainRevertToSnapshot, { snap: second, flags: paused }, WAIT);
    const { state } = await connection.call(domainGetState, { dom }, WAIT);
    assert.equal(state, DomainState.paused);
    const running = DomainSnapshotRevertFlag.running;
    await connection.call(domainRevertToSnapshot, { snap: second, flags: running }, WAIT);
    shell = await shellOf(lab.uri, 'states');
    assert.equal(await words(), 'later\nlater');
    const clean = await named('clean');
    await connection.call(domainSnapshotDelete, { snap: clean, flags: children }, WAIT);
    assert.deepEqual(await said('dom.snapshotListNames()'), []);
    assert.doesNotMatch(await qemuImg(lab, 'snapshot', '-U', '-l', 'first.qcow2'), /second/);
  });

  test('outside the image are merged into it when they are deleted', async (t) => {
    if (guest.connection.libVersion < EXTERNAL_DELETE) return t.skip('needs: libvirt 9.0');
    const { connection } = guest;
    const { diskOnly, atomic } = DomainSnapshotCreateFlag;
    const disks = `<disks><disk name='vda'><source file='${lab.images.inside}/second.qcow2'/></disk></disks>`;
    const snap = await take(
      `<domainsnapshot><name>outside</name>${disks}</domainsnapshot>`,
      diskOnly | atomic,
    );
    if (connection.libVersion < EXTERNAL_REVERT) {
      await assert.rejects(
        connection.call(domainRevertToSnapshot, { snap }, WAIT),
        refusedWith(ErrorCode.configUnsupported),
      );
    }
    await set('merged');
    const sum = await diskSum(shell, 'vda');
    const source = `__import__('re').findall("<source file='([^']*)'", dom.XMLDesc())[0]`;
    assert.equal(await said(source), `${lab.images.inside}/second.qcow2`);
    await connection.call(domainSnapshotDelete, { snap }, WAIT);
    assert.equal(await said(source), `${lab.images.inside}/first.qcow2`);
    await assert.rejects(stat(join(lab.images.outside, 'second.qcow2')), { code: 'ENOENT' });
    assert.equal(await diskSum(shell, 'vda'), sum);
    assert.deepEqual(await said('dom.snapshotNum()'), 0);
  });

  test('outside the image hold memory too, while the guest runs', async (t) => {
    if (guest.connection.libVersion < EXTERNAL_DELETE) return t.skip('needs: libvirt 9.0');
    const { connection, dom } = guest;
    await set('kept');
    const memory = `${lab.images.inside}/memory.save`;
    const xml = `<domainsnapshot><name>whole</name><memory snapshot='external' file='${memory}'/>
<disks><disk name='vda'><source file='${lab.images.inside}/third.qcow2'/></disk></disks></domainsnapshot>`;
    const snap = await take(xml, DomainSnapshotCreateFlag.live);
    const { keepCompleted } = DomainJobStatsFlag;
    const asked = { dom, flags: DomainJobStatsFlag.completed | keepCompleted };
    const stats = await connection.call(domainGetJobStats, asked, WAIT);
    assert.equal(stats.type, DomainJobType.completed);
    const figures = paramRecord(stats.params);
    assert.equal(figures[DomainJobStat.operation], DomainJobOperation.snapshot);
    const { size } = await stat(join(lab.images.outside, 'memory.save'));
    assert.ok(Number(figures[DomainJobStat.memoryProcessed]) < size * 2 && size > 1_000_000);
    const theirs = await said('dom.jobStats(libvirt.VIR_DOMAIN_JOB_STATS_COMPLETED)');
    const asNumbers = Object.fromEntries(
      stats.params.map(({ field, value }) => [
        field,
        typeof value === 'bigint' ? Number(value) : value,
      ]),
    );
    assert.deepEqual({ ...asNumbers, type: stats.type }, theirs);
    assert.equal(await words(), 'kept\nkept', 'it has not stopped');
    await connection.call(domainSnapshotDelete, { snap }, WAIT);
    await assert.rejects(stat(join(lab.images.outside, 'third.qcow2')), { code: 'ENOENT' });
    assert.equal(await words(), 'kept\nkept');
  });
});
