import assert from 'node:assert/strict';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { downLab } from '../../../src/lab/fleet/lab.ts';
import type { GuestShell } from '../../../src/lab/guest/guest-shell.ts';
import { findNamespaceHost } from '../../../src/lab/private-host/namespace-host.ts';
import {
  domainAbortJob,
  domainCreateXml,
  DomainEvent,
  DomainEventResumedDetail,
  DomainEventSuspendedDetail,
  DomainEventType,
  domainGetJobStats,
  domainGetState,
  DomainJobOperation,
  DomainJobStat,
  DomainJobStatsFlag,
  DomainJobType,
  domainLookupByName,
  domainMigrateBegin3Params,
  domainMigrateConfirm3Params,
  domainMigrateFinish3Params,
  DomainMigrateFlag,
  domainMigrateGetCompressionCache,
  domainMigrateGetMaxDowntime,
  domainMigrateGetMaxSpeed,
  DomainMigrateMaxSpeedFlag,
  DomainMigrateParam,
  domainMigratePerform3Params,
  domainMigratePrepare3Params,
  domainMigrateSetCompressionCache,
  domainMigrateSetMaxDowntime,
  domainMigrateSetMaxSpeed,
  domainMigrateStartPostCopy,
  DomainState,
  ErrorCode,
  isLibvirtError,
  paramRecord,
  type Connection,
  type Domain,
  type TypedParam,
} from '../../../src/libvirt/index.ts';
import { bringUp, fleetSkip, labHome } from '../../lab/fleet/test-lab.ts';
import { buildTestImage } from '../../lab/lab-host.ts';
import { tinyGuestXml, until } from '../../lab/tiny-guest.ts';
import { refusedWith } from '../../refusal.ts';
import { WAIT } from '../daemon.ts';
import { askPython } from './ask-python.ts';
import { connectTo, inGuest, nextEvent, shellOf } from './job-guest.ts';

const skip = await fleetSkip();

const GUEST = 'mover';
const MIGRATION = { deadlineMs: 60_000 };
const NO_COOKIE = Buffer.alloc(0);

/** A host of the lab, reached by its socket. */
interface Side {
  readonly uri: string;
  /** Where the other host's daemon reaches it. */
  readonly way: string;
  readonly connection: Connection;
}

describe('a guest that moves between two hosts', { skip, concurrency: false }, () => {
  const home = skip === false ? labHome() : '';
  let first: Side;
  let second: Side;
  let shell: GuestShell;

  before(async () => {
    const lab = await bringUp(home, { hosts: 2 });
    const built = await buildTestImage();
    let images = { inside: '', outside: '' };
    const sides: Side[] = [];
    for (const { dir, uri, ways } of lab.hosts) {
      const host = await findNamespaceHost(dir);
      assert.ok(host);
      images = host.images;
      await copyFile(built.kernel, join(images.outside, 'vmlinuz'));
      await copyFile(built.initrd, join(images.outside, 'initrd.gz'));
      sides.push({ uri, way: ways.tls ?? '', connection: await connectTo(uri) });
    }
    [first, second] = sides as [Side, Side];
    const image = { kernel: `${images.inside}/vmlinuz`, initrd: `${images.inside}/initrd.gz` };
    // Post-copy needs a system call that the kernel may keep for root.
    const root =
      "<seclabel type='static' model='dac' relabel='yes'><label>+0:+0</label></seclabel>";
    const xmlDesc = tinyGuestXml({ image, images }, GUEST).replace('</domain>', `${root}</domain>`);
    await first.connection.call(domainCreateXml, { xmlDesc }, WAIT);
    shell = await shellOf(first.uri, GUEST);
    await inGuest(shell, 'echo carried >/tmp/word');
  });
  after(async () => {
    await shell.close();
    await Promise.all([first.connection.close(WAIT), second.connection.close(WAIT)]);
    await downLab(home, 'lab');
  });

  const said = async (side: Side, expression: string): Promise<unknown> =>
    askPython(side.uri, `dom = conn.lookupByName('${GUEST}'); answer = ${expression}`);
  const at = async (side: Side): Promise<Domain> =>
    (await side.connection.call(domainLookupByName, { name: GUEST }, WAIT)).dom;
  const gone = async (side: Side): Promise<void> =>
    assert.rejects(at(side), refusedWith(ErrorCode.noDomain));
  const move = async (
    from: Side,
    to: Side,
    extra: readonly TypedParam[],
    more = 0,
  ): Promise<object> => {
    const { live, peer2peer } = DomainMigrateFlag;
    const args = {
      dom: await at(from),
      dconnuri: to.way,
      params: extra,
      cookieIn: NO_COOKIE,
      flags: live | peer2peer | more,
    };
    return from.connection.call(domainMigratePerform3Params, args, MIGRATION);
  };
  const runsAt = async (side: Side): Promise<void> => {
    const { state } = await side.connection.call(domainGetState, { dom: await at(side) }, WAIT);
    assert.equal(state, DomainState.running);
    shell = await shellOf(side.uri, GUEST);
    assert.equal(await inGuest(shell, 'cat /tmp/word'), 'carried');
  };
  const stats = async (connection: Connection, dom: Domain, flags = 0) =>
    connection.call(domainGetJobStats, { dom, flags }, WAIT);

  /** Waits until more bytes of memory than that have been sent, and says how many. */
  const beyond = async (watcher: Connection, dom: Domain, bytes: number): Promise<number> => {
    let processed = 0;
    await until('memory on its way', 20_000, async () => {
      const { params } = await stats(watcher, dom);
      processed = Number(paramRecord(params)[DomainJobStat.memoryProcessed] ?? 0);
      return processed > bytes;
    });
    return processed;
  };

  test('has limits, which are set and read before it goes', async () => {
    const { connection } = first;
    const dom = await at(first);
    await connection.call(domainMigrateSetMaxDowntime, { dom, downtime: 450n }, WAIT);
    const downtime = await connection.call(domainMigrateGetMaxDowntime, { dom }, WAIT);
    assert.deepEqual(downtime, { downtime: 450n });
    assert.equal(await said(first, 'dom.migrateGetMaxDowntime()'), 450);
    const flags = DomainMigrateMaxSpeedFlag.postcopy;
    await connection.call(domainMigrateSetMaxSpeed, { dom, bandwidth: 7n }, WAIT);
    await connection.call(domainMigrateSetMaxSpeed, { dom, bandwidth: 9n, flags }, WAIT);
    const speed = await connection.call(domainMigrateGetMaxSpeed, { dom }, WAIT);
    const later = await connection.call(domainMigrateGetMaxSpeed, { dom, flags }, WAIT);
    assert.deepEqual([speed.bandwidth, later.bandwidth], [7n, 9n]);
    assert.deepEqual(
      await said(first, '[dom.migrateGetMaxSpeed(), dom.migrateGetMaxSpeed(1)]'),
      [7, 9],
    );
    const cacheSize = 8n * 1024n * 1024n;
    await connection.call(domainMigrateSetCompressionCache, { dom, cacheSize }, WAIT);
    const cache = await connection.call(domainMigrateGetCompressionCache, { dom }, WAIT);
    assert.deepEqual(cache, { cacheSize });
    assert.equal(await said(first, 'dom.migrateGetCompressionCache()'), Number(cacheSize));
    await assert.rejects(
      connection.call(domainMigrateStartPostCopy, { dom }, WAIT),
      refusedWith(ErrorCode.operationInvalid),
    );
  });

  test('stays when it is called back, and others have seen how far it was', async () => {
    await using watcher = await connectTo(first.uri);
    const dom = await at(first);
    const limit = { field: DomainMigrateParam.bandwidth, type: 'ullong', value: 4n } as const;
    const moving = move(first, second, [limit]);
    moving.catch(() => undefined); // it is awaited below, once it has been called back
    const before = await beyond(watcher, dom, 0);
    const { type, params } = await stats(watcher, dom);
    assert.equal(type, DomainJobType.unbounded);
    assert.equal(paramRecord(params)[DomainJobStat.operation], DomainJobOperation.migrationOut);
    const theirs = (await said(first, 'dom.jobStats()')) as Record<string, unknown>;
    const unknown = params.filter(({ field }) => !(field in theirs));
    assert.deepEqual(unknown, []);
    const total = paramRecord(params)[DomainJobStat.memoryTotal];
    assert.equal(theirs[DomainJobStat.memoryTotal], Number(total));
    await beyond(watcher, dom, before);
    await watcher.call(domainAbortJob, { dom }, WAIT);
    // Which it is depends on who notices first: the source, or the destination's QEMU.
    await assert.rejects(moving, (error) =>
      [ErrorCode.operationAborted, ErrorCode.internalError].some((code) =>
        isLibvirtError(error, code),
      ),
    );
    assert.equal(await inGuest(shell, 'cat /tmp/word'), 'carried');
    await gone(second);
  });

  test('goes in one call, faster once it is told to, and is told of on both sides', async () => {
    await using leaves = await first.connection.subscribe(DomainEvent.jobCompleted, {}, WAIT);
    await using comes = await second.connection.subscribe(DomainEvent.lifecycle, {}, WAIT);
    await using watcher = await connectTo(first.uri);
    const dom = await at(first);
    await shell.close();
    const limit = { field: DomainMigrateParam.bandwidth, type: 'ullong', value: 2n } as const;
    const moving = move(first, second, [limit]);
    await beyond(watcher, dom, 0);
    await watcher.call(domainMigrateSetMaxSpeed, { dom, bandwidth: 1000n }, WAIT);
    const { cookieOut } = (await moving) as { cookieOut: Uint8Array };
    assert.equal(cookieOut.length, 0);
    const figures = paramRecord((await leaves.take(WAIT)).params);
    assert.equal(figures[DomainJobStat.operation], DomainJobOperation.migrationOut);
    assert.ok(Number(figures[DomainJobStat.downtime]) < 60_000);
    const { resumed } = DomainEventType;
    const event = await nextEvent(comes, (event) => event.event === resumed);
    assert.equal(event.detail, DomainEventResumedDetail.migrated);
    const { completed, keepCompleted } = DomainJobStatsFlag;
    const there = await stats(second.connection, event.dom, completed | keepCompleted);
    assert.equal(there.type, DomainJobType.completed);
    const theirs = (await said(second, 'dom.jobStats(1)')) as Record<string, unknown>;
    assert.equal(theirs[DomainJobStat.operation], DomainJobOperation.migrationIn);
    assert.deepEqual(
      ['type', ...there.params.map(({ field }) => field)].toSorted(),
      Object.keys(theirs).toSorted(),
    );
    await gone(first);
    await runsAt(second);
  });

  /** What the client does where no daemon is to reach another: phase by phase. */
  test('goes in five phases that the client drives, or is called back between them', async () => {
    const [from, to] = [second.connection, first.connection];
    const dom = await at(second);
    const flags = DomainMigrateFlag.live | DomainMigrateFlag.changeProtection;
    const begin = async () => {
      const begun = await from.call(domainMigrateBegin3Params, { dom, params: [], flags }, WAIT);
      assert.match(begun.xml, new RegExp(`<name>${GUEST}</name>`));
      const text = (field: string, value: string): TypedParam => ({ field, type: 'string', value });
      const params = [
        text(DomainMigrateParam.destName, GUEST),
        text(DomainMigrateParam.destXml, begun.xml),
      ];
      const waiting = { params, cookieIn: begun.cookieOut, flags };
      const prepared = await to.call(domainMigratePrepare3Params, waiting, WAIT);
      assert.match(prepared.uriOut ?? '', /^tcp:/);
      const uri = text(DomainMigrateParam.uri, prepared.uriOut ?? '');
      return { params: [...params, uri], cookieIn: prepared.cookieOut };
    };
    const calledBack = { ...(await begin()), cookieIn: NO_COOKIE, flags, cancelled: true };
    await assert.rejects(
      to.call(domainMigrateFinish3Params, calledBack, WAIT),
      refusedWith(ErrorCode.migrateFinishOk),
    );
    await from.call(domainMigrateConfirm3Params, { dom, ...calledBack }, WAIT);
    await gone(first);
    await shell.close();
    await runsAt(second);

    await shell.close();
    const { params, cookieIn } = await begin();
    const perform = { dom, params, cookieIn, flags };
    const performed = await from.call(domainMigratePerform3Params, perform, MIGRATION);
    const finish = { params, cookieIn: performed.cookieOut, flags, cancelled: false };
    const finished = await to.call(domainMigrateFinish3Params, finish, WAIT);
    assert.equal(finished.dom.uuid, dom.uuid);
    const confirm = { dom, params, cookieIn: finished.cookieOut, flags, cancelled: false };
    await from.call(domainMigrateConfirm3Params, confirm, WAIT);
    await gone(second);
    await runsAt(first);
    assert.deepEqual(await said(first, 'dom.state()[0]'), DomainState.running);
  });

  test('goes ahead of its memory, which follows', async () => {
    await using watcher = await connectTo(first.uri);
    await using leaves = await watcher.subscribe(DomainEvent.lifecycle, {}, WAIT);
    await using comes = await second.connection.subscribe(DomainEvent.lifecycle, {}, WAIT);
    const dom = await at(first);
    await shell.close();
    const limit = { field: DomainMigrateParam.bandwidth, type: 'ullong', value: 2n } as const;
    const moving = move(first, second, [limit], DomainMigrateFlag.postcopy);
    moving.catch(() => undefined);
    await beyond(watcher, dom, 0);
    await watcher.call(domainMigrateStartPostCopy, { dom }, WAIT);
    await moving;
    const { postcopy } = DomainEventSuspendedDetail;
    const { suspended, resumed } = DomainEventType;
    const there = DomainEventResumedDetail.postcopy;
    await nextEvent(leaves, ({ event, detail }) => event === suspended && detail === postcopy);
    await nextEvent(comes, ({ event, detail }) => event === resumed && detail === there);
    await gone(first);
    await runsAt(second);
  });
});
