import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { parseUri } from '../../../src/libvirt/index.ts';
import { FarStatus, farCommand } from '../../../src/libvirt/transport/far-side.ts';
import { sshProgram } from '../../../src/libvirt/transport/ssh-options.ts';
import { coded } from '../../refusal.ts';

/** Prints its name and its arguments, each in brackets. */
const ECHO = '#!/bin/sh\nprintf %s "${0##*/}"\nprintf "[%s]" "$@"\n';
/** An nc that knows -U and -q, as OpenBSD's does. */
const NC = `#!/bin/sh
case $1 in -h) echo "  -U  Use UNIX domain socket";; -q) [ -n "$2" ] || echo "requires an argument" >&2;; *)
printf nc; printf "[%s]" "$@";; esac
`;

describe('what runs on the far side', () => {
  let folder: string;
  let socket: string;
  const server = createServer();
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-far-'));
    socket = join(folder, 'sock');
    server.listen(socket);
    for (const [place, name, script] of [
      ['helper', 'virt-ssh-helper', ECHO],
      ['nc', 'nc', NC],
      ['old', 'nc', ECHO],
    ] as const) {
      await mkdir(join(folder, place), { recursive: true });
      await writeFile(join(folder, place, name), script);
      await chmod(join(folder, place, name), 0o755);
    }
    await mkdir(join(folder, 'none'));
    for (const program of ['sh', 'id', 'printf']) {
      const { stdout } = spawnSync('which', [program], { encoding: 'utf8' });
      for (const place of ['helper', 'nc', 'old', 'none']) {
        await symlink(stdout.trim(), join(folder, place, program));
      }
    }
  });
  after(async () => {
    server.close();
    await rm(folder, { recursive: true });
  });

  /** Runs the command line of a URI as a login shell would, with the programs of a folder. */
  function run(place: string, uri: string, readOnly = false, shell = 'sh') {
    const { line } = farCommand(parseUri(uri), readOnly);
    const env = { PATH: join(folder, place), HOME: folder, XDG_RUNTIME_DIR: folder };
    const program = spawnSync('which', [shell], { encoding: 'utf8' }).stdout.trim();
    const { stdout, status } = spawnSync(program, ['-c', line], { encoding: 'utf8', env });
    return { stdout, status };
  }

  const named = (path: string) => `qemu+ssh://h/system?socket=${encodeURIComponent(path)}`;

  test('is the helper where it is there, told the URI and whether it is read-only', () => {
    const uri = 'qemu+ssh://u@h:22/system?foo=1';
    assert.equal(run('helper', uri).stdout, 'berth-ready\nvirt-ssh-helper[qemu:///system]');
    assert.equal(
      run('helper', uri, true).stdout,
      'berth-ready\nvirt-ssh-helper[-r][qemu:///system]',
    );
    const alone = 'qemu+ssh://h/system?proxy=native';
    assert.equal(run('helper', alone).stdout, 'virt-ssh-helper[qemu:///system]');
    assert.equal(run('none', alone).status, 127);
  });

  test('is nc with -q0 where it knows that, and for a socket of any name', () => {
    assert.equal(run('nc', named(socket)).stdout, `berth-ready\nnc[-q0][-U][${socket}]`);
    assert.equal(run('helper', named(socket)).status, FarStatus.noTool);
    assert.equal(run('old', named(socket)).status, FarStatus.noTool);
    assert.equal(run('none', named(socket)).stdout, `berth-socket=${socket}\n`);
    assert.equal(run('nc', named(`${folder}/none/sock`)).status, FarStatus.noSocket);
  });

  test('is the same in every shell that is here', async (t) => {
    const odd = join(folder, `it's "odd" $HOME \`id\` ; * \\ !1`);
    const other = createServer().listen(odd);
    t.after(() => other.close());
    for (const shell of ['sh', 'bash', 'dash', 'zsh', 'fish', 'tcsh', 'busybox']) {
      if (spawnSync('which', [shell]).status !== 0 || shell === 'busybox') continue;
      assert.equal(run('nc', named(odd), false, shell).stdout, `berth-ready\nnc[-q0][-U][${odd}]`);
    }
  });

  test('takes any socket as one word, whatever is in its name', () => {
    const name = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .filter((text) => !/\p{Cc}/u.test(text));
    fc.assert(
      fc.property(name, (text) => {
        const path = `/${text}`;
        const { line } = farCommand(parseUri(named(path)), false);
        const words = line.slice(line.indexOf(' berth ') + ' berth '.length);
        const script = `printf '%s\\n' ${words}`;
        const { stdout } = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
        assert.equal(stdout.split('\n')[5], path);
      }),
      { numRuns: 50 },
    );
  });

  test('is refused for parameters that mean nothing', () => {
    for (const parameters of ['proxy=x', 'socket=relative', 'mode=odd']) {
      const uri = parseUri(`qemu+ssh://h/system?${parameters}`);
      assert.throws(() => farCommand(uri, false), coded('BERTH_URI_INVALID'), parameters);
    }
    const session = parseUri('qemu+ssh://h/session');
    assert.throws(() => farCommand(session, true), coded('BERTH_UNSUPPORTED'));
  });
});

describe("ssh's own options", () => {
  test('never come from a name: whatever it is, it stays behind the words that it belongs to', () => {
    const name = fc.string({ minLength: 1 }).filter((text) => !/\p{Cc}/u.test(text));
    fc.assert(
      fc.property(name, name, name, (user, host, file) => {
        const enc = encodeURIComponent;
        const text = `qemu+ssh://${enc(user)}@${enc(host)}:22/system?keyfile=${enc(file)}&known_hosts=${enc(file)}`;
        const isRefused = [user, host].some((one) => one.startsWith('-')) || file.includes('${');
        if (isRefused) {
          assert.throws(() => sshProgram(parseUri(text)), coded('BERTH_URI_INVALID'));
          return;
        }
        const { options, host: target } = sshProgram(parseUri(text));
        assert.equal(target, host);
        const bare = sshProgram(
          parseUri('qemu+ssh://u@h:22/system?keyfile=f&known_hosts=f'),
        ).options;
        const isWord = (index: number) =>
          bare[index] !== 'u' && bare[index]?.includes('"f"') !== true;
        assert.deepEqual(
          options.filter((_, index) => isWord(index)),
          bare.filter((_, index) => isWord(index)),
        );
      }),
    );
  });

  test('say what the parameters say', () => {
    const of = (parameters: string) =>
      sshProgram(parseUri(`qemu+ssh://h/system?${parameters}`)).options.slice(
        sshProgram(parseUri('qemu+ssh://h/system')).options.length,
      );
    const set = (...settings: readonly string[]) => settings.flatMap((one) => ['-o', one]);
    assert.deepEqual(of('keyfile=/a b'), set('IdentityFile="/a b"', 'IdentitiesOnly=yes'));
    assert.deepEqual(
      of('no_verify=1'),
      set('UserKnownHostsFile=/dev/null', 'StrictHostKeyChecking=no'),
    );
    assert.deepEqual(of('no_verify=0'), []);
    assert.deepEqual(of('no_verify=2'), of('no_verify=1'));
    for (const odd of ['false', 'no', '', '1x', ' ', '0x1']) {
      const parameter = `no_verify=${encodeURIComponent(odd)}`;
      assert.throws(() => of(parameter), coded('BERTH_URI_INVALID', /1 switches it on/), odd);
    }
    assert.deepEqual(of('known_hosts_verify=auto'), set('StrictHostKeyChecking=accept-new'));
    assert.deepEqual(
      of('sshauth=privkey,password'),
      set('PreferredAuthentications=publickey', 'IdentityAgent=none'),
    );
    assert.deepEqual(of('no_tty=1'), []);
    assert.throws(() => of('known_hosts_verify=x'), coded('BERTH_URI_INVALID'));
    assert.throws(() => of('sshauth=magic'), coded('BERTH_URI_INVALID'));
    assert.throws(() => of('sshauth=password'), coded('BERTH_UNSUPPORTED'));
  });
});
