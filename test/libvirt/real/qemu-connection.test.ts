import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { describe, test, type TestContext } from 'node:test';
import {
  connectGetHostname,
  connectListAllDomains,
  domainCreateXml,
  domainDestroyFlags,
  domainDefineXmlFlags,
  DomainEvent,
  domainOpenConsole,
  domainResume,
  domainSuspend,
  domainUndefineFlags,
  lastingConnection,
  domainMonitorCommand,
  type LastingConnection,
  type LastingOptions,
  type LinkState,
} from '../../../src/libvirt/index.ts';
import { isBerthError } from '../../../src/base/errors.ts';
import { WINDOW } from '../../../src/libvirt/rpc/call-table.ts';
import { daemon, daemonPid, emptyGuestXml, open, skip, uriOf, WAIT } from '../daemon.ts';
import { coded } from '../../refusal.ts';

/** A lasting connection of a test to the QEMU driver, with every state that it went through. */
async function lasting(t: TestContext, options: Partial<LastingOptions> = {}) {
  const states: LinkState[] = [];
  const watchers: (() => void)[] = [];
  const connection = lastingConnection(await uriOf('qemu'), {
    environment: { uid: 0 },
    random: Math.random,
    onState: (state) => {
      states.push(state);
      for (const watcher of watchers.splice(0)) watcher();
    },
    ...options,
  });
  t.after(() => connection.close(WAIT));
  const reached = async (phase: LinkState['phase'], times: number): Promise<void> => {
    while (states.filter((state) => state.phase === phase).length < times) {
      await new Promise<void>((resolve) => watchers.push(resolve));
    }
  };
  return { connection, states, reached };
}

async function killDaemon(): Promise<void> {
  process.kill(await daemonPid(), 'SIGKILL');
}

/** The QEMU process of a guest, as seen from here. */
async function guestPid(name: string): Promise<number> {
  for (const entry of await readdir('/proc')) {
    const line = await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '');
    if (line.startsWith('/usr/bin/qemu-system') && line.includes(`guest=${name},`)) {
      return Number(entry);
    }
  }
  throw new Error(`no QEMU runs ${name}`);
}

async function startGuest(connection: Pick<LastingConnection, 'call'>, name: string) {
  const { dom } = await connection.call(domainCreateXml, { xmlDesc: emptyGuestXml(name) }, WAIT);
  return dom;
}

describe('a lasting connection to a real daemon', { skip, concurrency: false }, () => {
  test('comes back when libvirtd was killed, with its subscription and the calls made meanwhile', async (t) => {
    let readings = 0;
    const { connection, reached } = await lasting(t, {
      resync: async (there, wait) => {
        await there.call(connectListAllDomains, {}, wait);
        readings++;
      },
    });
    const feed = await connection.subscribe(DomainEvent.lifecycle, {}, WAIT);
    await reached('open', 1);
    const xml = emptyGuestXml('before');
    const { dom } = await connection.call(domainDefineXmlFlags, { xml }, WAIT);
    assert.equal((await feed.take(WAIT)).dom.name, 'before');
    await killDaemon();
    await reached('away', 1);
    const { hostname } = await connection.call(connectGetHostname, {}, WAIT);
    assert.equal(hostname, (await daemon()).name);
    await assert.rejects(feed.take(WAIT), coded('BERTH_EVENTS_MISSED'));
    await connection.call(domainUndefineFlags, { dom }, WAIT);
    assert.equal((await feed.take(WAIT)).event, 1);
    assert.equal(readings, 2);
  });

  test('never sends a call twice, however often the daemon is killed under it', async (t) => {
    const backoff = { firstMs: 50, longestMs: 100, steadyMs: 5000 };
    const { connection, reached } = await lasting(t, { backoff });
    let made = 0;
    let goal = 20;
    let busy = Promise.withResolvers<void>();
    let unknown = 0;
    const over = new AbortController();
    const calling = async (worker: number): Promise<void> => {
      for (let i = 0; !over.signal.aborted; i++) {
        const xml = emptyGuestXml(`once-${worker}-${i}`);
        try {
          await connection.call(domainDefineXmlFlags, { xml }, WAIT);
          if (++made >= goal) busy.resolve();
        } catch (error) {
          coded('BERTH_OUTCOME_UNKNOWN')(error);
          unknown++;
        }
      }
    };
    const killing = (async () => {
      for (const time of [1, 2, 3]) {
        await reached('open', time);
        await busy.promise;
        await killDaemon();
        goal = made + 20;
        busy = Promise.withResolvers<void>();
      }
      await reached('open', 4);
      over.abort();
    })();
    await Promise.all([killing, ...Array.from({ length: 6 }, async (_, i) => calling(i))]);
    const { domains } = await connection.call(connectListAllDomains, {}, WAIT);
    const there = domains.filter(({ name }) => name.startsWith('once-'));
    assert.ok(there.length >= made && there.length <= made + unknown, `${there.length} of ${made}`);
    for (const dom of there) await connection.call(domainUndefineFlags, { dom }, WAIT);
  });

  test('is replaced when the monitors of hung guests hold all its calls, and its console goes on', async (t) => {
    const { connection, states, reached } = await lasting(t);
    const dom = await startGuest(connection, 'hung');
    const other = await startGuest(connection, 'fine');
    const { stream } = await connection.openStream(domainOpenConsole, { dom: other }, WAIT);
    stream.resume();
    const pid = await guestPid('hung');
    process.kill(pid, 'SIGSTOP');
    try {
      const ask = { dom, cmd: '{"execute":"query-status"}', flags: 0 };
      const stuck = Array.from({ length: WINDOW }, async () =>
        connection.call(domainMonitorCommand, ask, { deadlineMs: 300 }),
      );
      for (const one of await Promise.allSettled(stuck)) assert.equal(one.status, 'rejected');
      await reached('open', 2);
      const away = states.find(({ phase }) => phase === 'away');
      assert.ok(away?.phase === 'away');
      coded('BERTH_CONNECTION_CLOSED', /callers of all 4 calls/)(away.error);
      await connection.call(connectGetHostname, {}, { deadlineMs: 2000 });
      await connection.call(domainSuspend, { dom: other }, { deadlineMs: 5000 });
      await connection.call(domainResume, { dom: other }, { deadlineMs: 5000 });
      assert.equal(stream.destroyed, false);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    const closed = once(stream, 'close');
    stream.end();
    await closed;
    for (const one of [dom, other]) await connection.call(domainDestroyFlags, { dom: one }, WAIT);
  });
});

describe('a connection to a real daemon', { skip, concurrency: false }, () => {
  test('uses one connection again for streams that follow each other', async (t) => {
    const connection = await open(t, 'qemu');
    const dom = await startGuest(connection, 'streams');
    const before = await clients();
    for (let round = 0; round < 5; round++) {
      const { stream } = await connection.openStream(domainOpenConsole, { dom }, WAIT);
      stream.resume();
      const closed = once(stream, 'close');
      stream.end();
      await closed;
    }
    assert.equal((await clients()) - before, 1);
    await connection.call(domainDestroyFlags, { dom }, WAIT);
  });

  test('answers calls while events come in masses and are answered by calls', async (t) => {
    const connection = await open(t, 'test');
    const feed = await connection.subscribe(DomainEvent.lifecycle, {}, WAIT);
    const { domains } = await connection.call(connectListAllDomains, {}, WAIT);
    const [dom] = domains;
    assert.ok(dom !== undefined);
    const rounds = 300;
    const changing = (async () => {
      for (let i = 0; i < rounds; i++) {
        await connection.call(domainSuspend, { dom }, WAIT);
        await connection.call(domainResume, { dom }, WAIT);
      }
    })();
    let seen = 0;
    while (seen < 2 * rounds) {
      await feed.take(WAIT);
      await connection.call(connectGetHostname, {}, WAIT);
      seen++;
    }
    await changing;
  });

  test('ends at once when its daemon is killed, with everything that waits', async (t) => {
    const connection = await open(t, 'test');
    const feed = await connection.subscribe(DomainEvent.lifecycle, {}, WAIT);
    const reading = feed.take(WAIT);
    const since = performance.now();
    const failed = assert.rejects(reading, (error) => isBerthError(error));
    await killDaemon();
    await failed;
    await assert.rejects(connection.call(connectGetHostname, {}, WAIT), (error) =>
      isBerthError(error, 'BERTH_CONNECTION_CLOSED'),
    );
    assert.ok(performance.now() - since < 5000);
  });
});

/** Connections that the daemon has open, counted by its sockets. */
async function clients(): Promise<number> {
  const fds = await readdir(`/proc/${await daemonPid()}/fd`);
  return fds.length;
}
