import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { labSkip } from '../../lab/lab-host.ts';
import { startRig, tinyVm } from '../rig.ts';

const PYTHON = '/usr/bin/python3';
const FOLDER = fileURLToPath(new URL('python/', import.meta.url));

/** Runs a script of Python, which must succeed; with a folder whose modules it may import. */
async function python(modules: string, args: readonly string[], input = ''): Promise<string> {
  const env = { ...process.env, PYTHONPATH: modules, PYTHONDONTWRITEBYTECODE: '1' };
  const run = spawn(PYTHON, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
  run.stdin.end(input);
  const [said, errors, [status]] = await Promise.all([
    text(run.stdout),
    text(run.stderr),
    once(run, 'close'),
  ]);
  assert.equal(status, 0, errors);
  return said;
}

const unmet = existsSync(PYTHON) ? await labSkip() : 'needs: python3';

test(
  'a client made for Python from the description of the API takes a VM through its life',
  { skip: unmet },
  async () => {
    await using rig = await startRig();
    const folder = await mkdtemp(join(tmpdir(), 'berth-python-'));
    const client = join(folder, 'berth_client.py');
    await python(folder, [join(FOLDER, 'generate.py'), 'docs/openapi.json', client]);
    const document = {
      ...tinyVm(rig.lab, 'snake'),
      metadata: { name: 'snake', labels: { 'made-by': 'python' } },
    };
    const script = [join(FOLDER, 'life_cycle.py'), rig.socket];
    const told: unknown = JSON.parse(await python(folder, script, JSON.stringify(document)));
    assert.deepEqual(told, [
      'create',
      'shutoff',
      'start',
      ['snake'],
      [409, 'BERTH_CONFLICT'],
      'stop',
      'remove',
      [404, 'BERTH_NOT_FOUND'],
    ]);
    await rm(folder, { recursive: true });
  },
);
