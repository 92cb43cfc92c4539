import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink } from 'node:fs/promises';
import { truncate, writeFile } from 'node:fs/promises';
import { rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { recordedMachine } from '../../../src/lab/machine/recorded-machine.ts';
import { readRecordedTree } from '../../../src/lab/machine/recorded-tree.ts';
import { ARCHIVE_ENTRIES_MAX, withArchive } from '../../../src/lab/machine/tree-archive.ts';
import { describedMachine } from '../../../src/lab/machine/shown-machine.ts';
import { GIB } from '../../../src/base/units.ts';
import { onlineCpus } from '../../../src/model/topology.ts';

const MACHINE = describedMachine({ name: 'm' }, { sockets: 2, cores: 2, memoryBytes: GIB });
const CPU = 'sys/devices/system/cpu';

let folder = '';
let scratch = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-recorded-'));
  scratch = join(folder, 'scratch');
  await mkdir(scratch);
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** Writes a recorded tree and says where. */
async function recordTree(name: string): Promise<string> {
  const files = { ...MACHINE.files, 'proc/cpuinfo': 'vendor_id\t: GenuineIntel\n' };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name, path)), { recursive: true });
    await writeFile(join(folder, name, path), text);
  }
  return join(folder, name);
}

test('an unpacked tree is the machine it was recorded on, whole and nothing unknown', async () => {
  const tree = await recordTree('tree/only');
  for (const path of [tree, dirname(tree)]) {
    const machine = await recordedMachine(path, { scratch });
    assert.deepEqual(machine.topology, MACHINE.topology);
    assert.deepEqual(machine.unknown, []);
  }
});

for (const [suffix, flag] of [
  ['tar', '--create'],
  ['tar.gz', '--gzip'],
  ['tar.bz2', '--bzip2'],
  ['tar.xz', '--xz'],
] as const) {
  test(`a .${suffix} archive is read, and nothing of it stays`, async () => {
    const tree = await recordTree('my-server');
    execFileSync('chmod', ['-R', 'a-w', join(tree, 'sys')]);
    const archive = join(folder, `my-server.${suffix}`);
    execFileSync('tar', ['--create', flag, '--file', archive, '-C', folder, 'my-server']);
    execFileSync('chmod', ['-R', 'u+w', tree]);
    const machine = await recordedMachine(archive, { scratch });
    assert.equal(machine.name, 'my-server');
    assert.deepEqual(machine.topology, MACHINE.topology);
    assert.deepEqual(await readdir(scratch), []);
  });
}

test('links are followed inside the tree and never out of it', async () => {
  const tree = await recordTree('tree');
  const outside = join(folder, 'secret');
  await writeFile(outside, '0-1\n');
  await rm(join(tree, CPU, 'online'));
  await symlink('present', join(tree, CPU, 'online'));
  await symlink(outside, join(tree, CPU, 'isolated'));
  await symlink('/proc/self/environ', join(tree, CPU, 'nohz_full'));
  await symlink('loop', join(tree, CPU, 'loop'));
  await symlink(folder, join(tree, 'sys/devices/system/node/node7'));
  const machine = await recordedMachine(tree, { scratch });
  assert.equal(machine.files[`${CPU}/online`], '0-3\n');
  const read = Object.keys(machine.files);
  for (const name of ['isolated', 'nohz_full', 'loop']) {
    assert.ok(!read.includes(`${CPU}/${name}`), `${name} is not read`);
  }
  assert.deepEqual(machine.topology, MACHINE.topology);
});

test('this machine itself is a tree', async () => {
  const machine = await recordedMachine('/', { scratch });
  assert.equal(onlineCpus(machine.topology).length, cpus().length);
});

test('a tree whose folders all lead elsewhere is no machine', async () => {
  await mkdir(join(folder, 'tree'));
  await symlink('/sys', join(folder, 'tree', 'sys'));
  await assert.rejects(recordedMachine(join(folder, 'tree'), { scratch }), {
    code: 'BERTH_FACTS_INVALID',
  });
});

test('a pipe in a tree is passed over, not waited for', async () => {
  const tree = await recordTree('tree');
  execFileSync('mkfifo', [join(tree, CPU, 'isolated')]);
  assert.deepEqual((await recordedMachine(tree, { scratch })).topology, MACHINE.topology);
});

test('an archive with a device node or with names that lead out of it is refused', async () => {
  const tree = await recordTree('tree');
  execFileSync('mkfifo', [join(tree, 'pipe')]);
  const archive = join(folder, 'a.tar');
  const tar = (...args: readonly string[]): unknown =>
    execFileSync('tar', ['--create', '--file', archive, ...args], { stdio: 'pipe' });
  tar('-C', folder, 'tree');
  await assert.rejects(recordedMachine(archive, { scratch }), {
    code: 'BERTH_SPEC_INVALID',
    message: /something else than files, folders and links: p/,
  });
  await writeFile(join(folder, 'escaped'), 'x');
  tar('--absolute-names', '-C', tree, '--transform=s,^,../,', 'proc');
  await assert.rejects(recordedMachine(archive, { scratch }), { code: 'BERTH_SPEC_INVALID' });
  assert.deepEqual(await readdir(scratch), []);
});

test('an archive that is cut short, or is none, is named with what tar says of it', async () => {
  const archive = join(folder, 'cut.tar.gz');
  for (const bytes of [0, 7, 40]) {
    await writeFile(archive, Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0]), Buffer.alloc(bytes)]));
    await assert.rejects(recordedMachine(archive, { scratch }), {
      code: 'BERTH_SPEC_INVALID',
      message: /cut\.tar\.gz: tar cannot read all of it: \w/,
    });
  }
  assert.deepEqual(await readdir(scratch), []);
});

test('an archive that unpacks to more than any machine is refused before it is unpacked', async () => {
  await writeFile(join(folder, 'huge'), '');
  await truncate(join(folder, 'huge'), 600 * 1024 ** 2);
  const archive = join(folder, 'a.tar.gz');
  execFileSync('tar', ['--create', '--sparse', '--gzip', '--file', archive, '-C', folder, 'huge']);
  await assert.rejects(recordedMachine(archive, { scratch }), { code: 'BERTH_TOO_LARGE' });
});

/** Makes an archive of a folder's content, the folder itself included as `./`. */
function pack(archive: string, content: string, ...options: readonly string[]): string {
  execFileSync('tar', [
    '--create',
    '--force-local',
    '--file',
    archive,
    ...options,
    '-C',
    content,
    '.',
  ]);
  return archive;
}

test('modes that an archive asks for open nothing to others while it is read', async () => {
  const content = join(folder, 'content');
  await mkdir(content);
  await writeFile(join(content, 'program'), '');
  await chmod(join(content, 'program'), 0o4777);
  await chmod(content, 0o777);
  const archive = pack(join(folder, 'a.tar'), content);
  await withArchive(archive, { scratch }, async (tree) => {
    const [around = ''] = await readdir(scratch);
    assert.equal((await stat(join(scratch, around))).mode & 0o777, 0o700);
    assert.equal((await stat(tree)).mode & 0o022, 0);
    assert.equal((await stat(join(tree, 'program'))).mode & 0o7022, 0);
  });
  assert.deepEqual(await readdir(scratch), []);
});

test('an archive of a link to this machine is not this machine', async () => {
  const content = join(folder, 'content');
  await mkdir(content);
  await symlink('/', join(content, 'x'));
  const expected = { code: 'BERTH_SPEC_INVALID', message: /no sys\/devices\/system\/cpu in it/ };
  const archive = pack(join(folder, 'a.tar'), content);
  await assert.rejects(recordedMachine(archive, { scratch }), expected);
  await assert.rejects(recordedMachine(content, { scratch }), expected);
});

test('an archive with a colon in its path is a file of this machine', async (t) => {
  await recordTree('content/a:b');
  const archive = pack(join(folder, 'host:b.tar'), join(folder, 'content'));
  const own = process.cwd();
  t.after(() => {
    process.chdir(own);
  });
  process.chdir(folder);
  for (const path of ['host:b.tar', archive]) {
    assert.deepEqual((await recordedMachine(path, { scratch })).topology, MACHINE.topology);
  }
});

test('an archive of more entries than any machine has is refused before it is unpacked', async () => {
  await writeFile(join(folder, 'e'), '');
  const archive = join(folder, 'a.tar.gz');
  const names = 'e\n'.repeat(ARCHIVE_ENTRIES_MAX + 1);
  const options = ['--create', '--gzip', '--file', archive, '-C', folder, '--files-from=-'];
  execFileSync('tar', options, { input: names });
  await assert.rejects(recordedMachine(archive, { scratch }), {
    code: 'BERTH_TOO_LARGE',
    message: /the entries of/,
  });
});

test('what goes while a tree is read is left out', async () => {
  const tree = await recordTree('tree');
  const fleeting = join(tree, 'sys/devices/system/node/fleeting');
  let isReading = true;
  const flicker = (): void => {
    writeFileSync(fleeting, '');
    rmSync(fleeting);
    writeFileSync(fleeting, '');
    setImmediate(() => {
      rmSync(fleeting);
      if (isReading) setImmediate(flicker);
    });
  };
  flicker();
  try {
    for (let round = 0; round < 15; round++) {
      const files = await readRecordedTree(tree);
      assert.equal(files[`${CPU}/online`], '0-3\n');
    }
  } finally {
    isReading = false;
  }
});

test('what is no recorded machine is refused, saying what would be', async () => {
  await writeFile(join(folder, 'a.txt'), '');
  await writeFile(join(folder, 'a.xml.gz'), 'plain');
  await writeFile(join(folder, 'b.xml.gz'), gzipSync('<domain/>'));
  await writeFile(join(folder, 'a.tar'), 'plain');
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['none', 'BERTH_SPEC_INVALID', /no such file or folder/],
    ['a.txt', 'BERTH_SPEC_INVALID', /in no form that is known/],
    ['a.xml.gz', 'BERTH_SPEC_INVALID', /no gzip file/],
    ['b.xml.gz', 'BERTH_FACTS_INVALID', /no export of hwloc/],
    ['a.tar', 'BERTH_SPEC_INVALID', /tar/],
    ['scratch', 'BERTH_SPEC_INVALID', /no sys\/devices\/system\/cpu in it/],
  ];
  for (const [name, code, message] of cases) {
    await assert.rejects(recordedMachine(join(folder, name), { scratch }), { code, message });
  }
});

test('reading ends when it is interrupted', async () => {
  const tree = await recordTree('tree');
  const signal = AbortSignal.abort();
  await assert.rejects(recordedMachine(tree, { scratch, signal }), { code: 'BERTH_INTERRUPTED' });
});
