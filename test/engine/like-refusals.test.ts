import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { GIB, MIB } from '../../src/base/units.ts';
import { applySeat, ledgerOf } from '../../src/engine/ledger.ts';
import { LikeRefusals } from '../../src/engine/like-refusals.ts';
import { Likenesses } from '../../src/engine/likeness.ts';
import { placeOnHost } from '../../src/engine/place-on-host.ts';
import { PLAIN_OUTLOOK } from '../../src/engine/policy/outlook.ts';
import type { PlacementRequest } from '../../src/engine/request.ts';
import { Room } from '../../src/engine/room/room.ts';
import type { HostSnapshot, Seat } from '../../src/model/host.ts';
import { ask } from './requests.ts';
import { syntheticHost, syntheticSeat } from './synthetic-host.ts';

const POOLS = [{ sizeKiB: 2048, total: 256, free: 200 }];
const MACHINES = [
  syntheticHost({ sockets: 2, cellBytes: GIB, pools: POOLS }),
  syntheticHost({ sockets: 2, cellBytes: GIB, pools: POOLS, threads: 2 }),
];

test('every host refuses as if it were asked alone, with its own VMs in the way', () => {
  fc.assert(
    fc.property(
      fc.array(anyHost(), { minLength: 2, maxLength: 8 }),
      anyRequest(),
      (hosts, asked) => {
        const ledgers = hosts.map((make, index) => ledgerOf(make(index)));
        const refusals = new LikeRefusals(new Likenesses(), asked);
        for (const ledger of ledgers) {
          const room = new Room(ledger, PLAIN_OUTLOOK);
          const [said, alone] = [refusals.verdict(ledger, () => room), placeOnHost(ledger, asked)];
          assert.equal(said.ok, alone.ok);
          if (!said.ok && !alone.ok) assert.deepEqual(said.refusal, alone.refusal);
        }
      },
    ),
    { numRuns: 200 },
  );
});

test('of hosts with equal books one is looked into', () => {
  const refusals = new LikeRefusals(new Likenesses(), ask({ vcpus: 7 }));
  let rooms = 0;
  for (let index = 0; index < 50; index++) {
    const seats = [0, 1].map((cpu) => syntheticSeat(`vm-${index}-${cpu}`, { dedicated: [cpu] }));
    const order = index % 2 === 0 ? seats : seats.toReversed();
    const ledger = ledgerOf({ ...machine({ seats: order }), ...named(index) });
    const verdict = refusals.verdict(ledger, () => {
      rooms++;
      return new Room(ledger, PLAIN_OUTLOOK);
    });
    assert.deepEqual(verdict.ok ? [] : verdict.refusal.checks[0]?.heldBy, [
      `vm-${index}-0`,
      `vm-${index}-1`,
    ]);
  }
  assert.equal(rooms, 1);
});

test('books with the same seats differ where pages were seen with and without them', () => {
  const likenesses = new Likenesses();
  const memory = [{ cell: 0, bytes: 200 * MIB, pageKiB: 2048 }];
  const seat = syntheticSeat('vm', { memory });
  const seen = ledgerOf(machine({ seats: [seat] }));
  const entered = ledgerOf(machine({ seats: [] }));
  applySeat(entered, seat);
  assert.notEqual(likenesses.of(seen), likenesses.of(entered));
});

test('hosts that all differ are compared for a while only', () => {
  const likenesses = new Likenesses();
  const compared = (from: number, to: number): number =>
    Array.from({ length: to - from }, (_, index) =>
      ledgerOf({ ...syntheticHost({ name: `h${index}` }), labels: { rack: `${from + index}` } }),
    ).filter((ledger) => likenesses.ofMany(ledger) !== undefined).length;
  assert.equal(compared(0, 200), 200);
  assert.ok(compared(200, 600) < 100);
});

type MakeHost = (index: number) => HostSnapshot;

/** Few kinds, so that some are alike. */
function anyHost(): fc.Arbitrary<MakeHost> {
  return fc
    .record({
      kind: fc.constantFrom(...MACHINES),
      seats: fc.array(anySeat(), { maxLength: 2 }),
      labels: fc.constantFrom(undefined, { zone: 'a' }),
    })
    .map(({ kind, seats, labels }) => (index) => ({
      ...kind,
      ...named(index),
      ...(labels === undefined ? {} : { labels }),
      seats: seats.map((seat, at) => syntheticSeat(`vm-${index}-${at}`, seat)),
    }));
}

function anySeat(): fc.Arbitrary<Partial<Seat>> {
  return fc.constantFrom<Partial<Seat>>(
    { dedicated: [0, 1], memory: [{ cell: 0, bytes: 128 * MIB, pageKiB: 4 }] },
    { dedicated: [2, 3], memory: [{ cell: 1, bytes: 256 * MIB, pageKiB: 2048 }] },
    { floating: { vcpus: 4 }, memory: [{ bytes: 512 * MIB, pageKiB: 4 }], overheadBytes: MIB },
  );
}

function anyRequest(): fc.Arbitrary<PlacementRequest> {
  return fc
    .record({
      vcpus: fc.constantFrom(2, 6, 8, 200),
      policy: fc.constantFrom('dedicated' as const, 'shared' as const),
      threads: fc.constantFrom('prefer' as const, 'require' as const),
      memoryBytes: fc.constantFrom(256 * MIB, GIB, 4 * GIB),
      pageKiB: fc.constantFrom(undefined, 2048, 1024 ** 2),
      hostLabels: fc.constantFrom(undefined, { zone: 'b' }),
      excludeHosts: fc.constantFrom(undefined, ['host-1']),
    })
    .map(({ pageKiB, hostLabels, excludeHosts, ...fields }) =>
      ask({
        ...fields,
        ...(pageKiB === undefined ? {} : { pageKiB }),
        ...(hostLabels === undefined ? {} : { hostLabels }),
        ...(excludeHosts === undefined ? {} : { excludeHosts }),
      }),
    );
}

function named(index: number): Pick<HostSnapshot, 'name'> {
  return { name: `host-${index}` };
}

function machine(fields: Pick<HostSnapshot, 'seats'>): HostSnapshot {
  return {
    ...syntheticHost(),
    topology: MACHINES[0]?.topology ?? syntheticHost().topology,
    ...fields,
  };
}
