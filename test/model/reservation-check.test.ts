import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBerthError } from '../../src/base/errors.ts';
import { checkReservation } from '../../src/model/reservation-check.ts';
import type { Cell, HostTopology } from '../../src/model/topology.ts';

const cell = (id: number, cpus: readonly number[]): Cell => ({
  id,
  memoryBytes: 1024 ** 3,
  freeBytes: 0,
  pages: [],
  distances: [],
  cpus: cpus.map((cpu) => ({
    id: cpu,
    socket: id,
    die: 0,
    core: cpu,
    siblings: [cpu],
    online: true,
  })),
  pci: [],
});

const HOST: HostTopology = {
  arch: 'x86_64',
  cells: [cell(0, [0, 1]), cell(1, [2, 3])],
  offlineCpus: [4],
  pciAnywhere: [],
};

type Wanted = Parameters<typeof checkReservation>[2];

/** `message | hint` of the refusal; nothing where it is taken. */
function refusal(wanted: Wanted): string | undefined {
  try {
    checkReservation('kv1', HOST, wanted);
    return undefined;
  } catch (error) {
    assert.ok(isBerthError(error, 'BERTH_SPEC_INVALID'));
    return `${error.message} | ${error.hint}`;
  }
}

test('pCPUs that the host has can be reserved, offline ones too', () => {
  assert.equal(refusal({ reservedCpus: [0, 4], reservedBytes: 1024 ** 3 }), undefined);
  assert.equal(refusal({ reservedCpus: null, reservedBytes: null }), undefined);
  assert.equal(refusal({}), undefined);
});

test('what the host does not have cannot be reserved, and what it has is told', () => {
  assert.equal(
    refusal({ reservedCpus: [1, 500] }),
    'settings.reservedCpus: host kv1 has no pCPU 500 | expected some of its pCPUs: 0-4',
  );
  assert.equal(
    refusal({ reservedBytes: 900 * 1024 ** 4 }),
    'settings.reservedBytes: 900 TiB are to be kept of the 2 GiB that host kv1 has | expected less than it has',
  );
  assert.match(refusal({ reservedBytes: 2 * 1024 ** 3 }) ?? '', /less than it has/);
});
