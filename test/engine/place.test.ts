import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GIB, MIB } from '../../src/base/units.ts';
import { place } from '../../src/engine/place.ts';
import type { PlacementRequest } from '../../src/engine/request.ts';
import type { HostSnapshot } from '../../src/model/host.ts';
import { seatOf } from '../../src/model/host.ts';
import type { Placement } from '../../src/model/placement.ts';
import { placementFaults } from './placement-faults.ts';
import { ask } from './requests.ts';
import { syntheticHost, syntheticSeat } from './synthetic-host.ts';

const shared = { policy: 'shared' } as const;

test('twelve cores at 16 to 1 take exactly 48 shared guests of 4 vCPUs, and the 49th is told why', () => {
  const host = syntheticHost({ coresPerCell: 12, cellBytes: 64 * GIB });
  const { placed, host: full } = fill(host, ask({ ...shared, vcpus: 4 }), 60);
  assert.equal(placed.length, 48);
  const last = place([full], ask({ ...shared, vcpus: 4 }));
  assert.equal(last.ok, false);
  if (last.ok) return;
  const [limit] = last.refusals[0]?.checks ?? [];
  assert.deepEqual([limit?.check, limit?.need, limit?.have], ['cpu-ratio', 4, 0]);
  assert.equal(limit?.heldBy.length, 48);
});

test('the same 48 fit when the twelve cores lie in two cells', () => {
  const host = syntheticHost({ sockets: 2, coresPerCell: 6, cellBytes: 32 * GIB });
  assert.equal(fill(host, ask({ ...shared, vcpus: 4 }), 60).placed.length, 48);
});

test('a guest of 160 vCPUs gets the cells of an 8-socket machine that it takes, with whole cores', () => {
  const host = syntheticHost({ sockets: 8, coresPerCell: 12, threads: 2, cellBytes: 64 * GIB });
  const request = ask({ vcpus: 160, memoryBytes: 320 * GIB, threads: 'require' });
  const result = place([host], request);
  assert.ok(result.ok, JSON.stringify(result));
  assert.deepEqual(placementFaults(host, request, result.placement), []);
  assert.equal(result.placement.cells.length, 7, '160 of the 168 that seven cells have');
  assert.equal(new Set(result.placement.vcpus.flatMap((seat) => seat.pcpus)).size, 160);
});

test('of four pinned 4 GiB guests a 4 GiB page pool takes one, and ordinary memory what it has', () => {
  const pool = syntheticHost({
    coresPerCell: 8,
    cellBytes: 16 * GIB,
    pools: [{ sizeKiB: 2048, total: 2048 }],
  });
  const guest = ask({ memoryBytes: 4 * GIB, pageKiB: 2048 });
  assert.equal(fill(pool, guest, 4).placed.length, 1);
  const ordinary = syntheticHost({ coresPerCell: 8, cellBytes: 13 * GIB });
  // Each takes 4 GiB, 16 MiB of page tables and 132 MiB for QEMU: three fit into 13 GiB.
  assert.equal(fill(ordinary, ask({ memoryBytes: 4 * GIB }), 4).placed.length, 3);
});

test('six pinned guests of one vCPU sit on six half-free cores and break none', () => {
  const busy = syntheticSeat('busy', { dedicated: [0, 1, 2, 3, 4, 5] });
  const host = syntheticHost({ coresPerCell: 12, threads: 2, cellBytes: 16 * GIB, seats: [busy] });
  const { placed } = fill(host, ask(), 6);
  const used = placed.flatMap(({ vcpus }) => vcpus.flatMap((seat) => seat.pcpus));
  assert.deepEqual(
    used.toSorted((a, b) => a - b),
    [12, 13, 14, 15, 16, 17],
  );
});

test('a guest of one vCPU goes to the cell where it breaks no free core', () => {
  const busy = syntheticSeat('busy', { dedicated: [2] });
  const host = syntheticHost({ sockets: 2, coresPerCell: 2, threads: 2, seats: [busy] });
  assert.deepEqual(placed(host, ask()).vcpus, [{ vcpu: 0, pcpus: [6] }]);
});

test('pairs take whole cores, the odd one a half-free core', () => {
  const busy = syntheticSeat('busy', { dedicated: [0] });
  const host = syntheticHost({ threads: 2, seats: [busy] });
  const plan = placed(host, ask({ vcpus: 3 }));
  assert.deepEqual(pcpus(plan), [1, 5, 4]);
  assert.equal(plan.guestTopology.threads, 1, 'three vCPUs are no pairs');
});

test('a guest whose pairs all sit on cores sees threads, and its vCPUs follow the siblings', () => {
  const plan = placed(syntheticHost({ threads: 2 }), ask({ vcpus: 4 }));
  assert.deepEqual(pcpus(plan), [0, 4, 1, 5]);
  assert.deepEqual(plan.guestTopology, { sockets: 1, dies: 1, cores: 2, threads: 2 });
});

test('isolated vCPUs have a core each, whose other threads idle', () => {
  const plan = placed(syntheticHost({ threads: 2 }), ask({ vcpus: 2, threads: 'isolate' }));
  assert.deepEqual(pcpus(plan), [0, 1]);
  assert.deepEqual(plan.blocked, [4, 5]);
  assert.equal(plan.guestTopology.threads, 1);
});

test('an isolated emulator has one more pCPU in the first cell; a sharing one has the vCPUs’', () => {
  const host = syntheticHost({ sockets: 2 });
  const apart = placed(host, ask({ vcpus: 6, emulator: 'isolate' }));
  assert.deepEqual(apart.emulator, [3]);
  assert.deepEqual(
    apart.guestCells.map((cell) => cell.hostCell),
    [0, 1],
  );
  const together = placed(host, ask({ vcpus: 2 }));
  assert.deepEqual(together.emulator, pcpus(together));
});

test('cores come from one L3 group when one has enough, the tightest one', () => {
  const busy = syntheticSeat('busy', { dedicated: [0, 4, 5] });
  const host = syntheticHost({ coresPerCell: 12, coresPerL3: 4, seats: [busy] });
  assert.deepEqual(pcpus(placed(host, ask({ vcpus: 2 }))), [6, 7]);
  assert.deepEqual(pcpus(placed(host, ask({ vcpus: 3 }))), [1, 2, 3]);
  assert.deepEqual(pcpus(placed(host, ask({ vcpus: 6 }))), [6, 7, 8, 9, 10, 11]);
});

test('a guest takes the fewest cells, cut evenly, in cells close together, and sees them', () => {
  const busy = syntheticSeat('busy', { dedicated: [0, 1] });
  const host = syntheticHost({ sockets: 2, cellsPerSocket: 2, seats: [busy] });
  const plan = placed(host, ask({ vcpus: 7, memoryBytes: 1025 * MIB }));
  assert.deepEqual(plan.cells, [2, 3], 'cells 2 and 3 are of one socket and free');
  assert.deepEqual(plan.guestCells, [
    { id: 0, hostCell: 2, vcpus: [0, 1, 2, 3], bytes: 513 * MIB },
    { id: 1, hostCell: 3, vcpus: [4, 5, 6], bytes: 512 * MIB },
  ]);
  assert.deepEqual(plan.guestTopology, { sockets: 1, dies: 1, cores: 7, threads: 1 });
  const even = placed(host, ask({ vcpus: 8 }));
  assert.deepEqual(even.guestTopology, { sockets: 2, dies: 1, cores: 4, threads: 1 });
});

test('of cells that fit the one with least left over is taken', () => {
  const busy = syntheticSeat('busy', { dedicated: [4, 5] });
  const host = syntheticHost({ sockets: 2, seats: [busy] });
  assert.deepEqual(placed(host, ask({ vcpus: 2 })).cells, [1]);
});

test('guest cells given by hand lie where the hand says, and the rest finds its place', () => {
  const host = syntheticHost({ sockets: 2, cellsPerSocket: 2 });
  const cells = [
    { cpus: [0, 3], memoryBytes: 256 * MIB },
    { cpus: [1], memoryBytes: 512 * MIB, hostCell: 3 },
    { cpus: [2], memoryBytes: 128 * MIB, hostCell: 3 },
  ];
  const plan = placed(host, ask({ vcpus: 4, memoryBytes: 896 * MIB, cells }));
  assert.deepEqual(
    plan.guestCells.map(({ hostCell }) => hostCell),
    [0, 3, 3],
  );
  assert.deepEqual(plan.memory, [
    { cell: 0, bytes: 256 * MIB, pageKiB: 4 },
    { cell: 3, bytes: 640 * MIB, pageKiB: 4 },
  ]);
  assert.deepEqual(pcpus(plan), [0, 12, 13, 1]);
});

test('unequal guest cells are matched to cells even where the obvious choice blocks the way', () => {
  const busy = syntheticSeat('busy', { dedicated: [4, 5] });
  const host = syntheticHost({ sockets: 2, seats: [busy] });
  const cells = [
    { cpus: [0, 1], memoryBytes: 128 * MIB },
    { cpus: [2, 3, 4], memoryBytes: 128 * MIB },
  ];
  const plan = placed(host, ask({ vcpus: 5, memoryBytes: 256 * MIB, cells }));
  assert.deepEqual(
    plan.guestCells.map(({ hostCell }) => hostCell),
    [1, 0],
  );
});

test('a shared guest floats over the least loaded cell, its memory preferring that cell', () => {
  const busy = syntheticSeat('busy', { floating: { vcpus: 2, over: [0, 1, 2, 3] } });
  const plan = placed(syntheticHost({ sockets: 2, seats: [busy] }), ask({ ...shared, vcpus: 2 }));
  assert.deepEqual(plan.vcpus[0]?.pcpus, [4, 5, 6, 7]);
  assert.deepEqual([plan.cells, plan.memoryMode], [[1], 'preferred']);
  const { memory } = seatOf({ name: 'a', uuid: 'a', running: true }, plan);
  assert.deepEqual(memory, [{ bytes: 256 * MIB, pageKiB: 4 }], 'nothing is counted for the cell');
});

test('a cell that carries too much does not keep a guest from another cell of its cpuset', () => {
  const crowd = syntheticSeat('crowd', { floating: { vcpus: 3, over: [0, 1] } });
  const host = syntheticHost({
    sockets: 2,
    coresPerCell: 2,
    policy: { cpuRatio: 1 },
    seats: [crowd],
  });
  const request = ask({ ...shared, cells: 1, cpuset: [0, 1, 2] });
  const result = place([host], request);
  assert.ok(result.ok, JSON.stringify(result));
  assert.deepEqual(placementFaults(host, request, result.placement), []);
  assert.deepEqual(result.placement.vcpus[0]?.pcpus, [2]);
});

test('a shared guest that no cell carries floats over the whole host and is bound to nothing', () => {
  const plan = placed(syntheticHost({ sockets: 2 }), ask({ ...shared, vcpus: 6 }));
  assert.deepEqual(plan.cells, []);
  assert.equal(plan.memoryMode, undefined);
  assert.deepEqual(plan.memory, [{ bytes: 256 * MIB, pageKiB: 4 }]);
  assert.deepEqual(plan.emulator, [0, 1, 2, 3, 4, 5, 6, 7]);
});

test('a shared guest with cells floats part by part, each over its own cell, memory strictly there', () => {
  const plan = placed(syntheticHost({ sockets: 2 }), ask({ ...shared, vcpus: 4, cells: 2 }));
  assert.deepEqual(
    plan.vcpus.map(({ pcpus }) => pcpus[0]),
    [0, 0, 4, 4],
  );
  assert.equal(plan.memoryMode, 'strict');
  const { floating } = seatOf({ name: 'a', uuid: 'a', running: true }, plan);
  assert.deepEqual(floating.parts, [
    { vcpus: 2, over: [0, 1, 2, 3], follows: [0] },
    { vcpus: 2, over: [4, 5, 6, 7], follows: [1] },
  ]);
});

test('dedicated pCPUs are refused where floating guests would be left with too few', () => {
  const seats = [syntheticSeat('floats', { floating: { vcpus: 32 } })];
  const host = syntheticHost({ seats });
  assert.equal(place([host], ask({ vcpus: 2 })).ok, true);
  const refused = place([host], ask({ vcpus: 3 }));
  assert.ok(!refused.ok);
  const [limit] = refused.refusals[0]?.checks ?? [];
  assert.deepEqual(
    [limit?.check, limit?.need, limit?.have, limit?.heldBy],
    ['shared-pool', 3, 2, ['floats']],
  );
});

test('guests that float over the whole host limit what may be taken from any of its cells', () => {
  const seats = [syntheticSeat('floats', { floating: { vcpus: 3 } })];
  const host = syntheticHost({ sockets: 2, coresPerCell: 2, policy: { cpuRatio: 1 }, seats });
  const refused = place([host], ask({ vcpus: 2, cpuset: [0, 1] }));
  assert.ok(!refused.ok);
  const [limit] = refused.refusals[0]?.checks ?? [];
  assert.deepEqual([limit?.check, limit?.need, limit?.have], ['shared-pool', 2, 1]);
});

test('a floating guest kept to one pCPU keeps it', () => {
  const seats = [syntheticSeat('kept', { floating: { vcpus: 1, over: [0] } })];
  const host = syntheticHost({ seats });
  assert.deepEqual(pcpus(placed(host, ask({ vcpus: 3 }))), [1, 2, 3]);
  assert.equal(place([host], ask({ vcpus: 4 })).ok, false);
});

test('memory-only cells serve memory where the nodeset says so, and only there', () => {
  const host = syntheticHost({ cellBytes: 2 * GIB, memoryOnly: [8 * GIB] });
  assert.equal(place([host], ask({ memoryBytes: 4 * GIB })).ok, false);
  assert.equal(place([host], ask({ ...shared, memoryBytes: 4 * GIB })).ok, false);
  const far = placed(host, ask({ memoryBytes: 4 * GIB, nodeset: [1] }));
  assert.deepEqual(far.memory, [{ cell: 1, bytes: 4 * GIB, pageKiB: 4 }]);
  assert.deepEqual(far.cells, [0, 1]);
  const both = placed(host, ask({ memoryBytes: 4 * GIB, nodeset: [0, 1] }));
  assert.deepEqual(
    both.memory.map(({ cell }) => cell),
    [0, 1],
    'near memory first',
  );
  assert.equal(
    both.memory.reduce((sum, { bytes }) => sum + bytes, 0),
    4 * GIB,
  );
});

test('isolated vCPUs idle fewer siblings where floating guests need what is left', () => {
  // Cells 0 and 1 have a core of two threads each, cell 2 a core that has lost one of its two.
  const seats = [syntheticSeat('floats', { floating: { vcpus: 3 } })];
  const host = syntheticHost({
    cellsPerSocket: 3,
    coresPerCell: 1,
    threads: 2,
    offline: [2],
    policy: { cpuRatio: 1.5 },
    seats,
  });
  const plan = placed(host, ask({ vcpus: 2, threads: 'isolate' }));
  assert.deepEqual(plan.cells, [0, 2], 'three pCPUs taken, and two left for three vCPUs');
});

test('memory that spills over to a memory-only cell still counts where the host has CPUs', () => {
  const host = syntheticHost({
    cellBytes: 2 * GIB,
    memoryOnly: [8 * GIB],
    policy: { ramRatio: 0.5 },
  });
  const result = place([host], ask({ memoryBytes: 4 * GIB, nodeset: [0, 1] }));
  assert.ok(!result.ok);
  assert.deepEqual(
    result.refusals[0]?.checks.map(({ check }) => check),
    ['ram-ratio'],
  );
});

test('interleaved memory is spread evenly over the nodeset', () => {
  const host = syntheticHost({ sockets: 2 });
  const spread = { memoryMode: 'interleave', nodeset: [0, 1], memoryBytes: 300 * MIB } as const;
  const halves = [
    { cell: 0, bytes: 150 * MIB, pageKiB: 4 },
    { cell: 1, bytes: 150 * MIB, pageKiB: 4 },
  ];
  assert.deepEqual(placed(host, ask(spread)).memory, halves);
  const floating = placed(host, ask({ ...shared, ...spread, vcpus: 6 }));
  assert.deepEqual(floating.memory, halves);
  assert.deepEqual([floating.memoryMode, floating.cells], ['interleave', [0, 1]]);
});

test('the memory policy of the spec wins over the default', () => {
  const host = syntheticHost({ sockets: 2 });
  assert.equal(placed(host, ask({ memoryMode: 'restrictive' })).memoryMode, 'restrictive');
  const soft = placed(host, ask({ memoryMode: 'preferred', memoryBytes: 6 * GIB }));
  assert.deepEqual(soft.memory, [{ cell: 0, bytes: 6 * GIB, pageKiB: 4 }], 'it may spill over');
  const strict = placed(host, ask({ ...shared, memoryMode: 'strict' }));
  assert.deepEqual([strict.memoryMode, strict.cells], ['strict', [0]]);
});

test('a VM placed again may have its own seat', () => {
  const own = syntheticSeat('vm', { dedicated: [0, 1, 2, 3] });
  const host = syntheticHost({ seats: [own] });
  assert.equal(place([host], ask({ vcpus: 4 })).ok, false);
  assert.equal(place([host], ask({ vcpus: 4, uuid: own.uuid })).ok, true);
});

test('among hosts the better fit wins, the next is named, and equals go by their order', () => {
  const hosts = [
    syntheticHost({ name: 'two-cells', sockets: 2, coresPerCell: 2 }),
    syntheticHost({ name: 'roomy', coresPerCell: 16 }),
    syntheticHost({ name: 'tight', coresPerCell: 4 }),
  ];
  const result = place(hosts, ask({ vcpus: 4 }));
  assert.ok(result.ok);
  assert.equal(result.placement.host, 'tight');
  assert.equal(result.runnerUp?.host, 'roomy');
  const twins = [syntheticHost({ name: 'b' }), syntheticHost({ name: 'a' })];
  const first = place(twins, ask());
  assert.equal(first.ok && first.placement.host, 'b');
  for (const { value } of result.score.terms) assert.ok(value >= 0 && value <= 1);
});

test('reasons say which cell, how much of it, and which cores', () => {
  const host = syntheticHost({ threads: 2 });
  const { reasons } = placed(host, ask({ vcpus: 2, memoryBytes: GIB }));
  assert.deepEqual(reasons, [
    'fits one cell: cell 0: 2 of 8 free pCPUs, 1 GiB of 4 GiB',
    'whole cores (0+4): siblings in the guest are real siblings',
  ]);
});

test('no host at all is a refusal that says so', () => {
  const result = place([], ask({ name: 'lonely' }));
  assert.equal(!result.ok && result.summary, 'there is no host to place lonely on');
});

function placed(host: HostSnapshot, request: PlacementRequest): Placement {
  const result = place([host], request);
  assert.ok(result.ok, result.ok ? '' : result.summary);
  return result.placement;
}

/** Places the same guest again and again, up to `most` times, and checks each one anew. */
function fill(
  host: HostSnapshot,
  request: PlacementRequest,
  most: number,
): { readonly placed: readonly Placement[]; readonly host: HostSnapshot } {
  const placements: Placement[] = [];
  let now = host;
  for (let i = 0; i < most; i++) {
    const result = place([now], request);
    if (!result.ok) break;
    assert.deepEqual(placementFaults(now, request, result.placement), []);
    placements.push(result.placement);
    const seat = seatOf({ name: `g${i}`, uuid: `g${i}`, running: false }, result.placement);
    now = { ...now, seats: [...now.seats, seat] };
  }
  return { placed: placements, host: now };
}

function pcpus(plan: Placement): readonly number[] {
  return plan.vcpus.flatMap((seat) => seat.pcpus);
}
