import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isBerthError } from '../../../src/base/errors.ts';
import { runLine } from '../../cli/run-line.ts';
import { labSkip, startLabHost } from '../../lab/lab-host.ts';
import { done, startRig, until } from '../rig.ts';

const skip = await labSkip();

test(
  'of two foreign domains of one name, the one is meant whose host or UUID is said',
  { skip },
  async () => {
    await using rig = await startRig();
    const { client, lab, socket } = rig;
    const other = await startLabHost('same-names');
    await client.addHost({ name: 'h2', uri: other.uri });
    const file = join(rig.home, 'twin.xml');
    writeFileSync(
      file,
      `<domain type='qemu'><name>twin</name><memory unit='MiB'>64</memory>
        <os><type arch='x86_64' machine='q35'>hvm</type></os></domain>`,
    );
    const uris = [lab.uri, other.uri];
    for (const uri of uris) execFileSync('virsh', ['-c', uri, 'define', file]);
    try {
      const twins = async () => (await client.vms()).filter(({ name }) => name === 'twin');
      await until('both twins', async () => (await twins()).length === 2);
      const [, second] = (await twins()).toSorted((a, b) => a.host.localeCompare(b.host));
      assert.equal(second?.host, 'h2');

      await assert.rejects(client.act('twin', 'start'), (error) => {
        assert.ok(isBerthError(error, 'BERTH_CONFLICT'));
        assert.match(error.message, /h1\/twin .*h2\/twin/);
        return true;
      });
      const shown = await runLine(['vm', 'show', 'twin'], { socket });
      assert.equal(shown.status, 4);
      assert.match(shown.stderr, /HOST\/NAME, or by its UUID/);
      assert.equal((await client.vm('h2/twin')).uuid, second.uuid);
      assert.equal((await client.vm(second.uuid)).host, 'h2');

      await done(client, await client.adoptVm('h2/twin', { app: 'twin' }));
      assert.deepEqual((await client.vm('h2/twin')).labels, { app: 'twin' });
      assert.deepEqual((await client.vm('h1/twin')).labels, {});
      await done(client, await client.act('h2/twin', 'start'));
      assert.equal((await client.vm('h2/twin')).state, 'running');
      assert.equal((await client.vm('h1/twin')).state, 'shutoff');
    } finally {
      for (const uri of uris) {
        const running = execFileSync('virsh', ['-c', uri, 'list', '--name']).toString();
        if (running.includes('twin')) execFileSync('virsh', ['-c', uri, 'destroy', 'twin']);
        execFileSync('virsh', ['-c', uri, 'undefine', 'twin']);
      }
      await until('the end of both', async () => (await client.vms()).length === 0);
    }
  },
);
