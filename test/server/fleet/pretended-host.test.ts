import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labSkip } from '../../lab/lab-host.ts';
import { startRig } from '../rig.ts';

test(
  'a host that gives an error for what is free is taken in with that unknown',
  { skip: await labSkip() },
  async () => {
    await using rig = await startRig();
    const uri = `test+unix:///default?socket=${rig.lab.host.socket}`;
    await rig.client.addHost({ name: 'pretended', uri });
    const { state, topology, unknown = [] } = await rig.client.host('pretended');
    assert.equal(state, 'connected');
    assert.equal(topology.cells.length, 2);
    assert.ok(unknown.includes('offline CPUs, as sysfs was not read'));
  },
);
