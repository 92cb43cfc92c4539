import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { GIB, KIB, MIB } from '../../src/base/units.ts';
import type { Ledger } from '../../src/engine/ledger.ts';
import {
  applySeat,
  hostRoomPages,
  ledgerOf,
  releaseSeat,
  roomBytes,
  roomPages,
  sharedPool,
} from '../../src/engine/ledger.ts';
import { placeOnHost } from '../../src/engine/place-on-host.ts';
import { seatOf } from '../../src/model/host.ts';
import {
  plainCellPool,
  plainCellRoom,
  plainFree,
  plainPages,
  plainPool,
  plainRam,
} from './plain-books.ts';
import { SMALL_PAGE_KIB, smallHost, smallSeat, smallWorld } from './small-worlds.ts';
import { syntheticHost, syntheticSeat } from './synthetic-host.ts';

const hostAndSeats = smallHost.chain((host) =>
  fc.record({ host: fc.constant(host), seats: fc.array(smallSeat(host), { maxLength: 5 }) }),
);

test('releasing seats in any order leaves the ledger exactly as it was before they were applied', () => {
  fc.assert(
    fc.property(hostAndSeats, fc.infiniteStream(fc.nat()), ({ host, seats }, order) => {
      const ledger = ledgerOf(host);
      const entered = seats.map((seat, i) => ({ ...seat, uuid: `claim-${i}` }));
      for (const seat of entered) applySeat(ledger, seat);
      const left = [...entered];
      while (left.length > 0) {
        const [seat] = left.splice((order.next().value ?? 0) % left.length, 1);
        releaseSeat(ledger, seat?.uuid ?? '');
      }
      assert.deepEqual(open(ledger), open(ledgerOf(host)));
    }),
  );
});

test('the seat of a placement can be applied and released, and applied it is what a snapshot with it says', () => {
  fc.assert(
    fc.property(smallWorld, ({ host, request }) => {
      const ledger = ledgerOf(host);
      const verdict = placeOnHost(ledger, request);
      assert.deepEqual(open(ledger), open(ledgerOf(host)), 'placing changes no ledger');
      if (!verdict.ok) return;
      const seat = seatOf({ name: 'new', uuid: 'new', running: false }, verdict.write());
      applySeat(ledger, seat);
      const full = ledgerOf({ ...host, seats: [...host.seats, seat] });
      assert.deepEqual(open(ledger), open(full));
      releaseSeat(ledger, 'new');
      assert.deepEqual(open(ledger), open(ledgerOf(host)));
    }),
  );
});

test('pages of a VM that ran when the host was seen are free once it has left', () => {
  const memory = [{ cell: 0, bytes: 3 * SMALL_PAGE_KIB * KIB, pageKiB: SMALL_PAGE_KIB }];
  const seats = [syntheticSeat('runs', { memory })];
  const ledger = ledgerOf(
    syntheticHost({ pools: [{ sizeKiB: SMALL_PAGE_KIB, total: 4, free: 1 }], seats }),
  );
  const room = (): readonly number[] => ledger.cells.map((cell) => roomPages(cell, SMALL_PAGE_KIB));
  assert.deepEqual(room(), [1]);
  releaseSeat(ledger, 'uuid-runs');
  assert.deepEqual(room(), [4]);
  for (const seat of seats) applySeat(ledger, seat);
  assert.deepEqual(room(), [1]);
});

test('the ledger and a plain count of the snapshot agree on everything', () => {
  fc.assert(
    fc.property(smallHost, (host) => {
      const ledger = ledgerOf(host);
      assert.deepEqual(new Set(ledger.pool), new Set(plainPool(host).map((cpu) => cpu.id)));
      assert.deepEqual(new Set(ledger.free), new Set(plainFree(host).map((cpu) => cpu.id)));
      assert.equal(ledger.limitBytes, plainRam(host).limit);
      assert.equal(ledger.usedBytes, plainRam(host).used);
      assert.equal(hostRoomPages(ledger, SMALL_PAGE_KIB), plainPages(host, SMALL_PAGE_KIB));
      for (const cell of ledger.cells) {
        assert.equal(roomBytes(cell), plainCellRoom(host, cell.id));
        assert.equal(roomPages(cell, SMALL_PAGE_KIB), plainPages(host, SMALL_PAGE_KIB, cell.id));
        assert.deepEqual(
          new Set(sharedPool(ledger, [cell.id])),
          new Set(plainCellPool(host, cell.id)),
        );
      }
    }),
  );
});

test('pages that seats have not taken yet are gone already, and so are those that others took', () => {
  const pool = { sizeKiB: 2048, total: 100, free: 60 };
  const share = (pages: number) => [{ cell: 0, bytes: pages * 2 * MIB, pageKiB: 2048 }];
  const host = syntheticHost({
    pools: [pool],
    seats: [
      syntheticSeat('runs', { running: true, memory: share(30) }),
      syntheticSeat('claimed', { running: false, memory: share(20) }),
    ],
  });
  // 100 - 30 - 20 by the books; but of the 60 free ones 20 are promised, so a stranger has 10.
  assert.equal(roomPages(ledgerOf(host).cells[0]!, 2048), 40);
  const crowded = { ...host, seats: host.seats.slice(1) };
  assert.equal(roomPages(ledgerOf(crowded).cells[0]!, 2048), 40, 'a stranger has 40');
});

test("the host's own share comes evenly from the cells that have CPUs", () => {
  const host = syntheticHost({
    sockets: 2,
    cellBytes: 4 * GIB,
    memoryOnly: [GIB],
    policy: { reservedBytes: GIB },
  });
  const ledger = ledgerOf(host);
  assert.deepEqual(
    ledger.cells.map((cell) => cell.limitBytes),
    [3.5 * GIB, 3.5 * GIB, GIB],
  );
  assert.equal(ledger.limitBytes, 7 * GIB);
});

test('of two seats with one uuid the later counts, and the seat of a VM placed again counts not', () => {
  const claim = syntheticSeat('a', { dedicated: [0], running: false });
  const domain = syntheticSeat('a', { dedicated: [1] });
  const host = syntheticHost({ seats: [claim, domain] });
  assert.deepEqual([...ledgerOf(host).pool], [0, 2, 3]);
  assert.deepEqual([...ledgerOf(host, 'uuid-a').pool], [0, 1, 2, 3]);
});

test('the shared pool of a host or of cells is what is online, unreserved and dedicated to nobody', () => {
  const host = syntheticHost({
    sockets: 2,
    offline: [3],
    policy: { reservedCpus: [0] },
    seats: [syntheticSeat('a', { dedicated: [5] })],
  });
  const ledger = ledgerOf(host);
  assert.deepEqual(sharedPool(ledger), [1, 2, 4, 6, 7]);
  assert.deepEqual(sharedPool(ledger, [1]), [4, 6, 7]);
});

/** Everything in a ledger that changes, laid open: bit sets hide their content from comparisons. */
function open(ledger: Ledger): unknown {
  const { host, shape, pool, floats, ...rest } = ledger;
  const groups = [...floats].map(([key, group]) => ({
    key,
    ...group,
    over: [...(group.over ?? [])],
  }));
  return {
    ...rest,
    pool: [...pool],
    floats: groups.toSorted((a, b) => (a.key < b.key ? -1 : 1)),
    of: [host.name, shape.cells.length],
  };
}
