import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isBerthError } from '../../src/base/errors.ts';
import { machineWish } from '../../src/cli/machine-word.ts';
import { onlineCpus } from '../../src/model/topology.ts';

const OPTIONS = { scratch: tmpdir(), signal: new AbortController().signal };

/** What a word makes of a host, in short. */
async function meaning(word: string): Promise<unknown> {
  const wish = await machineWish(word, OPTIONS);
  if (wish.kind === 'kvm') return `kvm ${wish.machine}`;
  if (wish.machine === undefined) return 'this machine';
  const { name, topology } = wish.machine;
  return `${name}: ${topology.cells.length} cells, ${onlineCpus(topology).length} CPUs`;
}

test('a word is a name, a description, or this machine', async () => {
  assert.equal(await meaning('this'), 'this machine');
  assert.equal(await meaning('kvm-host'), 'kvm kvm-host');
  assert.equal(await meaning('epyc-7763-2s-nps4'), 'epyc-7763-2s-nps4: 8 cells, 256 CPUs');
  const description = 'sockets=2,cells=2,cores=4,threads=2,memory=8GiB';
  assert.equal(await meaning(description), `${description}: 4 cells, 16 CPUs`);
});

test('a path is a machine file, which a name wins over', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-machine-'));
  try {
    const path = join(folder, 'small.yaml');
    await writeFile(path, 'sockets: 2\ncores: 3\nmemory: 4GiB\n');
    assert.equal(await meaning(path), 'small: 2 cells, 6 CPUs');
    await writeFile(path, 'sockets: 2\ncoers: 3\n');
    await assert.rejects(machineWish(path, OPTIONS), (error) => {
      assert.ok(isBerthError(error, 'BERTH_SPEC_INVALID'));
      assert.match(error.message, /small\.yaml:2:1: /);
      return true;
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a word that means nothing is refused, with what would mean something', async () => {
  await assert.rejects(machineWish('epyc-7763', OPTIONS), (error) => {
    assert.ok(isBerthError(error, 'BERTH_NOT_FOUND'));
    for (const name of ['this', 'kvm-host', 'ryzen-5700g'])
      assert.ok(error.data.known.includes(name));
    return true;
  });
  await assert.rejects(machineWish('./nowhere.yaml', OPTIONS), (error) => {
    assert.ok(isBerthError(error, 'BERTH_SPEC_INVALID'));
    assert.match(error.message, /there is no file or folder \.\/nowhere\.yaml/);
    return true;
  });
  await assert.rejects(machineWish('cores=none,memory=1GiB', OPTIONS), (error) =>
    isBerthError(error, 'BERTH_SPEC_INVALID'),
  );
});
