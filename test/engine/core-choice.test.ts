import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { GIB } from '../../src/base/units.ts';
import { place } from '../../src/engine/place.ts';
import type { HostSnapshot } from '../../src/model/host.ts';
import { ask } from './requests.ts';
import { syntheticHost, syntheticSeat } from './synthetic-host.ts';

/** One or two cells of 6 cores with 1, 2 or 4 threads in L3 groups, some pCPUs dedicated already. */
const busyHost: fc.Arbitrary<HostSnapshot> = fc
  .record({
    sockets: fc.constantFrom(1, 2),
    threads: fc.constantFrom(1, 2, 4),
    coresPerL3: fc.constantFrom(1, 2, 3, 6),
    taken: fc.uniqueArray(fc.nat({ max: 23 }), { maxLength: 8 }),
  })
  .map(({ taken, ...shape }) =>
    syntheticHost({
      ...shape,
      coresPerCell: 6,
      cellBytes: 8 * GIB,
      seats: [syntheticSeat('busy', { dedicated: taken })],
    }),
  );

test('a free core is broken only when its cell has no half-free one left, and never more than one', () => {
  fc.assert(
    fc.property(busyHost, fc.integer({ min: 1, max: 12 }), (host, vcpus) => {
      const result = place([host], ask({ vcpus, cells: 1 }));
      if (!result.ok) return;
      const before = coresOf(host, new Set());
      const after = coresOf(host, new Set(result.placement.vcpus.flatMap((seat) => seat.pcpus)));
      const broken = after.filter(
        ({ free, size, cell }, i) =>
          cell === result.placement.cells[0] && before[i]?.free === size && free > 0 && free < size,
      );
      assert.ok(broken.length <= 1, 'one core at most is broken');
      const wasHalfFree = after.filter(
        ({ free, size, cell }, i) =>
          cell === result.placement.cells[0] && free > 0 && (before[i]?.free ?? 0) < size,
      );
      if (broken.length === 1) assert.equal(wasHalfFree.length, 0, 'half-free cores go first');
    }),
    { numRuns: 500 },
  );
});

test('whole cores come from as few L3 groups as any choice of cores would need', () => {
  fc.assert(
    fc.property(busyHost, fc.integer({ min: 1, max: 6 }), (host, cores) => {
      const perCore = host.topology.cells[0]?.cpus[0]?.siblings.length ?? 1;
      const result = place([host], ask({ vcpus: cores * perCore, cells: 1 }));
      if (!result.ok || result.placement.guestTopology.threads !== perCore) return;
      const cell = host.topology.cells.find(({ id }) => id === result.placement.cells[0]);
      const l3Of = new Map(cell?.cpus.map((cpu) => [cpu.id, cpu.l3]));
      const used = new Set(result.placement.vcpus.map(({ pcpus }) => l3Of.get(pcpus[0] ?? -1)));
      const free = coresOf(host, new Set()).filter((c) => c.cell === cell?.id && c.free === c.size);
      const sizes = [...Map.groupBy(free, (core) => core.l3).values()].map((group) => group.length);
      let fewest = 0;
      let covered = 0;
      for (const size of sizes.toSorted((a, b) => b - a)) {
        if (covered >= cores) break;
        covered += size;
        fewest++;
      }
      assert.equal(used.size, fewest);
    }),
    { numRuns: 500 },
  );
});

test('on a machine whose cores differ, pairs take the large cores and odd vCPUs the small ones', () => {
  // Cores 0+4, 1+5 have two threads; 2 and 3 have lost theirs.
  const host = syntheticHost({ threads: 2, offline: [6, 7] });
  const plan = place([host], ask({ vcpus: 3 }));
  assert.ok(plan.ok);
  assert.deepEqual(
    plan.placement.vcpus.map(({ pcpus }) => pcpus[0]),
    [0, 4, 2],
  );
  const alone = place([host], ask({ vcpus: 2, threads: 'isolate' }));
  assert.ok(alone.ok);
  assert.deepEqual(
    alone.placement.vcpus.map(({ pcpus }) => pcpus[0]),
    [2, 3],
  );
  assert.deepEqual(alone.placement.blocked, [], 'nothing needs to idle');
});

/** Each core of the host with how many of its threads nobody has. */
function coresOf(
  host: HostSnapshot,
  taken: ReadonlySet<number>,
): readonly { cell: number; l3: number | undefined; size: number; free: number }[] {
  const gone = taken.union(new Set(host.seats.flatMap((seat) => seat.dedicated)));
  return host.topology.cells.flatMap((cell) =>
    cell.cpus
      .filter((cpu) => cpu.siblings[0] === cpu.id)
      .map((cpu) => ({
        cell: cell.id,
        l3: cpu.l3,
        size: cpu.siblings.length,
        free: cpu.siblings.filter((sibling) => !gone.has(sibling)).length,
      })),
  );
}
