import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { GIB, KIB } from '../../src/base/units.ts';
import { applySeat, ledgerOf } from '../../src/engine/ledger.ts';
import { placeOnHost } from '../../src/engine/place-on-host.ts';
import type { PlacementRequest } from '../../src/engine/request.ts';
import type { HostSnapshot } from '../../src/model/host.ts';
import { seatOf } from '../../src/model/host.ts';
import type { Placement } from '../../src/model/placement.ts';
import { ask } from './requests.ts';
import { syntheticHost } from './synthetic-host.ts';

/** Half of each cell's four cores for floating vCPUs; memory counted as OpenStack counts it. */
const POLICY = {
  cpuRatio: 2,
  ramRatio: 1.5,
  boundRatio: 1.5,
  reservedBytes: 0,
  overhead: 'none',
  ramCounts: 'all',
  guestWidth: 'host',
} as const;

const HUGE_KIB = 1024 * KIB;

function hostOf(world: { readonly cells: number; readonly pages: number }): HostSnapshot {
  const { cells, pages } = world;
  const cpus = Array.from({ length: cells * 4 }, (_, id) => id);
  return syntheticHost({
    cellsPerSocket: cells,
    coresPerCell: 4,
    cellBytes: 8 * GIB,
    pools: pages === 0 ? [] : [{ sizeKiB: HUGE_KIB, total: pages }],
    policy: { ...POLICY, sharedCpus: cpus.filter((id) => id % 4 < 2) },
  });
}

/** What a guest takes of one cell, by the words of the workload format. */
interface Row {
  readonly cell: number;
  readonly dedicated: number;
  readonly floating: number;
  readonly gib: number;
  readonly huge: boolean;
}

/** The limits of OpenStack's Nova and Placement, counted guest by guest: the engine's twin. */
class PlainNova {
  readonly cells: number;
  readonly pages: number;
  readonly rows: Row[] = [];
  floating = 0;
  gib = 0;

  constructor(world: { readonly cells: number; readonly pages: number }) {
    this.cells = world.cells;
    this.pages = world.pages;
  }

  takes(request: PlacementRequest): boolean {
    const gib = request.memoryBytes / GIB;
    if (gib > this.cells * 8 || this.gib + gib > this.cells * 8 * 1.5) return false;
    if (request.policy === 'shared') {
      const shared = this.cells * 2;
      if (request.vcpus > shared || this.floating + request.vcpus > shared * 2) return false;
    }
    if (request.cells === 'none') return true;
    const count = Number(request.cells);
    const each = { vcpus: request.vcpus / count, gib: gib / count };
    const cells = Array.from({ length: this.cells }, (_, cell) => cell);
    return cells.filter((cell) => this.cellTakes(cell, request, each)).length >= count;
  }

  cellTakes(
    cell: number,
    { policy, pageKiB }: PlacementRequest,
    each: { readonly vcpus: number; readonly gib: number },
  ): boolean {
    const rows = this.rows.filter((row) => row.cell === cell);
    const sum = (of: (row: Row) => number): number => rows.reduce((all, row) => all + of(row), 0);
    const free =
      policy === 'dedicated'
        ? each.vcpus <= 2 - sum((row) => row.dedicated)
        : each.vcpus + sum((row) => row.floating) <= 2 * 2;
    const isHuge = pageKiB === HUGE_KIB;
    if (pageKiB !== undefined) {
      const pool = isHuge ? this.pages : 8 - this.pages;
      return free && each.gib <= pool - sum((row) => (row.huge === isHuge ? row.gib : 0));
    }
    return free && each.gib <= (policy === 'dedicated' ? 8 : 12) - sum((row) => row.gib);
  }

  enter(request: PlacementRequest, placement: Placement): void {
    this.gib += request.memoryBytes / GIB;
    if (request.policy === 'shared') this.floating += request.vcpus;
    if (request.cells === 'none') return;
    const vcpus = request.vcpus / Number(request.cells);
    for (const { cell = -1, bytes } of placement.memory) {
      this.rows.push({
        cell,
        dedicated: request.policy === 'dedicated' ? vcpus : 0,
        floating: request.policy === 'shared' ? vcpus : 0,
        gib: bytes / GIB,
        huge: request.pageKiB === HUGE_KIB,
      });
    }
  }
}

/** Guests in even parts, sized so that each cell's share is whole. */
function guest(paged: boolean): fc.Arbitrary<PlacementRequest> {
  return fc
    .record({
      policy: fc.constantFrom('dedicated' as const, 'shared' as const),
      cells: fc.constantFrom('none' as const, 1, 1, 2),
      vcpus: fc.constantFrom(1, 1, 2, 3),
      gib: fc.constantFrom(1, 2, 3, 5, 7, 9),
      pageKiB: fc.constantFrom(4, HUGE_KIB),
    })
    .map(({ policy, cells, vcpus, gib, pageKiB }) => {
      const count = cells === 'none' ? 1 : cells;
      return ask({
        policy,
        cells: cells === 'none' && policy === 'dedicated' ? 1 : cells,
        vcpus: vcpus * count,
        memoryBytes: gib * count * GIB,
        ...(paged && (cells !== 'none' || policy === 'dedicated') ? { pageKiB } : {}),
      });
    });
}

test('a policy can say exactly what OpenStack would take and refuse', () => {
  let taken = 0;
  let refused = 0;
  const world = fc
    .record({ cells: fc.integer({ min: 1, max: 3 }), pages: fc.constantFrom(0, 4) })
    .chain((shape) =>
      fc.record({
        shape: fc.constant(shape),
        guests: fc.array(guest(shape.pages > 0), { minLength: 4, maxLength: 16 }),
      }),
    );
  fc.assert(
    fc.property(world, ({ shape, guests }) => {
      const ledger = ledgerOf(hostOf(shape));
      const twin = new PlainNova(shape);
      for (const [index, request] of guests.entries()) {
        const verdict = placeOnHost(ledger, request);
        assert.equal(verdict.ok, twin.takes(request), JSON.stringify(verdict));
        if (!verdict.ok) {
          refused++;
          continue;
        }
        taken++;
        const placement = verdict.write();
        twin.enter(request, placement);
        applySeat(
          ledger,
          seatOf({ name: `g${index}`, uuid: `g${index}`, running: true }, placement),
        );
      }
    }),
    { numRuns: 500 },
  );
  assert.ok(taken > 500 && refused > 500, `${taken} taken, ${refused} refused: it tests little`);
});

test('pinned guests without a page size have the ordinary pages that are there, and no more', () => {
  const host = syntheticHost({
    coresPerCell: 8,
    cellBytes: 12 * GIB,
    pools: [{ sizeKiB: HUGE_KIB, total: 8 }],
    policy: POLICY,
  });
  const ledger = ledgerOf(host);
  const first = placeOnHost(ledger, ask({ memoryBytes: 4 * GIB }));
  assert.ok(first.ok);
  applySeat(ledger, seatOf({ name: 'a', uuid: 'a', running: true }, first.write()));
  const second = placeOnHost(ledger, ask({ memoryBytes: 4 * GIB }));
  assert.ok(!second.ok);
  assert.deepEqual(
    second.refusal.checks.map(({ check, have, heldBy }) => [check, have, heldBy]),
    [['memory', 0, ['a']]],
  );
  assert.ok(placeOnHost(ledger, ask({ memoryBytes: 8 * GIB, pageKiB: HUGE_KIB })).ok);
});
