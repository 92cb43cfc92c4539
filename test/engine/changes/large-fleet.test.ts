import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GIB, MIB } from '../../../src/base/units.ts';
import { BooksWorld } from '../../../src/engine/changes/books-world.ts';
import { leavingGroups } from '../../../src/engine/changes/leaving.ts';
import { fewestMoves } from '../../../src/engine/changes/moves.ts';
import { ledgerOf } from '../../../src/engine/ledger.ts';
import { PLAIN_OUTLOOK } from '../../../src/engine/policy/outlook.ts';
import type { Relations } from '../../../src/engine/relations/relations.ts';
import { relationsOf } from '../../../src/engine/relations/relations.ts';
import type { HostSnapshot, Seat } from '../../../src/model/host.ts';
import { ask } from '../requests.ts';
import { syntheticHost, syntheticSeat } from '../synthetic-host.ts';

test('a move is found among 20,000 like hosts, also where the first VM tried cannot go', () => {
  const world = worldOf(likeHosts(20_000));
  const [change] = fewestMoves(world, ask({ vcpus: 2, memoryBytes: 64 * MIB }));
  assert.match(change?.moves?.[0]?.vm ?? '', /^small-/);
});

test('of like hosts that refuse one is asked', () => {
  const world = worldOf(likeHosts(50));
  // As many pCPUs as are free in each cell, but memory that no host has.
  const request = ask({ vcpus: 1, policy: 'shared', memoryBytes: 64 * GIB });
  assert.equal(world.fits(request), false);
  assert.equal(world.asked, 1);
  assert.equal(world.find(request), undefined);
  assert.equal(world.asked, 2);
});

test('a host is asked again once its books have changed', () => {
  const world = worldOf(likeHosts(2));
  const request = ask({ vcpus: 2, memoryBytes: 64 * MIB });
  assert.equal(world.fits(request), false);
  world.leave('h1', 'uuid-small-1');
  assert.equal(world.fits(request), true);
});

test('relations that are known are not made anew, and are as before when the search is over', () => {
  const ledgers = likeHosts(3).map((host) => ledgerOf(host));
  const relations = relationsOf(ledgers);
  const near = { affinity: [{ selector: 'app=db', over: 'host', hard: true }] };
  // This VM is in the relations alone: who asks them finds it.
  relations.enter(2, syntheticSeat('db', { labels: { app: 'db' } }));
  const allowed = (known: Relations): readonly boolean[] =>
    ledgers.map((_, index) => known.allows(index, ask(near)));
  const before = allowed(relations);
  const world = new BooksWorld({ ledgers, outlook: PLAIN_OUTLOOK, relations });
  assert.equal(world.find(ask({ vcpus: 1, ...near }))?.host, 'h2');
  fewestMoves(world, ask({ vcpus: 2, memoryBytes: 64 * MIB, ...near }));
  assert.deepEqual(allowed(relations), before);
});

test('groups of VMs that cannot be better than what is known are not gone through', () => {
  const movable = Array.from({ length: 300 }, (_, index) => seat(`vm-${index}`, [index], 64));
  let looked = 0;
  const groups = leavingGroups(movable, {
    most: 3,
    isBetter: (bytes) => bytes < 128 * MIB,
    suffices: () => false,
    moreMayHelp: false,
    goOn: () => ++looked > 0,
  });
  assert.deepEqual([...groups], []);
  assert.equal(looked, 300);
});

test('groups that are passed over are charged, too', () => {
  const movable = Array.from({ length: 300 }, (_, index) =>
    seat(`vm-${index}`, [index], index < 2 ? 1 : 64),
  );
  let left = 1000;
  const groups = leavingGroups(movable, {
    most: 3,
    isBetter: (bytes) => bytes < 64 * MIB,
    suffices: () => false,
    moreMayHelp: false,
    goOn: () => left-- > 0,
  });
  assert.deepEqual([...groups], []);
  assert.equal(left, -1);
});

/** One pCPU of four is free on each; `large` fits nowhere else, and `small` everywhere. */
function likeHosts(count: number): readonly HostSnapshot[] {
  const machine = syntheticHost({ cellBytes: GIB, policy: { overhead: 'none' } });
  return Array.from({ length: count }, (_, index) => ({
    ...machine,
    name: `h${index}`,
    seats: [seat(`large-${index}`, [0, 1], 64), seat(`small-${index}`, [2], 128)],
  }));
}

function seat(vm: string, dedicated: readonly number[], mib: number): Seat {
  return syntheticSeat(vm, { dedicated, memory: [{ cell: 0, bytes: mib * MIB, pageKiB: 4 }] });
}

function worldOf(hosts: readonly HostSnapshot[]): BooksWorld {
  return new BooksWorld({
    ledgers: hosts.map((host) => ledgerOf(host)),
    outlook: PLAIN_OUTLOOK,
  });
}
