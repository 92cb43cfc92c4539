import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HostLink } from '../../src/host/host-link.ts';
import { observe, readFixture } from '../../src/host/observe.ts';
import { readFreeMemory, readFreePages } from '../../src/host/free-memory.ts';
import { labHost, labSkip } from '../lab/lab-host.ts';
import { cannedLink } from './canned-link.ts';

const WAIT = { deadlineMs: 20_000 };

/** As libvirt 9.0 says it: a node without NUMA cells (virhostmem.c), and its own test driver. */
const NO_CELLS = 'internal error: start cell 0 out of range (0--1)';
const NO_ERROR = 'Library function returned error but did not set virError';
const RANGE = 'internal error: Range exceeds available cells';

/** Capabilities of a host of which libvirt tells no cell. */
const CELLLESS = `<capabilities><host><cpu><arch>x86_64</arch></cpu></host>
  <guest><os_type>hvm</os_type><arch name='x86_64'><domain type='qemu'/></arch></guest></capabilities>`;
const INFO = {
  model: 'x86_64',
  memory: 4_194_304n,
  cpus: 4,
  mhz: 2000,
  nodes: 1,
  sockets: 1,
  cores: 4,
  threads: 1,
};

describe('a host that does not tell what is free', () => {
  const plan = { cellIds: [0, 1], pageSizesKiB: [4, 2048] };

  test('has no figures for it, and no error', async () => {
    const link = await cannedLink({
      nodeGetCellsFreeMemory: NO_ERROR,
      nodeGetFreePages: RANGE,
    });
    assert.deepEqual(await readFreeMemory(link, plan, WAIT), []);
    assert.deepEqual(await readFreePages(link, plan, WAIT), []);
  });

  test('is believed about the whole where it has one cell', async () => {
    const link = await cannedLink({
      nodeGetCellsFreeMemory: NO_CELLS,
      nodeGetFreeMemory: { freeMem: 4096n },
    });
    const one = [{ cell: 0, bytes: 4096 }];
    assert.deepEqual(await readFreeMemory(link, { cellIds: [0] }, WAIT), one);
    assert.deepEqual(await readFreeMemory(link, { cellIds: [1] }, WAIT), []);
  });

  test('is one cell with all that it counts where it tells of none', async () => {
    const link = await cannedLink({
      connectGetCapabilities: { capabilities: CELLLESS },
      connectListAllNodeDevices: { devices: [], ret: 0 },
      nodeGetInfo: INFO,
      nodeGetCellsFreeMemory: NO_CELLS,
      nodeGetFreeMemory: { freeMem: 1_073_741_824n },
    });
    const { topology, unknown } = await observe(link, await readFixture(link, WAIT), WAIT);
    const [cell, ...others] = topology.cells;
    assert.deepEqual(others, []);
    assert.deepEqual([cell?.id, cell?.memoryBytes, cell?.freeBytes], [0, 2 ** 32, 2 ** 30]);
    assert.deepEqual(
      cell?.cpus.map(({ id }) => id),
      [0, 1, 2, 3],
    );
    assert.ok(unknown.includes('cells and CPU numbers, as only counts are told'));
    assert.ok(unknown.includes('SMT siblings'));
  });

  test('is not to be observed where it tells nothing of a CPU at all', async () => {
    const link = await cannedLink({
      connectGetCapabilities: { capabilities: CELLLESS },
      connectListAllNodeDevices: { devices: [], ret: 0 },
      nodeGetInfo: 'this function is not supported by the connection driver',
      nodeGetCellsFreeMemory: NO_ERROR,
      nodeGetFreeMemory: NO_ERROR,
    });
    const fixture = await readFixture(link, WAIT);
    await assert.rejects(observe(link, fixture, WAIT), /neither the capabilities nor sysfs/);
  });
});

test(
  'libvirt’s own test host is observed, and what it gives an error for is unknown',
  { skip: await labSkip() },
  async () => {
    const { host } = await labHost();
    const uri = `test+unix:///default?socket=${host.socket}`;
    const address = { name: 'pretended', uri, environment: { uid: 0 } };
    await using link = await HostLink.open(address, WAIT);
    const fixture = await readFixture(link, WAIT);
    assert.deepEqual(await readFreePages(link, fixture, WAIT), []);
    const { topology, unknown } = await observe(link, fixture, WAIT);
    // It is nothing of this machine, whose files would say otherwise.
    assert.deepEqual(unknown, [
      'offline CPUs, as sysfs was not read',
      'L3 caches',
      'distances from cell 0',
      'distances from cell 1',
    ]);
    assert.deepEqual(
      topology.cells.map(({ cpus, memoryBytes }) => [cpus.length, memoryBytes / 2 ** 30]),
      [
        [8, 2],
        [8, 4],
      ],
    );
  },
);
