import assert from 'node:assert/strict';
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isBerthError, type ErrorCode } from '../../src/base/errors.ts';
import {
  closedFolderOnTheWay,
  isStateFolder,
  openStateFolder,
  removeStateFolder,
  stateFolder,
} from '../../src/local/state-folder.ts';

const UID = process.getuid?.() ?? 0;
const ROOT_ONLY = UID === 0 ? false : 'needs: root, to make what belongs to others';

const base = await mkdtemp(join(tmpdir(), 'berth-state-'));
after(async () => rm(base, { recursive: true }));
let count = 0;
const fresh = (): string => join(base, `home ${(count += 1)}`);
const open = async (home: string): Promise<boolean> => openStateFolder(stateFolder(home), UID);

const coded =
  (code: ErrorCode, text = /./) =>
  (error: unknown): boolean =>
    isBerthError(error, code) && text.test(`${error.message} ${error.hint}`);

test('a state folder is made once, and can be passed through but not listed by others', async () => {
  const home = fresh();
  assert.equal(await isStateFolder(home), false);
  assert.equal(await open(home), true);
  assert.equal(await open(home), false);
  assert.equal(await isStateFolder(home), true);
  const mode = async (path: string): Promise<number> => (await stat(join(home, path))).mode & 0o777;
  assert.equal(await mode('.'), 0o711);
  assert.equal(await mode('run'), 0o700);
  assert.equal(await mode('log'), 0o700);
  assert.equal(await mode('images'), 0o755);
});

test('the umask of whoever runs it does not close the way to the images', async () => {
  const home = fresh();
  const before = process.umask(0o077);
  try {
    await open(home);
  } finally {
    process.umask(before);
  }
  assert.equal(await closedFolderOnTheWay(join(home, 'images')), await closedFolderOnTheWay(base));
});

test('an empty folder is taken, one with other things in it is not, nor is a file', async () => {
  const empty = fresh();
  await mkdir(empty);
  assert.equal(await open(empty), true);
  const full = fresh();
  await mkdir(full);
  await writeFile(join(full, 'thesis.tex'), '');
  await assert.rejects(open(full), coded('BERTH_CONFLICT', /BERTH_HOME/));
  assert.deepEqual(await readdir(full), ['thesis.tex']);
  await assert.rejects(open(join(full, 'thesis.tex')), coded('BERTH_CONFLICT'));
  await assert.rejects(open(join(full, 'thesis.tex', 'x')), coded('BERTH_CONFLICT'));
});

test('the root, a home and a path too long for a socket cannot be state folders', async () => {
  for (const home of ['/', homedir()]) {
    await assert.rejects(open(home), coded('BERTH_SPEC_INVALID', /folder of its own/));
  }
  await assert.rejects(open(join(base, 'x'.repeat(100))), coded('BERTH_SPEC_INVALID', /bytes/));
});

test('another user’s folder is refused, even to root', { skip: ROOT_ONLY }, async () => {
  const home = fresh();
  await open(home);
  await chown(home, 65_534, 65_534);
  await assert.rejects(open(home), coded('BERTH_PERMISSION', /user 65534/));
});

test('a place where nobody can make folders is refused with what to do', async () => {
  await assert.rejects(open('/sys/berth'), coded('BERTH_PERMISSION', /BERTH_HOME/));
  await assert.rejects(open('/proc/berth/a'), coded('BERTH_PERMISSION', /BERTH_HOME/));
});

test('only a state folder is deleted, and nothing that links lead to', async () => {
  const other = fresh();
  await mkdir(other);
  await writeFile(join(other, 'keep'), '');
  await assert.rejects(removeStateFolder(other), coded('BERTH_CONFLICT'));
  await assert.rejects(removeStateFolder(join(base, 'none')), coded('BERTH_CONFLICT'));
  const home = fresh();
  await open(home);
  await symlink(other, join(home, 'link'));
  await removeStateFolder(home);
  await assert.rejects(stat(home), { code: 'ENOENT' });
  assert.deepEqual(await readdir(other), ['keep']);
});

test('a state folder behind a symbolic link is emptied, and the link stays', async () => {
  const [target, link] = [fresh(), fresh()];
  await mkdir(target);
  await symlink(target, link);
  await open(link);
  await removeStateFolder(link);
  assert.deepEqual(await readdir(target), []);
  assert.equal(await open(link), true);
});

test('the first closed folder on the way to a file is named', async () => {
  const closed = join(fresh(), 'closed');
  await mkdir(join(closed, 'inner'), { recursive: true });
  await chmod(base, 0o755);
  await chmod(closed, 0o750);
  assert.equal(await closedFolderOnTheWay(join(closed, 'inner')), closed);
  await chmod(closed, 0o711);
  assert.equal(await closedFolderOnTheWay(join(closed, 'inner')), undefined);
});
