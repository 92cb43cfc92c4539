import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { readFile, readdir, readlink, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isBerthError } from '../../../src/base/errors.ts';
import {
  findNamespaceHost,
  startNamespaceHost,
  stopNamespaceHost,
} from '../../../src/lab/private-host/namespace-host.ts';
import { runCommand } from '../../../src/lab/system/run-command.ts';
import { hostTraces } from './host-traces.ts';
import {
  dropLabFolder,
  labFolder,
  labHost,
  labSkip,
  startLabHost,
  type LabHost,
} from '../lab-host.ts';
import { BOOT_DEADLINE_MS, consoleLog, tinyGuestXml, until, virsh } from '../tiny-guest.ts';
import { coded } from '../../refusal.ts';

const skip = await labSkip();

/** Writes a guest's definition where virsh can read it. */
async function xmlFile(lab: LabHost, name: string): Promise<string> {
  const path = join(lab.dir, `${name}.xml`);
  await writeFile(path, tinyGuestXml(lab, name));
  return path;
}

/** The pid of the only guest of a host: among all processes, the QEMU in that pid namespace. */
async function qemuOf(hostPid: number): Promise<number> {
  return pidInside(hostPid, 'qemu-system-');
}

/** The pid, as seen here, of the first program of that name in a host's pid namespace. */
async function pidInside(hostPid: number, program: string): Promise<number> {
  const namespace = await readlink(`/proc/${hostPid}/ns/pid`);
  for (const pid of await readdir('/proc')) {
    const own = await readlink(`/proc/${pid}/ns/pid`).catch(() => '');
    const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    if (own === namespace && name.startsWith(program)) return Number(pid);
  }
  throw new Error(`no ${program} runs in the host`);
}

describe('a namespace host', { skip, concurrency: false }, () => {
  test('answers at its socket under its own name, and its stop leaves nothing', async () => {
    const dir = await labFolder();
    const before = await hostTraces(dir, 'berth-alone');
    const host = await startNamespaceHost({ dir, name: 'alone', hideKvm: true });
    assert.equal(await virsh(host.uri, 'hostname'), 'alone');
    const during = await hostTraces(dir, 'berth-alone');
    assert.notDeepEqual(during.processes, []);
    assert.deepEqual(during.mounts, before.mounts, 'its mounts are its own');
    assert.deepEqual(during.links, before.links, 'its network is its own');
    await host.stop();
    assert.deepEqual(await hostTraces(dir, 'berth-alone'), before);
    await assert.rejects(stat(host.socket), { code: 'ENOENT' });
    await dropLabFolder(dir);
  });

  test('boots the tiny guest as an unprivileged user and ends it by ACPI', async () => {
    const lab = await labHost();
    await virsh(lab.uri, 'define', await xmlFile(lab, 'booted'));
    await virsh(lab.uri, 'start', 'booted');
    const ready = async (): Promise<boolean> => /READY \d/.test(await consoleLog(lab, 'booted'));
    await until('READY', BOOT_DEADLINE_MS, ready);
    assert.match(await consoleLog(lab, 'booted'), /This is booted, a guest of Berth: 1 CPUs/);
    const qemu = await qemuOf(lab.host.pid);
    assert.notEqual((await stat(`/proc/${qemu}`)).uid, 0);
    const status = await readFile(`/proc/${qemu}/status`, 'utf8');
    assert.match(status, /^Seccomp:\t2$/m, 'its system calls are filtered');
    assert.equal((await readdir(`/proc/${lab.host.pid}/root/dev`)).includes('kvm'), false);
    await virsh(lab.uri, 'shutdown', 'booted');
    const off = async (): Promise<boolean> =>
      (await virsh(lab.uri, 'domstate', 'booted')) === 'shut off';
    await until('the end of the guest', 30_000, off);
    await assert.rejects(stat(`/proc/${qemu}`), { code: 'ENOENT' }, 'pid 1 reaps its orphans');
  });

  test('keeps defined guests over a stop, and is adopted while it runs', async () => {
    const lab = await startLabHost('keeper');
    const { dir, uri } = lab;
    await virsh(uri, 'define', await xmlFile(lab, 'kept'));
    const found = await findNamespaceHost(dir);
    assert.equal(found?.pid, lab.host.pid);
    const again = await startNamespaceHost({ dir, name: 'keeper', hideKvm: true });
    assert.equal(again.pid, lab.host.pid);
    const other = startNamespaceHost({ dir, name: 'other', hideKvm: true });
    await assert.rejects(other, coded('BERTH_CONFLICT', /"keeper" runs there/));
    await lab.host.stop();
    assert.equal(await findNamespaceHost(dir), undefined);
    const next = await startNamespaceHost({ dir, name: 'keeper', hideKvm: true });
    assert.notEqual(next.pid, lab.host.pid);
    assert.equal(await virsh(uri, 'list', '--all', '--name'), 'kept');
    await dropLabFolder(dir);
  });

  test('outlives the program that started it', async () => {
    const dir = await labFolder();
    const script = fileURLToPath(new URL('start-host.ts', import.meta.url));
    await runCommand([process.execPath, script, dir, 'orphan'], { deadlineMs: 60_000 });
    const found = await findNamespaceHost(dir);
    assert.equal(found?.name, 'orphan');
    assert.equal(await virsh(found.uri, 'hostname'), 'orphan');
    await dropLabFolder(dir);
  });

  test('that is bound to its starter ends when that is killed', async () => {
    const dir = await labFolder();
    const script = fileURLToPath(new URL('start-host.ts', import.meta.url));
    const starter = spawn(process.execPath, [script, dir, 'bound', 'bound']);
    const lines = createInterface({ input: starter.stdout });
    for await (const line of lines) if (line === 'ready') break;
    const found = await findNamespaceHost(dir);
    assert.equal(found?.name, 'bound');
    starter.kill('SIGKILL');
    await until(
      'the end of the host',
      10_000,
      async () => (await findNamespaceHost(dir)) === undefined,
    );
    await dropLabFolder(dir);
  });

  test('says that the disk is full, and leaves nothing half-made', async () => {
    const script = fileURLToPath(new URL('on-full-disk.ts', import.meta.url));
    const { stdout } = await runCommand(
      ['unshare', '--mount', process.execPath, script, await labFolder()],
      { deadlineMs: 60_000 },
    );
    const outcomes = JSON.parse(stdout) as Record<string, readonly string[]>;
    assert.deepEqual(outcomes['image'], ['BERTH_DISK_FULL']);
    assert.equal(outcomes['command']?.[0], 'BERTH_DISK_FULL');
    const [code, ...left] = outcomes['host'] ?? [];
    assert.equal(code, 'BERTH_DISK_FULL');
    assert.ok(!left.includes('host.json') && !left.includes('run'), left.join());
  });

  test('restarts its libvirtd, and a running guest is found again', async () => {
    const lab = await labHost();
    const file = await xmlFile(lab, 'survivor');
    await virsh(lab.uri, 'create', file, '--paused');
    process.kill(await pidInside(lab.host.pid, 'libvirtd'), 'SIGKILL');
    const names = async (): Promise<string> => virsh(lab.uri, 'list', '--name').catch(() => '');
    const back = async (): Promise<boolean> => (await names()).includes('survivor');
    await until('the guest in a new libvirtd', 30_000, back);
    // Answered only once the new daemon has its connection to QEMU back.
    const status = ['qemu-monitor-command', '--hmp', 'survivor', 'info status'] as const;
    assert.match(await virsh(lab.uri, ...status), /VM status: paused/);
    await virsh(lab.uri, 'destroy', 'survivor');
  });

  test('runs beside another of the same name', async () => {
    const dirs = [await labFolder(), await labFolder()] as const;
    const start = (dir: string) => startNamespaceHost({ dir, name: 'twin', hideKvm: true });
    const [a, b] = await Promise.all([start(dirs[0]), start(dirs[1])]);
    assert.equal(await virsh(a.uri, 'hostname'), 'twin');
    assert.equal(await virsh(b.uri, 'hostname'), 'twin');
    await a.stop();
    assert.equal(await virsh(b.uri, 'hostname'), 'twin');
    for (const dir of dirs) await dropLabFolder(dir);
  });

  test('works in a folder with special characters in its path', async () => {
    const dir = join(await labFolder(), 'a b&c=%41ü?#');
    const host = await startNamespaceHost({ dir, name: 'special', hideKvm: true });
    assert.equal(await virsh(host.uri, 'hostname'), 'special');
    await host.stop();
  });

  test('gives its QEMU user access to a kvm node that is to stay', async (t) => {
    const outside = await stat('/dev/kvm').catch(() => undefined);
    if (outside === undefined) return t.skip('needs: /dev/kvm');
    const dir = await labFolder();
    const host = await startNamespaceHost({ dir, name: 'kvm', hideKvm: false });
    const inside = await stat(`/proc/${host.pid}/root/dev/kvm`);
    assert.equal(inside.rdev, outside.rdev);
    assert.notEqual(inside.mode & 0o066, 0);
    assert.equal((await stat('/dev/kvm')).mode, outside.mode, 'the machine’s own is untouched');
    await dropLabFolder(dir);
  });

  test('gives the guest a shell with job control on its console', async () => {
    const lab = await labHost();
    const socket = `<serial type='unix'><source mode='bind' path='${lab.images.inside}/tty'/>`;
    const xml = tinyGuestXml(lab, 'shell').replace("<serial type='pty'>", socket);
    const file = join(lab.dir, 'shell.xml');
    await writeFile(file, xml);
    await virsh(lab.uri, 'create', file);
    const tty = connect(join(lab.images.outside, 'tty'));
    let seen = '';
    tty.on('data', (chunk: Buffer) => (seen += chunk.toString('utf8')));
    await until('a prompt', BOOT_DEADLINE_MS, async () => seen.includes('shell:~# '));
    tty.write('sleep 100 & jobs; echo sum=$((6 * 7)); hostname\r');
    await until('its answer', 30_000, async () => /sum=42\s+shell/.test(seen));
    assert.match(seen, /\[1\]\+? +Running +sleep 100/);
    assert.doesNotMatch(seen, /job control turned off/);
    tty.destroy();
    await virsh(lab.uri, 'destroy', 'shell');
  });

  test('refuses a second start at the same time', async () => {
    const dir = await labFolder();
    const start = () => startNamespaceHost({ dir, name: 'busy', hideKvm: true });
    const results = await Promise.allSettled([start(), start()]);
    const refused = results.filter((result) => result.status === 'rejected');
    assert.equal(refused.length, 1, 'one of the two wins');
    assert.ok(isBerthError(refused[0]?.reason, 'BERTH_BUSY'));
    await dropLabFolder(dir);
  });

  test('says why it cannot start, and leaves nothing', async () => {
    const dir = await labFolder();
    const before = await hostTraces(dir, 'berth-broken');
    const start = startNamespaceHost({ dir, name: 'broken', hideKvm: true, sysTree: '/nowhere' });
    await assert.rejects(start, coded('BERTH_HYPERVISOR_FAILED', /\/nowhere\/cpu/));
    assert.deepEqual(await hostTraces(dir, 'berth-broken'), before);
    assert.equal((await readdir(dir)).includes('host.json'), false);
    await dropLabFolder(dir);
  });

  test('refuses names and folders that cannot work', async () => {
    const dir = await labFolder();
    for (const name of ['', 'a b', '-a', 'a/b', 'x'.repeat(64)]) {
      const start = startNamespaceHost({ dir, name, hideKvm: true });
      await assert.rejects(start, coded('BERTH_SPEC_INVALID', /hostname/));
    }
    const long = join(dir, 'x'.repeat(100));
    const start = startNamespaceHost({ dir: long, name: 'long', hideKvm: true });
    await assert.rejects(
      start,
      coded('BERTH_SPEC_INVALID', /socket in it would have a path of 1\d\d/),
    );
    await dropLabFolder(dir);
  });

  test('an abort at any stage takes everything back', async () => {
    const dir = await labFolder();
    const before = await hostTraces(dir, 'berth-aborted');
    for (const stage of ['folders', 'namespaces', 'libvirtd']) {
      const aborter = new AbortController();
      const start = startNamespaceHost({
        dir,
        name: 'aborted',
        hideKvm: true,
        signal: aborter.signal,
        progress: (step) => {
          if (step === stage) aborter.abort();
        },
      });
      await assert.rejects(start, coded('BERTH_INTERRUPTED'), stage);
      assert.deepEqual(await hostTraces(dir, 'berth-aborted'), before, stage);
    }
    await dropLabFolder(dir);
  });

  test('a start that is killed at any moment leaves nothing once the folder is looked at', async () => {
    const dir = await labFolder();
    const before = await hostTraces(dir, 'berth-killed');
    const script = fileURLToPath(new URL('start-host.ts', import.meta.url));
    for (let afterMs = 0; afterMs <= 300; afterMs += 30) {
      const starter = spawn(process.execPath, [script, dir, 'killed'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const ended = once(starter, 'exit');
      await Promise.race([once(starter.stdout, 'data'), ended]); // it has begun
      await Promise.race([delay(afterMs), ended]);
      starter.kill('SIGKILL');
      await ended;
      const found = await findNamespaceHost(dir);
      if (found !== undefined) {
        assert.equal(await virsh(found.uri, 'hostname'), 'killed', 'what is found works');
        await stopNamespaceHost(dir);
      }
      assert.deepEqual(await hostTraces(dir, 'berth-killed'), before, `killed after ${afterMs} ms`);
    }
    await dropLabFolder(dir);
  });
});
