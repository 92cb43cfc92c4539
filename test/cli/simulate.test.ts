import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { parseXml } from '../../src/xml/index.ts';
import { runLine } from './run-line.ts';
import type { Ran, RunOptions } from './run-line.ts';

const SMALL = fileURLToPath(new URL('golden/simulate/small.json', import.meta.url));

let folder = '';
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'berth-simulate-'));
});
after(async () => rm(folder, { recursive: true }));

async function simulate(words: readonly string[], options: Partial<RunOptions> = {}): Promise<Ran> {
  return runLine(['simulate', ...words], { socket: '/nonexistent', ...options });
}

test('--placements writes a line for each placed VM, and the figures stay as they are', async () => {
  const file = path.join(folder, 'placements.jsonl');
  const plain = await simulate(['--workload', SMALL, '--json']);
  const written = await simulate(['--workload', SMALL, '--json', '--placements', file]);
  assert.equal(written.stderr, '');
  assert.equal(written.stdout, plain.stdout);
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
  const rows = lines.map((line) => JSON.parse(line) as { row: number; cells: unknown[] });
  assert.deepEqual(
    rows.map(({ row, cells }) => [row, cells.length]),
    [
      [0, 1],
      [1, 2],
      [2, 0],
      [4, 1],
      [6, 1],
    ],
  );
  assert.match(
    lines[0] ?? '',
    /^\{"row":0,"host":"h-000\d","cells":\[\{"cell":\d,"pcpus":\[\d,\d\],"memoryMiB":2048,"pageKiB":2048\}\]\}$/,
  );
});

test('gzipped files are told by their bytes, and standard input is read', async () => {
  const file = path.join(folder, 'small.whatever');
  await writeFile(file, gzipSync(await readFile(SMALL)));
  const plain = await simulate(['--workload', SMALL, '--json']);
  assert.deepEqual(await simulate(['--workload', file, '--json']), plain);
  const stdin = await readFile(SMALL, 'utf8');
  assert.deepEqual(await simulate(['--workload', '-', '--json'], { stdin }), plain);
});

test('a gzipped file that is damaged is refused as such', async () => {
  const file = path.join(folder, 'damaged.gz');
  await writeFile(file, gzipSync('at,vcpus,memory_mib').subarray(0, 20));
  const { status, stderr } = await simulate(['--workload', file]);
  assert.equal(status, 2);
  assert.match(stderr, /damaged\.gz begins as gzip does, and cannot be unpacked/);
});

test('where lifetimes come from changes nothing for a policy that does not ask', async () => {
  const plain = await simulate(['--workload', SMALL, '--json']);
  for (const source of ['history', 'none']) {
    const words = ['--workload', SMALL, '--json', '--lifetimes', source];
    assert.deepEqual(await simulate(words), plain);
  }
  const { status, stderr } = await simulate(['--workload', SMALL, '--lifetimes', 'stars']);
  assert.equal(status, 2);
  assert.match(stderr, /history, none/);
});

test('a file that cannot be written is told before anything is replayed', async () => {
  const words = ['--workload', SMALL, '--placements', path.join(folder, 'no/such/folder')];
  const { status, stdout, stderr } = await simulate(words);
  assert.equal(status, 2);
  assert.equal(stdout, '');
  assert.match(stderr, /cannot write .*folder/);
});

test('a folder of a report has each plot as a sound SVG, and a page with all of them', async () => {
  const target = path.join(folder, 'report');
  await simulate(['--workload', SMALL, '--report', target]);
  const names = (await readdir(target)).toSorted();
  assert.deepEqual(names, [
    'fragmentation.svg',
    'hosts.svg',
    'index.html',
    'reasons.svg',
    'utilisation.svg',
  ]);
  const page = await readFile(path.join(target, 'index.html'), 'utf8');
  for (const name of names.filter((one) => one.endsWith('.svg'))) {
    const svg = await readFile(path.join(target, name), 'utf8');
    parseXml(svg, name);
    assert.ok(page.includes(svg.trimEnd()), `${name} is in the page`);
    assert.match(svg, /<title id="[^"]+">[^<]+<\/title>\n<desc id="[^"]+">[^<]+<\/desc>/);
    assert.match(svg, /prefers-color-scheme:dark/);
    assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
  }
  assert.doesNotMatch(page, /(?:src|href)=/, 'the page needs no other file');
});

test('Ctrl-C ends the replay, and what is known by then is answered', async () => {
  const file = path.join(folder, 'long.csv');
  const rows = Array.from({ length: 200_000 }, (_, at) => `${at},1,64,${at + 2}`);
  await writeFile(file, `at,vcpus,memory_mib,until\n${rows.join('\n')}\n`);
  const servers = fileURLToPath(new URL('golden/simulate/servers.csv', import.meta.url));
  const controller = new AbortController();
  const { status, stdout, stderr } = await simulate(
    ['--trace', file, '--servers', servers, '--json'],
    { terminal: 80, signal: controller.signal, onStderr: () => controller.abort() },
  );
  assert.equal(status, 130);
  assert.match(stderr, /default {2}\[[#-]{20}\] \d+\/200000 0 refused/);
  const answer = JSON.parse(stdout) as { stopped: boolean; requests: number; placed: number };
  assert.equal(answer.stopped, true);
  assert.ok(answer.requests > 0 && answer.requests < 200_000);
  assert.equal(answer.placed, answer.requests);
});

test('several policies are run one after the other, each once', async () => {
  const twice = await simulate(['--workload', SMALL, '--policy', 'pack', '--policy', 'pack']);
  assert.deepEqual([twice.status, twice.stdout], [2, '']);
  assert.match(twice.stderr, /--policy pack is there twice/);
  const words = ['default', 'spread'].flatMap((name) => ['--policy', name]);
  const { stdout } = await simulate(['--workload', SMALL, '--json', ...words]);
  const { runs } = JSON.parse(stdout) as { runs: readonly { policy: string; requests: number }[] };
  assert.deepEqual(
    runs.map(({ policy, requests }) => [policy, requests]),
    [
      ['default', 7],
      ['spread', 7],
    ],
  );
});

test('a trace without requests has every figure, and an empty file of placements', async () => {
  const workload = path.join(folder, 'none.json');
  const small = JSON.parse(await readFile(SMALL, 'utf8')) as object;
  await writeFile(workload, JSON.stringify({ ...small, requests: [] }));
  const placements = path.join(folder, 'none.jsonl');
  const full = await simulate(['--workload', SMALL, '--json']);
  const none = await simulate(['--workload', workload, '--json', '--placements', placements]);
  assert.equal(none.status, 0);
  const answer = JSON.parse(none.stdout) as Record<string, unknown>;
  assert.deepEqual(Object.keys(answer), Object.keys(JSON.parse(full.stdout) as object));
  assert.deepEqual(
    [answer['requests'], answer['refused'], answer['firstRefusal'], answer['p99us']],
    [0, 0, null, 0],
  );
  assert.equal(await readFile(placements, 'utf8'), '');
});

test('nothing is written over what is read, by whatever name', async () => {
  const input = path.join(folder, 'input.json');
  const link = path.join(folder, 'link.json');
  await copyFile(SMALL, input);
  await symlink(input, link);
  for (const words of [
    ['--placements', link],
    ['--report', link],
    ['--placements', path.join(folder, 'x.html'), '--report', path.join(folder, './x.html')],
  ]) {
    const { status, stderr } = await simulate(['--workload', input, ...words]);
    assert.equal(status, 2, words.join(' '));
    assert.match(stderr, /would write over the file of --(?:workload|placements)/);
  }
  assert.equal(await readFile(input, 'utf8'), await readFile(SMALL, 'utf8'));
});

test('a report that cannot be written is told as every other file is', async () => {
  const report = path.join(folder, 'nowhere', 'r.html');
  const { status, stderr } = await simulate(['--workload', SMALL, '--report', report]);
  assert.equal(status, 2);
  assert.match(stderr, /cannot write .*r\.html: there is no such folder\n/);
});

test('a fleet without hosts is refused before anything is asked of it', async () => {
  const fleet = path.join(folder, 'nobody.yaml');
  const said = [];
  for (const text of ['hosts: []', '[]', '', '{"ratios":{"cpu":1,"ram":1},"hosts":[]}']) {
    await writeFile(fleet, text);
    const { status, stderr } = await simulate(['--fleet', fleet, '--forecast', '1c1g']);
    assert.equal(status, 2);
    said.push(stderr);
  }
  assert.match(said[0] ?? '', /nobody\.yaml: there is no host in it/);
  assert.equal(new Set(said).size, 1);
});
