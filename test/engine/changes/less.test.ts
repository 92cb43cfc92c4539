import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { GIB, KIB, MIB } from '../../../src/base/units.ts';
import { BooksWorld } from '../../../src/engine/changes/books-world.ts';
import { mostThatFits } from '../../../src/engine/changes/most-that-fits.ts';
import type { World } from '../../../src/engine/changes/world.ts';
import { ledgerOf } from '../../../src/engine/ledger.ts';
import { PLAIN_OUTLOOK } from '../../../src/engine/policy/outlook.ts';
import type { PlacementRequest } from '../../../src/engine/request.ts';
import type { HostSnapshot } from '../../../src/model/host.ts';
import { ask } from '../requests.ts';
import { syntheticHost, syntheticSeat } from '../synthetic-host.ts';

test('a mixed guest whose floating vCPU is not the last shrinks to one that floats', () => {
  const world = worldOf([syntheticHost()]);
  const request = ask({ policy: 'mixed', vcpus: 40, dedicatedVcpus: [1, 2, 3] });
  assert.equal(mostThatFits(world, request, 'vcpus')?.vcpus, 4);
});

test('the most memory is found where only some machines have pages of that size as ordinary ones', () => {
  const policy = { overhead: 'none' as const };
  const pooled = syntheticHost({
    name: 'pooled',
    policy,
    cellBytes: GIB,
    pools: [{ sizeKiB: 64, total: 1024 }],
  });
  const taken = syntheticSeat('taken', { memory: [{ cell: 0, bytes: 3 * GIB, pageKiB: 4 }] });
  const plain = withBasePages(syntheticHost({ name: 'plain', sockets: 2, policy, seats: [taken] }));
  const request = ask({ policy: 'shared', pageKiB: 64, memoryBytes: 6 * GIB });
  for (const hosts of [
    [pooled, plain],
    [plain, pooled],
  ]) {
    assert.equal(mostThatFits(worldOf(hosts), request, 'memory')?.memoryBytes, 5 * GIB);
  }
});

test('the most whole cores are found among machines with cores of several sizes', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          threads: fc.constantFrom(1, 2, 3, 4),
          coresPerCell: fc.integer({ min: 1, max: 5 }),
          sockets: fc.integer({ min: 1, max: 2 }),
        }),
        { minLength: 1, maxLength: 3 },
      ),
      (shapes) => {
        const world = worldOf(
          shapes.map((shape, at) => syntheticHost({ name: `h${at}`, ...shape })),
        );
        const request = ask({ vcpus: 48, threads: 'require', memoryBytes: 64 * MIB });
        assert.equal(mostThatFits(world, request, 'vcpus')?.vcpus, mostByOne(world, request));
      },
    ),
    { numRuns: 60 },
  );
});

test('the most vCPUs are found with few questions, however many were asked for', () => {
  const world = worldOf([2, 4].map((threads) => syntheticHost({ name: `h${threads}`, threads })));
  let questions = 0;
  const counting: World = {
    ledgers: world.ledgers,
    likenesses: world.likenesses,
    asked: 0,
    fits: (request) => ++questions > 0 && world.fits(request),
    find: (request) => world.find(request),
    enter: (host, seat) => world.enter(host, seat),
    leave: (host, uuid) => {
      world.leave(host, uuid);
    },
  };
  const request = ask({ vcpus: 4096, threads: 'require' });
  assert.equal(mostThatFits(counting, request, 'vcpus')?.vcpus, 16);
  assert.ok(questions < 40, `${questions} questions`);
});

function mostByOne(world: BooksWorld, request: PlacementRequest): number | undefined {
  for (let vcpus = request.vcpus - 1; vcpus > 0; vcpus--) {
    if (world.fits({ ...request, vcpus })) return vcpus;
  }
  return undefined;
}

/** The same machine with ordinary pages of 64 KiB. */
function withBasePages(host: HostSnapshot): HostSnapshot {
  const cells = host.topology.cells.map((cell) => {
    const total = cell.memoryBytes / (64 * KIB);
    return { ...cell, pages: [{ sizeKiB: 64, total, free: total }] };
  });
  return { ...host, topology: { ...host.topology, cells } };
}

function worldOf(hosts: readonly HostSnapshot[]): BooksWorld {
  return new BooksWorld({
    ledgers: hosts.map((host) => ledgerOf(host)),
    outlook: PLAIN_OUTLOOK,
  });
}
