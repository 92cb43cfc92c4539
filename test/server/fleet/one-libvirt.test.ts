import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBerthError } from '../../../src/base/errors.ts';
import { Fleet } from '../../../src/server/fleet/fleet.ts';
import { labSkip } from '../../lab/lab-host.ts';
import { quietPorts } from '../quiet-ports.ts';
import { startBareFleet } from './bare-fleet.ts';

test(
  'one libvirt that two servers reach by two ways is registered once',
  { skip: await labSkip() },
  async () => {
    await using bare = await startBareFleet();
    const { store, lab } = bare;
    const other = new Fleet(store, { uid: 0 }, quietPorts());
    try {
      await other.start();
      const socket = new URL(lab.uri).searchParams.get('socket') ?? '';
      await bare.fleet.add('one', lab.uri);
      await assert.rejects(
        other.add('other', `qemu:///system?socket=${socket}&no_verify=1`),
        (error) => isBerthError(error, 'BERTH_EXISTS') && error.message.includes('as "one"'),
      );
      assert.deepEqual(
        (await store.hosts.list()).map(({ name }) => name),
        ['one'],
      );
    } finally {
      await other.stop();
    }
  },
);
