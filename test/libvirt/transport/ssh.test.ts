import assert from 'node:assert/strict';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { makeSshKey } from '../../../src/lab/system/ssh-key.ts';
import { missingPrograms } from '../../../src/lab/system/system-path.ts';
import { fleetSkip } from '../../lab/fleet/test-lab.ts';
import { farHost, hide, put, type FarHost } from './far-host.ts';
import type { Answer, Question } from './lab-client.ts';

const missing = await missingPrograms(['nc', 'virt-ssh-helper']);
const unmet = await fleetSkip();
const skip = unmet === false ? missing.length > 0 && `needs: ${missing.join(', ')}` : unmet;

describe('qemu+ssh', { skip, concurrency: false }, () => {
  let host: FarHost;
  before(async () => {
    host = await farHost();
  });
  after(async () => host.client.stop());

  /** Asks for a URI of the host, with these parameters. */
  async function ask(
    parameters = '',
    { does = 'hostname', ...rest }: Partial<Question> = {},
  ): Promise<Answer> {
    const uri = `qemu+ssh://root@${host.address}/system${parameters}`;
    return host.client.ask({ uri, does, ...rest });
  }

  /** Asks for what must fail with that code, and what it says. */
  async function fails(code: string, said: RegExp, answer: Promise<Answer>): Promise<void> {
    const { failure } = await answer;
    assert.deepEqual([failure?.code, failure?.message], [code, failure?.message]);
    assert.match(failure?.message ?? '', said);
    assert.doesNotMatch(failure?.hint ?? '', /undefined/);
  }

  async function sshRuns(): Promise<string> {
    return host.beside('sh', '-c', 'pgrep -x ssh || true');
  }

  /** A program that the client runs as ssh: ssh with options before the client's own. */
  async function sshWith(name: string, ...options: readonly string[]): Promise<string> {
    const path = join(host.home, name);
    const words = options.map((option) => `'${option}'`).join(' ');
    await writeFile(path, `#!/bin/sh\nexec ssh ${words} "$@"\n`);
    await chmod(path, 0o755);
    return `command=${encodeURIComponent(path)}`;
  }

  async function without(t: TestContext, ...programs: readonly string[]): Promise<void> {
    for (const program of programs) t.after(await hide(host, program));
  }

  test('carries calls, events and streams through the helper, and leaves no ssh behind', async () => {
    const { failure, ...answer } = await ask('', { does: 'visit' });
    assert.equal(failure, undefined);
    assert.deepEqual(answer, {
      hostname: host.name,
      opened: `qemu:///system`,
      event: 'seen',
      bytes: 3 * 1024 * 1024,
    });
    assert.equal(await sshRuns(), '');
  });

  test('carries them through nc where the helper is missing', async (t) => {
    await without(t, 'virt-ssh-helper');
    const { failure, ...answer } = await ask('', { does: 'visit' });
    assert.equal(failure, undefined);
    assert.equal(answer.bytes, 3 * 1024 * 1024);
    assert.equal(await sshRuns(), '');
  });

  test('carries them through a forwarded socket where both are missing', async (t) => {
    await without(t, 'virt-ssh-helper', 'nc');
    const { failure, ...answer } = await ask('', { does: 'visit' });
    assert.equal(failure, undefined);
    assert.equal(answer.bytes, 3 * 1024 * 1024);
    assert.equal(await sshRuns(), '');
    assert.equal(await host.beside('sh', '-c', 'ls /tmp | grep -c ^berth-ssh- || true'), '0');
  });

  test('goes the way that the URI asks for', async () => {
    assert.equal((await ask('?proxy=native')).hostname, host.name);
    assert.equal((await ask('?proxy=netcat')).hostname, host.name);
    assert.equal((await ask('?netcat=/usr/bin/nc')).hostname, host.name);
    assert.equal((await ask('?mode=legacy')).hostname, host.name);
    await fails('BERTH_NO_WAY_IN', /no socket .*virtqemud-sock/, ask('?mode=direct'));
    const session = `qemu+ssh://root@${host.address}/session`;
    const asked = await host.client.ask({ uri: session, does: 'hostname' });
    assert.equal(asked.hostname, host.name);
  });

  test('is read-only through the socket for that', async () => {
    const options = { readOnly: true };
    assert.equal((await ask('', { options })).hostname, host.name);
    assert.equal((await ask('?proxy=netcat', { options })).hostname, host.name);
    const refused = (await ask('?proxy=netcat', { options, does: 'visit' })).failure;
    assert.equal(refused?.code, 'libvirt 29');
  });

  test('finds a socket of any name, by nc and forwarded', async (t) => {
    const odd = `${host.dir}/it's a "socket": 100% \\ $HOME;`;
    await host.inside('ln', '-s', '/run/libvirt/libvirt-sock', odd);
    const parameter = `?socket=${encodeURIComponent(odd)}`;
    assert.equal((await ask(parameter)).hostname, host.name);
    await without(t, 'nc');
    assert.equal((await ask(parameter)).hostname, host.name);
  });

  test('says that a host has no way from SSH to libvirt', async (t) => {
    await fails('BERTH_NO_WAY_IN', /no socket \/nowhere/, ask('?socket=/nowhere'));
    await fails('BERTH_NO_WAY_IN', /neither .* -U is there$/, ask('?netcat=/bin/true'));
    await without(t, 'virt-ssh-helper');
    await fails('BERTH_NO_WAY_IN', /virt-ssh-helper cannot be run/, ask('?proxy=native'));
    await without(t, 'nc');
    await fails('BERTH_NO_WAY_IN', /neither .* -U is there$/, ask('?proxy=netcat'));
    const refused = await sshWith('no-forwarding', '-o', 'ClearAllForwardings=yes');
    await fails('BERTH_CONNECTION_CLOSED', /does not forward/, ask(`?${refused}`));
  });

  test('says that a daemon is not there, or has gone', async (t) => {
    await host.inside('sh', '-c', 'mv /run/libvirt/libvirt-sock /run/libvirt/away');
    t.after(async () => host.inside('mv', '/run/libvirt/away', '/run/libvirt/libvirt-sock'));
    await fails('BERTH_NO_WAY_IN', /status 1.*libvirt-sock/s, ask());
    await fails('BERTH_NO_WAY_IN', /there is no socket/, ask('?proxy=netcat'));
  });

  test('names a login that talks before libvirt does', async (t) => {
    await put(host, '/root', '.bashrc', 'echo Welcome to this host\n');
    t.after(async () => host.inside('umount', '/root'));
    for (const way of ['', '?proxy=netcat', '?proxy=native']) {
      await fails('BERTH_PROTOCOL', /"Welcome to this host/, ask(way));
    }
    assert.equal(await sshRuns(), '');
  });

  test('refuses a host whose key is not known, and remembers none that it was told to ignore', async () => {
    const known = join(host.home, 'known hosts');
    await writeFile(known, '');
    const unknown = `?known_hosts=${encodeURIComponent(known)}`;
    await fails('BERTH_HOST_KEY', /not known here/, ask(unknown));
    await fails('BERTH_HOST_KEY', /not known here/, ask(`${unknown}&known_hosts_verify=normal`));
    assert.equal((await ask(`?no_verify=1`)).hostname, host.name);
    assert.equal(await readFile(known, 'utf8'), '');
    assert.equal((await ask(`${unknown}&known_hosts_verify=auto`)).hostname, host.name);
    assert.match(await readFile(known, 'utf8'), /ssh-ed25519/);
    assert.equal((await ask(unknown)).hostname, host.name);
  });

  test('refuses a host whose key has changed, under a code of its own', async () => {
    const other = join(host.home, 'other');
    await makeSshKey(other, 'another host', AbortSignal.timeout(10_000));
    const known = join(host.home, 'changed');
    await writeFile(known, `${host.address} ${await readFile(`${other}.pub`, 'utf8')}`);
    const { failure } = await ask(`?known_hosts=${known}`);
    assert.equal(failure?.code, 'BERTH_HOST_KEY');
    assert.equal(failure.fault, 'changed');
    assert.match(failure.hint, /ssh-keygen -R/);
  });

  test('takes the key that the URI names, and says that another is refused', async () => {
    const bare = await sshWith('bare', '-F', 'none');
    const known = `known_hosts=${encodeURIComponent(join(host.lab, 'ssh', 'known_hosts'))}`;
    const right = `?${bare}&${known}&keyfile=${encodeURIComponent(join(host.lab, 'ssh', 'id'))}`;
    assert.equal((await ask(right)).hostname, host.name);
    assert.equal((await ask(`${right}&sshauth=privkey`)).hostname, host.name);
    const wrong = join(host.home, 'wrong');
    await makeSshKey(wrong, 'nobody', AbortSignal.timeout(10_000));
    await fails('BERTH_PERMISSION', /denied/, ask(`?${bare}&${known}&keyfile=${wrong}`));
    await fails('BERTH_PERMISSION', /denied/, ask(`?${bare}&${known}&sshauth=agent`));
    await fails('BERTH_UNSUPPORTED', /nobody is there/, ask('?sshauth=password'));
  });

  test('jumps over hosts and asks an agent where the user does', async () => {
    const jump = await sshWith('jump', '-J', `root@${host.name}`);
    const jumped = await ask(`?${jump}`);
    assert.equal(jumped.hostname, host.name, jumped.failure?.message);
    const socket = join(host.home, 'agent');
    await host.beside('sh', '-c', `ssh-agent -a ${socket} >/dev/null`);
    const id = join(host.lab, 'ssh', 'id');
    await host.beside('sh', '-c', `SSH_AUTH_SOCK=${socket} ssh-add -q ${id}`);
    const agent = await sshWith('agent-only', '-F', 'none', '-o', `IdentityAgent=${socket}`);
    const known = `known_hosts=${encodeURIComponent(join(host.lab, 'ssh', 'known_hosts'))}`;
    assert.equal((await ask(`?${agent}&${known}&sshauth=agent`)).hostname, host.name);
    assert.equal(await sshRuns(), '');
  });

  test('names what is wrong with the address', async () => {
    const to = (authority: string) =>
      host.client.ask({ uri: `qemu+ssh://${authority}/system`, does: 'hostname' });
    await fails('BERTH_HOST_NAME', /no-such-host/, to('no-such-host.invalid'));
    await fails('BERTH_CONNECTION_CLOSED', /refused/, to(`${host.address}:2`));
    await fails('BERTH_URI_INVALID', /cannot begin with "-"/, to('-oProxyCommand=x'));
    await fails('BERTH_URI_INVALID', /cannot begin with "-"/, to(`-x@${host.address}`));
    await fails('BERTH_PACKAGES_NEEDED', /no-ssh/, ask('?command=/no-ssh'));
    const slow = await sshWith('slow', '-o', 'ProxyCommand=sleep 61.25');
    await fails('BERTH_DEADLINE', /within/, ask(`?${slow}`, { deadlineMs: 500 }));
    assert.equal(
      await host.beside('sh', '-c', 'pgrep -x ssh; ps -eo args | grep "[s]leep 61"; true'),
      '',
    );
  });

  test('tells of an ssh that is killed, and ends with its connection', async () => {
    const uri = `qemu+ssh://root@${host.address}/system`;
    const { closed } = await host.client.hold({ uri });
    await host.beside('pkill', '-x', 'ssh');
    const { code, message } = await closed;
    assert.equal(code, 'BERTH_CONNECTION_CLOSED');
    assert.match(message, /ssh/);
  });
});
