import assert from 'node:assert/strict';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { buildShim } from '../../../src/lab/machine/build-shim.ts';
import { runCommand, type Argv } from '../../../src/lab/system/run-command.ts';
import { findProgram } from '../../../src/lab/system/system-path.ts';
import { GIB } from '../../../src/base/units.ts';
import { isBerthError } from '../../../src/base/errors.ts';
import { TEST_CACHE, type LabHost } from '../lab-host.ts';
import { BOOT_DEADLINE_MS, consoleLog, tinyGuestXml, until, virsh } from '../tiny-guest.ts';
import { shimSkip, startShimmedHost } from './shimmed-host.ts';

const skip = await shimSkip();

/** Runs a program in a host, with its shim unless told otherwise. */
async function inHost(lab: LabHost, argv: Argv, shim = true): Promise<string> {
  const enter = ['nsenter', '-t', `${lab.host.pid}`, '-m', '-n', '-u', '-i', '-p', '-C'] as const;
  const env = shim ? ['env', 'LD_PRELOAD=/run/libvirt/shim/shim.so'] : [];
  const { stdout } = await runCommand([...enter, ...env, ...argv], { deadlineMs: 60_000 });
  return stdout.trim();
}

async function seats(lab: LabHost): Promise<readonly string[]> {
  return readdir(join(lab.dir, 'run', 'shim', 'seats'));
}

/** `virsh vcpuinfo` as it says of each vCPU where it may run. */
async function affinities(lab: LabHost, guest: string): Promise<readonly string[]> {
  const text = await virsh(lab.uri, 'vcpuinfo', guest, '--pretty');
  return [...text.matchAll(/CPU Affinity:\s+(.*) \(out of 64\)/g)].map((match) => match[1] ?? '');
}

async function startPinnedGuest(lab: LabHost, name: string): Promise<void> {
  const pins = `<vcpu>2</vcpu><iothreads>1</iothreads><cputune>
<vcpupin vcpu='0' cpuset='40'/><vcpupin vcpu='1' cpuset='41-42'/>
<emulatorpin cpuset='43'/><iothreadpin iothread='1' cpuset='44'/></cputune>
<numatune><memory mode='strict' nodeset='5'/></numatune>`;
  const path = join(lab.dir, `${name}.xml`);
  await writeFile(path, tinyGuestXml(lab, name).replace('<vcpu>1</vcpu>', pins));
  await virsh(lab.uri, 'define', path);
  await virsh(lab.uri, 'start', name);
}

describe('the shim', { skip, concurrency: false }, () => {
  test('a guest pinned to CPUs and a cell that are not here starts and reads back its pins', async () => {
    const lab = await startShimmedHost('big');
    await startPinnedGuest(lab, 'pinned');
    assert.deepEqual(await affinities(lab, 'pinned'), ['40', '41-42']);
    assert.match(await virsh(lab.uri, 'iothreadinfo', 'pinned'), /1 +44$/);
    assert.match(await virsh(lab.uri, 'emulatorpin', 'pinned'), /43$/);
    await until('the boot', BOOT_DEADLINE_MS, async () =>
      (await consoleLog(lab, 'pinned')).includes('READY'),
    );

    await virsh(lab.uri, 'vcpupin', 'pinned', '0', '6', '--live');
    await virsh(lab.uri, 'emulatorpin', 'pinned', '7-8', '--live');
    assert.deepEqual(await affinities(lab, 'pinned'), ['6', '41-42']);

    const pidFile = join(lab.dir, 'run', 'libvirtd.pid');
    const before = (await readFile(pidFile, 'utf8')).trim();
    await inHost(lab, ['kill', '-9', before], false);
    await until('the next libvirtd', 30_000, async () => {
      const now = await readFile(pidFile, 'utf8').catch(() => before);
      return now.trim() !== before && (await virsh(lab.uri, 'list').catch(() => '')) !== '';
    });
    assert.deepEqual(await affinities(lab, 'pinned'), ['6', '41-42']);
    assert.match(await virsh(lab.uri, 'emulatorpin', 'pinned'), /7-8$/);
    await virsh(lab.uri, 'vcpupin', 'pinned', '1', '63', '--live');
    assert.deepEqual(await affinities(lab, 'pinned'), ['6', '63']);
    await virsh(lab.uri, 'destroy', 'pinned');

    await startPinnedGuest(lab, 'next');
    assert.equal((await seats(lab)).length, 4, 'the ended guest has left no seats');
    await virsh(lab.uri, 'destroy', 'next');
  });

  test('CPUs that the shown machine has not, or not online, are refused or taken off', async () => {
    const offline = [3];
    const lab = await startShimmedHost('small', { cores: 8, memoryBytes: GIB, offline });
    assert.match(await inHost(lab, ['taskset', '-c', '2-5,9', 'taskset', '-cp', '1']), /0-2,4-7$/);
    const own = 'taskset -cp $$';
    assert.match(await inHost(lab, ['taskset', '-c', '2-5,9', 'sh', '-c', own]), /2,4,5$/);
    for (const cpus of ['3', '8', '64']) {
      await assert.rejects(inHost(lab, ['taskset', '-c', cpus, 'true']), /Invalid argument/);
    }
    await assert.rejects(inHost(lab, ['taskset', '-cp', '1', '30000']), /No such process/);
  });

  test('a seat is not handed on to a later thread of the same number', async () => {
    const lab = await startShimmedHost('reuse', { cores: 8, memoryBytes: GIB });
    const again = `taskset -cp 5 $$ >&2; echo $$`;
    const tid = Number(await inHost(lab, ['sh', '-c', again]));
    assert.deepEqual(await seats(lab), [`${tid}`]);
    const reuse = `while :; do
      echo ${tid - 1} >/proc/sys/kernel/ns_last_pid
      sh -c '[ $$ != ${tid} ] || exec taskset -cp $$' | grep . && exit
    done`;
    assert.match(await inHost(lab, ['sh', '-c', reuse]), new RegExp(`pid ${tid}'s .* 0-7$`));
  });

  test('what another user puts in the way of a new seat is not written to', async () => {
    const lab = await startShimmedHost('aimed', { cores: 8, memoryBytes: GIB });
    assert.equal((await stat(join(lab.dir, 'run', 'shim', 'seats'))).mode & 0o7777, 0o1777);
    const victim = join(lab.dir, 'run', 'victim');
    await writeFile(victim, 'kept');
    // Aims again and again, between the removal of the old file and the making of the new one.
    const aim = `cd /run/libvirt/shim/seats; (while :; do ln -s /run/libvirt/victim new; done) 2>&- &
      for i in $(seq 300); do LD_PRELOAD=/run/libvirt/shim/shim.so taskset -cp 1 1 2>&-; done; kill $!`;
    await inHost(lab, ['sh', '-c', `(${aim}) >/dev/null; :`], false);
    assert.equal(await readFile(victim, 'utf8'), 'kept');
  });

  test('threads that are pinned at the same time each get what was asked', async () => {
    const lab = await startShimmedHost('crowd', { cores: 64, memoryBytes: GIB });
    const crowd = `for i in $(seq 64); do
      taskset -c $((i - 1)) sh -c 'taskset -cp $$' & done; wait`;
    const told = (await inHost(lab, ['sh', '-c', crowd])).split('\n');
    const cpus = told.map((line) => Number(/(\d+)$/.exec(line)?.[1]));
    const all = Array.from({ length: 64 }, (_, cpu) => cpu);
    assert.deepEqual(
      cpus.toSorted((a, b) => a - b),
      all,
    );
  });

  test('a machine of more CPUs than the kernel knows of is told whole', async () => {
    const cells = { sockets: 2, cells: 4, cores: 128, threads: 2, memoryBytes: GIB };
    const lab = await startShimmedHost('wide', cells);
    const told = await virsh(lab.uri, 'capabilities');
    assert.equal(told.match(/<cpu id=/g)?.length, 512);
  });

  test('a step of the clock reaches every program of the host, and no other', async () => {
    const lab = await startShimmedHost('clock', { cores: 8, memoryBytes: GIB });
    const path = join(lab.dir, 'run', 'shim', 'clock');
    for (const seconds of [7200.5, -86_400, 0]) {
      await writeFile(path, new BigInt64Array([BigInt(seconds * 1e9)]), { flag: 'r+' });
      for (const program of ['date +%s.%N', `awk 'BEGIN { srand(); print srand() }'`]) {
        const told = Number(await inHost(lab, ['sh', '-c', program]));
        assert.ok(Math.abs(told - Date.now() / 1000 - seconds) < 10, `${program} said ${told}`);
      }
      const real = Number(await inHost(lab, ['date', '+%s'], false));
      assert.ok(Math.abs(real - Date.now() / 1000) < 10);
    }
  });

  test('it keeps out of the way where the machine is shown as it is', async () => {
    const { library } = await buildShim({ dir: TEST_CACHE });
    const run = ['env', `LD_PRELOAD=${library}`, 'taskset', '-c', '0', 'sh', '-c'] as const;
    const [withShim = '', without = ''] = await Promise.all(
      ['taskset -cp $$', 'unset LD_PRELOAD; taskset -cp $$'].map(
        async (told) => (await runCommand([...run, told], { deadlineMs: 10_000 })).stdout,
      ),
    );
    assert.match(withShim, /: 0\n$/);
    assert.match(without, /: 0\n$/);
  });
});

describe('building the shim', () => {
  for (const compiler of ['gcc', 'clang', 'tcc']) {
    test(`${compiler} takes it without a warning, and it works`, async (context) => {
      if (skip !== false) return context.skip(skip);
      if ((await findProgram(compiler)) === undefined) return context.skip(`needs: ${compiler}`);
      const lab = await startShimmedHost(compiler, { cores: 64, memoryBytes: GIB }, compiler);
      const own = 'taskset -cp $$';
      assert.match(await inHost(lab, ['taskset', '-c', '33', 'sh', '-c', own]), /33$/);
    });
  }

  test('it is built once for a source and a compiler', async (context) => {
    if (skip !== false) return context.skip(skip);
    const built = [await buildShim({ dir: TEST_CACHE }), await buildShim({ dir: TEST_CACHE })];
    assert.equal(built[0]?.library, built[1]?.library);
  });

  test('a machine without a compiler is told what to install', async () => {
    const building = buildShim({ dir: TEST_CACHE, compiler: 'no-such-compiler' });
    await assert.rejects(building, (error) => isBerthError(error, 'BERTH_PACKAGES_NEEDED'));
  });
});
