import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { OTHER_USER, otherUserUnmetNeed } from '../lab/other-user.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const LAUNCHER = ['berth', 'scripts/node24.sh', 'package.json', 'package-lock.json'];

const folders: string[] = [];
after(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

/** A stand-in for npm: notes its arguments, waits if a gate is there, installs what matters. */
const NPM = `#!/bin/sh
echo "$*" >>"$TEST_FOLDER/npm.log"
if [ -p "$TEST_FOLDER/gate" ]; then read -r _ <"$TEST_FOLDER/gate"; fi
[ ! -e "$TEST_FOLDER/npm-fails" ] || { echo "npm error: no network" >&2; exit 1; }
rm -rf node_modules
mkdir -p node_modules/.bin
ln -s "$TEST_NODE" node_modules/.bin/node
case "$*" in *include=dev*) mkdir node_modules/typescript; : >node_modules/typescript/package.json;; esac
: >node_modules/.package-lock.json
`;

const MAIN =
  'console.log(JSON.stringify([process.argv.slice(2), process.cwd(), process.version]));\n';

interface Clone {
  readonly folder: string;
  readonly checkout: string;
  readonly env: Record<string, string>;
}

/** A fresh clone in a path with spaces, on a machine that has the given Node. */
async function freshClone(nodeVersion: string | undefined): Promise<Clone> {
  const folder = await mkdtemp(join(tmpdir(), 'berth launcher '));
  folders.push(folder);
  await chmod(folder, 0o755);
  const checkout = join(folder, 'my clone');
  for (const file of LAUNCHER) {
    await mkdir(join(checkout, file, '..'), { recursive: true });
    await cp(join(ROOT, file), join(checkout, file));
  }
  await mkdir(join(checkout, 'src', 'main'), { recursive: true });
  await writeFile(join(checkout, 'src', 'main', 'berth.mjs'), MAIN);
  const bin = join(folder, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'npm'), NPM, { mode: 0o755 });
  if (nodeVersion !== undefined) {
    await writeFile(join(bin, 'node'), `#!/bin/sh\necho ${nodeVersion}\n`, { mode: 0o755 });
  }
  const env = {
    PATH: [bin, '/usr/bin', '/bin'].join(delimiter),
    TEST_FOLDER: folder,
    TEST_NODE: process.execPath,
  };
  return { folder, checkout, env };
}

function run(clone: Clone, options: { args?: string[]; cwd?: string; program?: string } = {}) {
  const program = options.program ?? join(clone.checkout, 'berth');
  return spawnSync(program, options.args ?? [], {
    cwd: options.cwd ?? clone.folder,
    env: clone.env,
    encoding: 'utf8',
  });
}

const npmCalls = async ({ folder }: Clone): Promise<readonly string[]> =>
  (await readFile(join(folder, 'npm.log'), 'utf8').catch(() => '')).split('\n').filter(Boolean);

/** Waits until a process has said something on standard error. */
async function heard(child: ChildProcess, words: RegExp): Promise<void> {
  let text = '';
  for await (const chunk of child.stderr ?? []) {
    text += String(chunk);
    if (words.test(text)) return;
  }
  assert.fail(`it ended without saying ${words}: ${text}`);
}

test('a first call installs, once, and runs on Node 24 with the arguments and folder it was called with', async () => {
  const clone = await freshClone('v20.20.2');
  const link = join(clone.folder, 'a link');
  await symlink(join(clone.checkout, 'berth'), link);
  const first = run(clone, { program: link, args: ['vm', 'a b', '$HOME'], cwd: tmpdir() });
  assert.equal(first.status, 0, first.stderr);
  assert.deepEqual(JSON.parse(first.stdout), [['vm', 'a b', '$HOME'], tmpdir(), process.version]);
  assert.match(first.stderr, /installing Berth's packages, once/);
  const second = run(clone);
  assert.equal(second.status, 0, second.stderr);
  assert.equal(second.stderr, '');
  assert.deepEqual(await npmCalls(clone), ['ci --omit=dev --include=optional --loglevel=error']);
});

test('two first calls at once install once', async () => {
  const clone = await freshClone('v20.20.2');
  const gate = join(clone.folder, 'gate');
  assert.equal(spawnSync('mkfifo', [gate]).status, 0);
  const start = () => spawn(join(clone.checkout, 'berth'), ['x'], { env: clone.env });
  const first = start();
  await heard(first, /installing/);
  const second = start();
  await heard(second, /waiting for another process/);
  const ends = [once(first, 'exit'), once(second, 'exit')];
  await writeFile(gate, 'go\n');
  assert.deepEqual(await Promise.all(ends), [
    [0, null],
    [0, null],
  ]);
  assert.equal((await npmCalls(clone)).length, 1);
});

test('an install that was broken off is not trusted, and done anew', async () => {
  const clone = await freshClone('v20.20.2');
  assert.equal(run(clone).status, 0);
  await writeFile(join(clone.checkout, 'package-lock.json'), '{"changed": true}\n');
  const gate = join(clone.folder, 'gate');
  assert.equal(spawnSync('mkfifo', [gate]).status, 0);
  const broken = spawn(join(clone.checkout, 'berth'), [], { env: clone.env, detached: true });
  await heard(broken, /installing/);
  const ended = once(broken, 'exit');
  process.kill(-broken.pid!, 'SIGINT'); // what Ctrl-C does: the whole group
  assert.notEqual((await ended)[0], 0);
  await rm(gate);
  const next = run(clone);
  assert.equal(next.status, 0, next.stderr);
  assert.match(next.stderr, /installing/);
});

test('a failed install says so, exits 1 and is tried again', async () => {
  const clone = await freshClone('v20.20.2');
  await writeFile(join(clone.folder, 'npm-fails'), '');
  const failed = run(clone);
  assert.equal(failed.status, 1);
  assert.match(failed.stderr, /npm error: no network\nberth: npm could not install/);
  assert.equal(failed.stdout, '');
  await rm(join(clone.folder, 'npm-fails'));
  assert.equal(run(clone).status, 0);
});

test('a changed package-lock.json is installed, with the development packages where they were', async () => {
  const clone = await freshClone('v20.20.2');
  assert.equal(run(clone).status, 0);
  await mkdir(join(clone.checkout, 'node_modules', 'typescript'));
  await writeFile(join(clone.checkout, 'node_modules', 'typescript', 'package.json'), '');
  await writeFile(join(clone.checkout, 'package-lock.json'), '{"changed": true}\n');
  assert.equal(run(clone).status, 0);
  assert.match((await npmCalls(clone))[1] ?? '', /^ci --include=dev/);
  assert.equal(run(clone).stderr, '');
});

test('packages that somebody installed by hand with npm are good enough', async () => {
  const clone = await freshClone('v20.20.2');
  const npm = spawnSync('npm', ['ci'], { cwd: clone.checkout, env: clone.env });
  assert.equal(npm.status, 0);
  assert.equal(run(clone).status, 0);
  assert.deepEqual(await npmCalls(clone), ['ci']);
  const old = new Date('2020-01-01');
  await utimes(join(clone.checkout, 'node_modules', '.package-lock.json'), old, old);
  assert.equal(run(clone).status, 0);
  assert.equal((await npmCalls(clone)).length, 2, 'but not when they are older than the lockfile');
});

test('what tests need is asked for on top of what running needs, once', async () => {
  const clone = await freshClone('v20.20.2');
  const script = `set -eu; root=$1; . "$root/scripts/node24.sh"; ensure_packages everything; find_node24; "$node" -v`;
  const everything = () =>
    spawnSync('sh', ['-c', script, 'test.sh', clone.checkout], {
      env: clone.env,
      encoding: 'utf8',
    });
  assert.equal(run(clone).status, 0);
  assert.equal(everything().stdout.trim(), process.version);
  assert.equal(everything().stderr, '');
  assert.equal(run(clone).stderr, '', 'and ./berth does not take it away again');
  assert.equal((await npmCalls(clone)).length, 2);
});

test('once installed, a checkout may be read-only', async (t) => {
  const need = otherUserUnmetNeed();
  if (need !== undefined) return t.skip(need);
  const clone = await freshClone('v20.20.2');
  const asNobody = () =>
    spawnSync(join(clone.checkout, 'berth'), [], {
      cwd: '/',
      env: clone.env,
      encoding: 'utf8',
      uid: OTHER_USER,
      gid: OTHER_USER,
    });
  const before = asNobody();
  assert.equal(before.status, 1);
  assert.match(before.stderr, /^berth: .* may not write: run \.\/berth once as its owner\n$/);
  assert.equal(run(clone).status, 0);
  const later = asNobody();
  assert.equal(later.status, 0, later.stderr);
  assert.equal(later.stderr, '');
  return undefined;
});

test('a machine without Node, or with one too old, gets one line that says what to install', async () => {
  for (const [version, line] of [
    [undefined, /^berth: Berth needs Node\.js and npm: .*\n$/],
    ['v16.3.0', /^berth: Node\.js v16\.3\.0 is too old: .*\n$/],
  ] as const) {
    const clone = await freshClone(version);
    // A PATH with the stand-ins and the few programs the launcher uses, so that no other node is found.
    const few = join(clone.folder, 'few');
    await mkdir(few);
    for (const program of ['sh', 'readlink', 'cksum', 'mkdir', 'flock', 'uname']) {
      const place = spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' });
      await symlink(place.stdout.trim(), join(few, program));
    }
    const PATH = [join(clone.folder, 'bin'), few].join(delimiter);
    const result = run({ ...clone, env: { ...clone.env, PATH } });
    assert.equal(result.status, 1);
    assert.match(result.stderr, line);
    assert.deepEqual(await npmCalls(clone), []);
  }
});
