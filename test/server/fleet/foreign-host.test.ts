import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { missingPrograms } from '../../../src/lab/system/system-path.ts';
import { labHost, labSkip } from '../../lab/lab-host.ts';
import type { LabHost } from '../../lab/lab-host.ts';
import { socketOf } from '../relay.ts';
import { done, startRig, tinyVm, until } from '../rig.ts';

/** A way to a host that ends in a socket of this machine, as to one that is elsewhere. */
interface Line {
  readonly name: string;
  readonly skip: string | false;
  readonly start: (lab: LabHost, socket: string) => ChildProcess;
}

async function skipWithout(...programs: readonly string[]): Promise<string | false> {
  const lab = await labSkip();
  if (lab !== false) return lab;
  const missing = await missingPrograms(programs);
  return missing.length > 0 && `needs: ${missing.join(', ')}`;
}

const LINES: readonly Line[] = [
  {
    name: 'socat',
    skip: await skipWithout('socat'),
    start: (lab, socket) => {
      const target = `UNIX-CONNECT:${socketOf(lab.uri)}`;
      return spawn('socat', [`UNIX-LISTEN:${socket},fork`, target], { stdio: 'inherit' });
    },
  },
  {
    name: 'ssh -L',
    skip: await skipWithout('sshd', 'ssh', 'ssh-keygen'),
    start: startSsh,
  },
];

/** ssh to an sshd of its own, which serves just this connection, over a pipe. */
function startSsh(lab: LabHost, socket: string): ChildProcess {
  const file = (name: string): string => join(lab.dir, `ssh-${name}`);
  for (const key of ['host', 'user']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file(key)]);
  }
  const settings = {
    HostKey: file('host'),
    AuthorizedKeysFile: file('user.pub'),
    StrictModes: 'no',
    UsePAM: 'no',
  };
  const config = Object.entries(settings).map(([name, value]) => `${name} ${value}\n`);
  writeFileSync(file('config'), config.join(''));
  mkdirSync('/run/sshd', { recursive: true });
  const options = {
    ProxyCommand: `/usr/sbin/sshd -i -f ${file('config')}`,
    StrictHostKeyChecking: 'no',
    UserKnownHostsFile: '/dev/null',
    LogLevel: 'ERROR',
  };
  const words = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const forward = `${socket}:${socketOf(lab.uri)}`;
  const args = ['-F', 'none', '-i', file('user'), ...words, '-N', '-L', forward, 'root@lab'];
  return spawn('ssh', args, { stdio: 'inherit' });
}

for (const { name, skip, start } of LINES) {
  test(
    `a host behind ${name} is told by libvirt alone, and the rest is unknown`,
    { skip },
    async () => {
      const lab = await labHost();
      const socket = join(lab.dir, 'line.sock');
      const line = start(lab, socket);
      try {
        await until('the end of the line', async () => existsSync(socket));
        await using near = await startRig();
        const direct = await near.client.host('h1');
        assert.deepEqual(direct.unknown, []);
        await near.client.removeHost('h1');

        await near.client.addHost({ name: 'far', uri: `qemu:///system?socket=${socket}` });
        const { client } = near;
        const far = await client.host('far');
        assert.match(far.unknown?.join() ?? '', /sysfs was not read/);
        const known = direct.topology.cells.map(({ id, memoryBytes }) => [id, memoryBytes]);
        assert.deepEqual(
          far.topology.cells.map(({ id, memoryBytes }) => [id, memoryBytes]),
          known,
        );

        const document = tinyVm(lab, 'afar', { cpu: { count: 1, policy: 'dedicated' } });
        await done(client, await client.createVm(document, { start: true }));
        const { verified } = await client.vm('afar');
        assert.equal(verified?.ok, true);
        assert.ok(verified.checked.every((what) => what.endsWith('(libvirt)')));
        assert.match(verified.unknown?.join() ?? '', /kernel.* files of host far cannot be read/);
      } finally {
        const ended = once(line, 'exit');
        line.kill();
        await ended;
      }
    },
  );
}
