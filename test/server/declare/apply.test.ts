import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { stringify } from 'yaml';
import type { VmDocument } from '../../../src/api/vm-spec.ts';
import { runLine } from '../../cli/run-line.ts';
import { labSkip } from '../../lab/lab-host.ts';
import { done, startRig, tinyVm, until } from '../rig.ts';

const skip = await labSkip();

test(
  'a folder is applied, and planned again nothing is left to do; so after each change',
  { skip },
  async () => {
    await using rig = await startRig();
    const { client, lab, socket } = rig;
    const folder = join(rig.home, 'vms');
    mkdirSync(join(folder, 'web'), { recursive: true });
    const write = (file: string, ...documents: readonly VmDocument[]): void =>
      writeFileSync(join(folder, file), documents.map((one) => stringify(one)).join('---\n'));
    const named = (name: string, labels: Record<string, string>, size = '64MiB'): VmDocument => {
      const vm = tinyVm(lab, name, { memory: { size } });
      return { ...vm, metadata: { name, labels } };
    };
    const berth = async (...words: readonly string[]) => runLine(words, { socket });
    const applied = async (...words: readonly string[]): Promise<string> => {
      const ran = await berth('apply', '-f', folder, ...words);
      assert.equal(ran.status, 0, ran.stderr + ran.stdout);
      return ran.stdout;
    };
    write('db.yaml', named('db', { app: 'db' }));
    write('web/all.yaml', named('web1', { app: 'web' }), named('web2', { app: 'web' }));

    const first = await berth('plan', '-f', folder);
    assert.equal(first.status, 0, first.stderr);
    assert.match(first.stdout, /web2 -> h1 /);
    assert.match(first.stdout, /3 to create/);
    assert.deepEqual(await client.vms(), []);
    assert.match(await applied('--no-start'), /3 of 3 done/);
    assert.match((await berth('plan', '-f', folder)).stdout, /^3 as they should be\n$/);
    assert.match(await applied(), /nothing to do/);

    write('db.yaml', named('db', { app: 'db', tier: 'gold' }, '96MiB'));
    const changed = await berth('plan', '-f', folder);
    assert.match(changed.stdout, /db changes on h1: at once/);
    assert.match(changed.stdout, /spec\.memory\.size +64 MiB +96 MiB +live/);
    assert.match(await applied(), /1 of 1 done/);
    assert.match((await berth('plan', '-f', folder)).stdout, /^3 as they should be\n$/);

    execFileSync('virsh', ['-c', lab.uri, 'setmaxmem', 'web1', '128M', '--config']);
    await until('the drift', async () => (await client.drift('web1')).length > 0);
    const drifted = await berth('drift', '--json');
    assert.match(drifted.stdout, /"vm": "web1"/);
    assert.match((await berth('plan', '-f', folder)).stdout, /memory +64 MiB +128 MiB/);
    assert.match(await applied(), /1 of 1 done/);
    assert.match((await berth('plan')).stdout, /every VM is as its document says/);

    rmSync(join(folder, 'web'), { recursive: true });
    assert.match(await applied(), /nothing to do/);
    assert.equal((await client.vms()).length, 3);
    const unasked = await berth('apply', '-f', folder, '--prune', '-l', 'app=web');
    assert.equal(unasked.status, 2);
    assert.equal((await client.vms()).length, 3);
    assert.match(await applied('--prune', '-l', 'app=web', '--yes'), /2 of 2 done/);
    assert.deepEqual(
      (await client.vms()).map(({ name }) => name),
      ['db'],
    );
    await done(client, await client.removeVm('db', { force: true }));
  },
);

test('what cannot be carried out whole is refused before anything is begun', { skip }, async () => {
  await using rig = await startRig();
  const { client, lab, socket } = rig;
  const file = join(rig.home, 'two.yaml');
  const small = tinyVm(lab, 'small', { memory: { size: '64MiB' } });
  const large = tinyVm(lab, 'large', { cpu: { count: 9, policy: 'dedicated' } });
  writeFileSync(file, [small, large].map((one) => stringify(one)).join('---\n'));
  const ran = await runLine(['apply', '-f', file], { socket });
  assert.equal(ran.status, 4);
  assert.match(ran.stdout, /large cannot be placed/);
  assert.deepEqual(await client.vms(), []);
  assert.deepEqual(await client.operations(), []);
});
