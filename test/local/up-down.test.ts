import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isBerthError } from '../../src/base/errors.ts';
import { stopNamespaceHost } from '../../src/lab/private-host/namespace-host.ts';
import { down } from '../../src/local/down.ts';
import type { UpProgress } from '../../src/local/progress.ts';
import { up, type UpOptions } from '../../src/local/up.ts';
import { labSkip } from '../lab/lab-host.ts';
import { OTHER_USER, otherUserUnmetNeed } from '../lab/other-user.ts';
import { virsh } from '../lab/tiny-guest.ts';
import { seedState } from './seed-state.ts';
import { stubPort, STUB_COMMAND } from './stub-port.ts';

const RUN_UP = fileURLToPath(new URL('run-up.ts', import.meta.url));
/** An ordinary user. */
const skip = await labSkip();

const homes: string[] = [];
after(async () => {
  for (const home of homes) await endWhatRuns(home);
});

/** A path for a state folder; what runs there at the end of the tests is ended. */
async function newHome(): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'berth-up-'));
  homes.push(join(parent, 'home'));
  return join(parent, 'home');
}

async function homeWithImage(images?: string): Promise<string> {
  const home = await newHome();
  await seedState(home, images);
  return home;
}

async function endWhatRuns(home: string): Promise<void> {
  for (const pid of await processesOf(home)) process.kill(pid, 'SIGKILL');
  await stopNamespaceHost(join(home, 'hypervisor'));
  await rm(join(home, '..'), { recursive: true, force: true });
}

/** Processes outside the hypervisor that belong to a state folder: the server. */
async function processesOf(home: string): Promise<readonly number[]> {
  const found: number[] = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    const here = [`BERTH_HOME=${home}\0`, `BERTH_DIR=${home}/hypervisor\0`];
    if (here.some((text) => environment.includes(text))) found.push(Number(pid));
  }
  return found;
}

/** The outermost process of a hypervisor sees a moment later than others that all has ended. */
async function assertNoProcess(home: string): Promise<void> {
  const end = performance.now() + 5_000;
  while ((await processesOf(home)).length > 0 && performance.now() < end) await delay(10);
  assert.deepEqual(await processesOf(home), []);
}

async function mountsOf(home: string): Promise<readonly string[]> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  return mounts.split('\n').filter((line) => line.includes(home));
}

interface Shown {
  readonly lines: string[];
  readonly progress: UpProgress;
}

function listener(onBegin: (id: string) => void = () => undefined): Shown {
  const lines: string[] = [];
  return {
    lines,
    progress: {
      begin: (id) => onBegin(id),
      detail: () => undefined,
      done: (id) => lines.push(`done ${id}`),
      skip: (id) => lines.push(`skip ${id}`),
      warn: (text) => lines.push(`warn ${text}`),
    },
  };
}

function upOptions(home: string, more: Partial<UpOptions> = {}): UpOptions {
  return {
    home,
    yes: true,
    accel: 'tcg',
    confirm: async () => Promise.resolve(false),
    progress: listener().progress,
    signal: new AbortController().signal,
    serverCommand: STUB_COMMAND,
    server: stubPort(home),
    ...more,
  };
}

const downOptions = (home: string, more: Partial<Parameters<typeof down>[0]> = {}) => ({
  ...upOptions(home),
  purge: false,
  ...more,
});

const uriOf = async (home: string): Promise<string> => {
  const [host] = await stubPort(home).hosts(AbortSignal.timeout(5_000));
  return host?.uri ?? '';
};

test(
  'up makes everything, up again changes nothing, down ends everything, and up brings it back',
  { skip },
  async () => {
    const home = await homeWithImage();
    const first = await up(upOptions(home));
    assert.equal(first.changed, true);
    assert.equal(first.vm, 'hello');
    const uri = await uriOf(home);
    assert.equal(await virsh(uri, 'domstate', 'hello'), 'running');
    assert.equal((await stat(home)).mode & 0o777, 0o711);
    assert.equal((await stat(join(home, 'run'))).mode & 0o777, 0o700);

    const again = listener();
    const second = await up(upOptions(home, { progress: again.progress }));
    assert.deepEqual(second, { ...first, changed: false });
    assert.deepEqual(
      again.lines.filter((line) => line.startsWith('done')),
      ['done accelerator'],
    );

    assert.deepEqual(await down(downOptions(home)), { changed: true });
    await assertNoProcess(home);
    assert.deepEqual(await mountsOf(home), []);
    assert.deepEqual(await down(downOptions(home)), { changed: false });

    const back = listener();
    assert.equal((await up(upOptions(home, { progress: back.progress }))).changed, true);
    assert.ok(back.lines.includes('skip host'), 'the registry was kept');
    assert.equal(await virsh(uri, 'domstate', 'hello'), 'running');

    assert.deepEqual(await down(downOptions(home, { purge: true })), { changed: true });
    await assert.rejects(stat(home), { code: 'ENOENT' });
    assert.deepEqual(await down(downOptions(home)), { changed: false });
  },
);

test(
  'up mends a killed server, a killed hypervisor and a guest that was ended',
  { skip },
  async () => {
    const home = await homeWithImage();
    await up(upOptions(home));
    const serverPid = Number(
      (await readFile(join(home, 'run', 'server.pid'), 'utf8')).split('\n')[0],
    );
    process.kill(serverPid, 'SIGKILL');
    const server = listener();
    await up(upOptions(home, { progress: server.progress }));
    assert.deepEqual(
      server.lines.filter((line) => line.startsWith('done')),
      ['done accelerator', 'done server'],
    );

    await virsh(await uriOf(home), 'destroy', 'hello');
    assert.equal((await up(upOptions(home))).changed, true);
    assert.equal(await virsh(await uriOf(home), 'domstate', 'hello'), 'running');

    const record = JSON.parse(await readFile(join(home, 'hypervisor', 'host.json'), 'utf8')) as {
      process: { pid: number };
    };
    process.kill(record.process.pid, 'SIGKILL');
    const hypervisor = listener();
    await up(upOptions(home, { progress: hypervisor.progress }));
    assert.ok(hypervisor.lines.includes('done hypervisor'));
    assert.equal(await virsh(await uriOf(home), 'domstate', 'hello'), 'running');
    await down(downOptions(home, { purge: true }));
  },
);

test('a server whose record was lost is found by its own word', { skip }, async () => {
  const home = await homeWithImage();
  await up(upOptions(home));
  await rm(join(home, 'run', 'server.pid'));
  assert.equal((await up(upOptions(home))).changed, false);
  await down(downOptions(home, { purge: true }));
  await assertNoProcess(home);
});

test(
  'VMs that ran at down run again after up, and those that were off stay off',
  { skip },
  async () => {
    const home = await homeWithImage();
    await up(upOptions(home));
    const uri = await uriOf(home);
    const xml = await readFile(join(home, 'hello.xml'), 'utf8');
    for (const name of ['web', 'idle']) {
      await writeFile(join(home, 'x.xml'), xml.replace('>hello<', `>${name}<`));
      await virsh(uri, 'define', join(home, 'x.xml'));
    }
    await virsh(uri, 'start', 'web');
    const server = stubPort(home);
    // Nobody waits here for a guest to boot and hear the power button: asking it to end is enough.
    const asked: string[] = [];
    server.stopVm = async (name) => {
      asked.push(name);
      return Promise.resolve();
    };
    await down(downOptions(home, { server }));
    assert.deepEqual(asked, ['web']);
    const back = listener();
    await up(upOptions(home, { progress: back.progress }));
    assert.ok(back.lines.includes('done resume'));
    assert.equal(await virsh(uri, 'domstate', 'web'), 'running');
    assert.equal(await virsh(uri, 'domstate', 'idle'), 'shut off');
    await down(downOptions(home, { server, purge: true }));
  },
);

/** Stops `up` in the middle of a step, and checks that it says so and leaves nothing that runs. */
async function interruptUp(home: string, step: string): Promise<void> {
  const person = new AbortController();
  const { lines, progress } = listener((id) => {
    if (id === step) setImmediate(() => person.abort());
  });
  await assert.rejects(
    up(upOptions(home, { progress, signal: person.signal })),
    (error) => isBerthError(error, 'BERTH_INTERRUPTED') && error.exit === 130,
  );
  await assertNoProcess(home);
  assert.deepEqual(await mountsOf(home), []);
  assert.deepEqual(
    lines.filter((line) => line.startsWith('warn')),
    [],
  );
}

for (const step of ['accelerator', 'packages', 'hypervisor', 'image']) {
  test(
    `Ctrl-C at the step "${step}" of a first up leaves not even the state folder`,
    { skip },
    async () => {
      const home = await newHome();
      await interruptUp(home, step);
      await assert.rejects(stat(home), { code: 'ENOENT' });
    },
  );
}

for (const step of ['hypervisor', 'server', 'host', 'vm']) {
  test(
    `Ctrl-C at the step "${step}" takes back what this up began, and the next one works`,
    { skip },
    async () => {
      const home = await homeWithImage();
      await interruptUp(home, step);
      assert.ok(!(await readdir(home)).includes('local.json'));
      assert.equal((await up(upOptions(home))).changed, true);
      await down(downOptions(home, { purge: true }));
    },
  );
}

test('Ctrl-C in an up that had nothing to start ends nothing', { skip }, async () => {
  const home = await homeWithImage();
  await up(upOptions(home));
  const person = new AbortController();
  const { progress } = listener((id) => {
    if (id === 'vm') person.abort();
  });
  await assert.rejects(up(upOptions(home, { progress, signal: person.signal })), {
    code: 'BERTH_INTERRUPTED',
  });
  assert.equal((await up(upOptions(home))).changed, false);
  await down(downOptions(home, { purge: true }));
});

test(
  'a server that ends at once fails up with its last words; its log stays, what ran does not',
  { skip },
  async () => {
    const home = await homeWithImage();
    const command = ['env', 'BERTH_STUB=crash', ...STUB_COMMAND];
    await assert.rejects(up(upOptions(home, { serverCommand: command })), (error) => {
      assert.ok(isBerthError(error, 'BERTH_COMMAND_FAILED'));
      assert.match(error.message, /exit 3.*server\.log.*stub: no store to be had/s);
      return true;
    });
    await assertNoProcess(home);
    assert.match(await readFile(join(home, 'log', 'server.log'), 'utf8'), /no store/);
    await down(downOptions(home, { purge: true }));
  },
);

test('a server command that is no program fails up with its name', { skip }, async () => {
  const home = await homeWithImage();
  await assert.rejects(up(upOptions(home, { serverCommand: ['/nowhere/server'] })), (error) => {
    assert.ok(isBerthError(error, 'BERTH_COMMAND_FAILED'));
    assert.match(error.message, /\/nowhere\/server ENOENT/);
    return true;
  });
  await assertNoProcess(home);
});

test(
  'a server that hangs, deaf even to SIGTERM, is killed and started anew',
  { skip },
  async () => {
    const home = await homeWithImage();
    await up(upOptions(home));
    const record = join(home, 'run', 'server.pid');
    const pid = Number((await readFile(record, 'utf8')).split('\n')[0]);
    process.kill(pid, 'SIGSTOP'); // it cannot even hear SIGTERM
    const { lines, progress } = listener();
    assert.equal((await up(upOptions(home, { progress }))).changed, true);
    assert.ok(lines.some((line) => line.startsWith('warn') && line.includes(String(pid))));
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
    await down(downOptions(home, { purge: true }));
  },
);

test(
  'a second up or down while one runs is refused, and told which process that is',
  { skip },
  async () => {
    const home = await homeWithImage();
    let second: Promise<PromiseSettledResult<unknown>[]> | undefined;
    const { progress } = listener((id) => {
      if (id === 'server')
        second = Promise.allSettled([up(upOptions(home)), down(downOptions(home))]);
    });
    await up(upOptions(home, { progress }));
    const [upEnd, downEnd] = (await second) ?? [];
    for (const end of [upEnd, downEnd]) {
      assert.ok(end?.status === 'rejected' && isBerthError(end.reason, 'BERTH_BUSY'));
      assert.ok(end.reason.message.includes(`process ${process.pid}`), end.reason.message);
    }
    assert.equal((await up(upOptions(home))).changed, false);
    await down(downOptions(home, { purge: true }));
  },
);

test('an up that was killed outright is taken up by the next', { skip }, async () => {
  const home = await homeWithImage();
  const child = spawn(process.execPath, [RUN_UP, 'up', home, 'tcg'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  await said(child, 'begin host');
  child.kill('SIGKILL');
  await ended;
  assert.equal((await up(upOptions(home))).changed, true);
  assert.equal((await up(upOptions(home))).changed, false);
  await down(downOptions(home, { purge: true }));
  await assertNoProcess(home);
});

async function said(child: ChildProcess, words: string): Promise<void> {
  let text = '';
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk);
    if (text.includes(words)) return;
  }
  assert.fail(`it ended without saying ${words}: ${text}`);
}

test(
  '--accel against a hypervisor that runs otherwise is refused with the way to change it',
  { skip },
  async () => {
    const home = await homeWithImage();
    await up(upOptions(home));
    await assert.rejects(up(upOptions(home, { accel: 'kvm' })), (error) => {
      // Without KVM on this machine it is refused even before.
      if (isBerthError(error, 'BERTH_UNSUPPORTED')) return true;
      assert.ok(isBerthError(error, 'BERTH_CONFLICT'));
      assert.match(error.hint, /berth down && berth up --accel kvm/);
      return true;
    });
    assert.equal((await up(upOptions(home))).changed, false);
    await down(downOptions(home, { purge: true }));
  },
);

test('a purge that nobody agrees to changes nothing', { skip }, async () => {
  const home = await homeWithImage();
  await up(upOptions(home));
  await assert.rejects(down(downOptions(home, { purge: true, yes: false })), {
    code: 'BERTH_USAGE',
  });
  assert.equal((await up(upOptions(home))).changed, false);
  await down(downOptions(home, { purge: true }));
});

test('on a full disk up says so and leaves nothing', { skip }, async () => {
  const parent = await mkdtemp(join(tmpdir(), 'berth-full-'));
  assert.equal(
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'berth-full', parent]).status,
    0,
  );
  try {
    spawnSync('dd', ['if=/dev/zero', `of=${join(parent, 'film')}`]);
    await assert.rejects(up(upOptions(join(parent, 'home'))), { code: 'BERTH_DISK_FULL' });
    assert.deepEqual(await readdir(parent), ['film']);
  } finally {
    assert.equal(spawnSync('umount', [parent]).status, 0);
    await rm(parent, { recursive: true });
  }
});

test(
  'an ordinary user gets a session hypervisor, up and down, with nothing left behind',
  { skip },
  async (t) => {
    const home = await homeWithImage('hypervisor/images');
    const parent = join(home, '..');
    assert.equal(spawnSync('chown', ['-R', `${OTHER_USER}:${OTHER_USER}`, parent]).status, 0);
    const asNobody = (...args: readonly string[]) =>
      spawnSync(process.execPath, args, {
        cwd: '/',
        encoding: 'utf8',
        uid: OTHER_USER,
        gid: OTHER_USER,
        env: { PATH: process.env['PATH'], HOME: parent },
      });
    const need = otherUserUnmetNeed();
    if (need !== undefined) return t.skip(need);
    const first = asNobody(RUN_UP, 'up', home, 'tcg');
    assert.equal(first.status, 0, first.stdout + first.stderr);
    assert.equal((await stat(home)).uid, OTHER_USER);
    assert.match(asNobody(RUN_UP, 'up', home, 'tcg').stdout, /"changed":false/);
    const asRoot = up(upOptions(home));
    await assert.rejects(asRoot, { code: 'BERTH_PERMISSION' });
    const end = asNobody(RUN_UP, 'purge', home);
    assert.equal(end.status, 0, end.stdout + end.stderr);
    await assertNoProcess(home);
    assert.deepEqual(await readdir(parent), []);
    return undefined;
  },
);
