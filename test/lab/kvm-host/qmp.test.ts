import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isBerthError } from '../../../src/base/errors.ts';
import { LINE_BYTES_MAX } from '../../../src/lab/kvm-host/json-channel.ts';
import { EMULATOR } from '../../../src/lab/kvm-host/machine-process.ts';
import { Qmp } from '../../../src/lab/kvm-host/qmp.ts';
import { missingPrograms } from '../../../src/lab/system/system-path.ts';
import { until } from '../tiny-guest.ts';

const missing = await missingPrograms([EMULATOR]);
const WAIT = { deadlineMs: 10_000 };

describe("QEMU's monitor", { skip: missing.length > 0 && `needs: ${EMULATOR}` }, () => {
  let dir = '';
  let emulator: ChildProcess;

  before(async () => {
    // Longer than the path of a socket may be.
    dir = await mkdtemp(join(tmpdir(), `berth-qmp-${'x'.repeat(120)}-`));
    const argv = ['-S', '-machine', 'none', '-nodefaults', '-display', 'none'];
    const monitor = ['-qmp', 'unix:monitor,server=on,wait=off'];
    emulator = spawn(EMULATOR, [...argv, ...monitor], { cwd: dir, stdio: 'inherit' });
    await until('the monitor', 30_000, async () => canConnect(dir));
  });

  after(async () => {
    emulator.kill();
    await once(emulator, 'exit');
    await rm(dir, { recursive: true });
  });

  test('answers commands, and says what it refuses', async () => {
    const qmp = await Qmp.connect(dir, 'monitor');
    const status = await qmp.execute('query-status', {}, WAIT);
    assert.deepEqual(status, { running: false, singlestep: false, status: 'prelaunch' });
    await assert.rejects(
      qmp.execute('device_add', { driver: 'no-such-device' }, WAIT),
      (error) =>
        isBerthError(error, 'BERTH_HYPERVISOR_FAILED') && error.message.includes('no-such-device'),
    );
    qmp.close();
  });

  test('tells events that came before anybody waited for them', async () => {
    const qmp = await Qmp.connect(dir, 'monitor');
    await qmp.execute('cont', {}, WAIT);
    await qmp.execute('stop', {}, WAIT);
    assert.deepEqual(await qmp.event('STOP', () => true, WAIT), {});
    const never = qmp.event('STOP', () => true, { deadlineMs: 50 });
    await assert.rejects(never, (error) => isBerthError(error, 'BERTH_DEADLINE'));
    qmp.close();
  });
});

describe('a monitor that fails', () => {
  test('ends what is waited for when it goes away', async () => {
    await using fake = await fakeMonitor((socket, command) => {
      if (command === 'qmp_capabilities') socket.write('{"return": {}}\n');
      else socket.destroy();
    });
    const qmp = await Qmp.connect(fake.dir, 'monitor');
    for (const command of ['stop', 'cont']) {
      await assert.rejects(qmp.execute(command, {}, WAIT), (error) =>
        isBerthError(error, 'BERTH_CONNECTION_CLOSED'),
      );
    }
  });

  test('is given up when it says what is not its protocol, or too much', async () => {
    const endless = 'x'.repeat(LINE_BYTES_MAX + 1);
    for (const [said, code] of [
      ['[not json\n', 'BERTH_CONNECTION_CLOSED'],
      ['7\n', 'BERTH_CONNECTION_CLOSED'],
      [endless, 'BERTH_TOO_LARGE'],
    ] as const) {
      await using fake = await fakeMonitor((socket) => void socket.write(said));
      await assert.rejects(Qmp.connect(fake.dir, 'monitor'), (error) => isBerthError(error, code));
    }
  });

  test('that never answers is given up at the deadline, or when that is wanted', async () => {
    await using fake = await fakeMonitor((socket, command) => {
      if (command === 'qmp_capabilities') socket.write('{"return": {}}\n');
    });
    const qmp = await Qmp.connect(fake.dir, 'monitor');
    await assert.rejects(qmp.execute('stop', {}, { deadlineMs: 20 }), (error) =>
      isBerthError(error, 'BERTH_DEADLINE'),
    );
    const signal = AbortSignal.timeout(20);
    await assert.rejects(qmp.execute('stop', {}, { ...WAIT, signal }), (error) =>
      isBerthError(error, 'BERTH_INTERRUPTED'),
    );
    qmp.close();
  });
});

async function canConnect(dir: string): Promise<boolean> {
  try {
    (await Qmp.connect(dir, 'monitor')).close();
    return true;
  } catch (error) {
    if (isBerthError(error, 'BERTH_CONNECTION_CLOSED')) return false;
    throw error;
  }
}

/** A monitor that greets, and does with each command what a test says. */
async function fakeMonitor(
  answer: (socket: Socket, command: string) => void,
): Promise<AsyncDisposable & { readonly dir: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'berth-qmp-'));
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.write('{"QMP": {"version": {}, "capabilities": []}}\n');
    socket.on('data', (chunk: Buffer) => {
      const { execute } = JSON.parse(chunk.toString()) as { execute: string };
      answer(socket, execute);
    });
  });
  server.listen(join(dir, 'monitor'));
  await once(server, 'listening');
  return {
    dir,
    [Symbol.asyncDispose]: async (): Promise<void> => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
      await rm(dir, { recursive: true });
    },
  };
}
