import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { berthError } from '../../src/base/errors.ts';
import type { LocalMachine, UpOptions } from '../../src/cli/ports.ts';
import { ApiServer } from './api-server.ts';
import { runLine } from './run-line.ts';
import { fleetRoutes } from './world.ts';

const RESULT = { hostName: 'kvm1', vm: 'db1', changed: true };

/** An `up` that goes through every kind of line. */
async function everyLine(options: UpOptions): Promise<typeof RESULT> {
  const { progress, yes } = options;
  progress.begin('packages', 'packages');
  if (
    !yes &&
    !(await options.confirm('install 2 packages?', ['qemu-system-x86', 'libvirt-daemon']))
  ) {
    throw berthError('BERTH_PACKAGES_NEEDED', {
      packages: ['qemu-system-x86'],
      remedy: 'install them by hand',
    });
  }
  progress.detail('packages', 'unpacking qemu-system-x86');
  progress.done('packages', '2 installed');
  progress.begin('kvm', 'acceleration');
  progress.warn('no vmx or svm here: guests are emulated');
  progress.skip('kvm', 'not possible here');
  progress.begin('server', 'server \u001b[2J');
  progress.done('server');
  return RESULT;
}

test('up tells its lines on standard error and ends with the map and what to try', async () => {
  await using server = await ApiServer.start(fleetRoutes());
  const ran = await runLine(['up', '--yes'], {
    socket: server.socket,
    local: { up: everyLine },
  });
  assert.equal(ran.status, 0);
  assert.equal(
    ran.stderr,
    [
      '[..] packages',
      '[ok] packages (2 installed)',
      '[..] acceleration',
      '[!!] no vmx or svm here: guests are emulated',
      '[--] acceleration (not possible here)',
      '[..] server \\x1b[2J',
      '[ok] server \\x1b[2J',
      '',
    ].join('\n'),
  );
  assert.match(ran.stdout, /host kvm1/);
  assert.match(ran.stdout, /db1 is running on kvm1 \(kvm\)/);
  assert.match(ran.stdout, /cell 0 {3}0 \[1\]\[2\] 3 /);
  assert.match(ran.stdout, /try next:\n {2}berth vm console db1/);
});

test('up --verbose shows each detail as a line of its own', async () => {
  await using server = await ApiServer.start(fleetRoutes());
  const ran = await runLine(['up', '--yes', '--verbose'], {
    socket: server.socket,
    local: { up: everyLine },
    terminal: 80,
  });
  assert.match(ran.stderr, /\n {5} packages: unpacking qemu-system-x86\n/);
});

test('up --json prints one document, and the lines stay on standard error', async () => {
  await using server = await ApiServer.start(fleetRoutes());
  const ran = await runLine(['up', '--yes', '--json'], {
    socket: server.socket,
    local: { up: everyLine },
  });
  const document = JSON.parse(ran.stdout) as { hostName: string; vm: { name: string } };
  assert.equal(document.hostName, 'kvm1');
  assert.equal(document.vm.name, 'db1');
});

test('up passes on how guests are to run', async () => {
  await using server = await ApiServer.start(fleetRoutes());
  const seen: (string | undefined)[] = [];
  const up: LocalMachine['up'] = (options) => {
    seen.push(options.accel);
    return Promise.resolve(RESULT);
  };
  await runLine(['up', '--accel', 'tcg'], { socket: server.socket, local: { up } });
  await runLine(['up'], { socket: server.socket, local: { up } });
  assert.deepEqual(seen, ['tcg', undefined]);
});

test('a second up says that nothing changed', async () => {
  await using server = await ApiServer.start(fleetRoutes());
  const up: LocalMachine['up'] = () => Promise.resolve({ ...RESULT, changed: false });
  const ran = await runLine(['up'], { socket: server.socket, local: { up } });
  assert.match(ran.stdout, /everything was up already; nothing changed/);
});

test('up asks the person at the terminal and shows what it is about', async () => {
  await using server = await ApiServer.start(fleetRoutes());
  for (const [answer, status] of [
    ['y', 0],
    ['n', 1],
    ['', 1],
  ] as const) {
    const keyboard = Object.assign(new PassThrough(), { isTTY: true });
    const ran = await runLine(['up'], {
      socket: server.socket,
      local: { up: everyLine },
      input: keyboard,
      terminal: 80,
      onStderr: (text) => {
        if (text.endsWith('[y/N] ')) keyboard.write(`${answer}\n`);
      },
    });
    assert.equal(ran.status, status);
    assert.match(ran.stderr, / {2}qemu-system-x86\n {2}libvirt-daemon\n/);
    if (status === 1) assert.match(ran.stderr, /\[!!\] packages\n/);
  }
});

test('up without a terminal refuses to guess and names --yes', async () => {
  const ran = await runLine(['up'], { socket: '/nonexistent', local: { up: everyLine } });
  assert.equal(ran.status, 2);
  assert.match(ran.stderr, /nobody is here to ask: install 2 packages\?\n {2}.*--yes/);
});

test('a line that is open when up fails is marked, with what it was doing', async () => {
  const up: LocalMachine['up'] = ({ progress }) => {
    progress.begin('hypervisor', 'hypervisor');
    progress.detail('hypervisor', 'waiting for its socket');
    const problem = 'libvirtd ended at once';
    return Promise.reject(berthError('BERTH_HYPERVISOR_FAILED', { problem, log: '/x/log' }));
  };
  const ran = await runLine(['up'], { socket: '/nonexistent', local: { up } });
  assert.equal(ran.status, 1);
  assert.equal(
    ran.stderr,
    '[..] hypervisor\n[!!] hypervisor: waiting for its socket\n' +
      'berth: libvirtd ended at once\n  its log: /x/log\n',
  );
});

test('down says where the state stays, and when nothing was up', async () => {
  let changed = true;
  const down: LocalMachine['down'] = () => Promise.resolve({ changed });
  const options = { socket: '/nonexistent', local: { down } };
  const kept = 'everything is down; its state stays in /var/lib/berth\n';
  assert.equal((await runLine(['down'], options)).stdout, kept);
  assert.equal((await runLine(['down', '--purge'], options)).stdout, 'everything is down\n');
  changed = false;
  assert.equal((await runLine(['down'], options)).stdout, 'nothing was up; nothing changed\n');
  const { stdout } = await runLine(['down', '--json'], options);
  assert.deepEqual(JSON.parse(stdout), { changed: false, purged: false });
});

test('down passes on what to remove and whether to ask, and asks when told to', async () => {
  const seen: (readonly [boolean, boolean])[] = [];
  const down: LocalMachine['down'] = async (options) => {
    seen.push([options.purge, options.yes]);
    if (!options.yes) await options.confirm('delete it all?', ['/var/lib/berth']);
    return { changed: true };
  };
  const options = { socket: '/nonexistent', local: { down } };
  const unasked = await runLine(['down', '--purge'], options);
  assert.equal(unasked.status, 2);
  assert.match(unasked.stderr, /nobody is here to ask: delete it all\?/);
  await runLine(['down', '--purge', '--yes'], options);
  assert.deepEqual(seen, [
    [true, false],
    [true, true],
  ]);
});
