import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MIB } from '../../../src/base/units.ts';
import { Fleet } from '../../../src/engine/fleet/fleet.ts';
import { policyNamed } from '../../../src/engine/policy/policy.ts';
import { LifetimeGuess } from '../../../src/engine/simulate/lifetime-guess.ts';
import type { LifetimeSource } from '../../../src/engine/simulate/lifetime-guess.ts';
import { replay } from '../../../src/engine/simulate/replay.ts';
import type { Arrival, Flavor } from '../../../src/model/arrival.ts';
import { syntheticHost } from '../synthetic-host.ts';

function flavor(name: string): Flavor {
  return { name, vcpus: 1, memoryBytes: 64 * MIB, policy: 'dedicated', cells: 1 };
}

const short = flavor('short');
const long = flavor('long');
const LIFETIME = policyNamed('lifetime');

/** The host of each guest of a trace on two hosts of eight pCPUs. */
function hostsOf(arrivals: readonly Arrival[], lifetimes: LifetimeSource): readonly string[] {
  const hosts = ['h1', 'h2'].map((name) => syntheticHost({ name, coresPerCell: 8 }));
  const steps = replay(new Fleet(hosts, LIFETIME), arrivals, { clock: () => 0, lifetimes });
  return [...steps].map(({ placement }) => placement?.host ?? 'none');
}

test('nothing is guessed of a kind of which fewer than three have gone', () => {
  const guess = new LifetimeGuess();
  for (const at of [0, 1, 2]) guess.came({ at, flavor: short });
  guess.left({ at: 0, flavor: short }, 10);
  guess.left({ at: 1, flavor: short }, 11);
  assert.equal(guess.of(short, 11), undefined);
  guess.left({ at: 2, flavor: short }, 12);
  assert.equal(guess.of(short, 12), 10);
  assert.equal(guess.of(long, 12), undefined);
});

test('guests that are still there lengthen the guess by the time they have been there', () => {
  const guess = new LifetimeGuess();
  for (const at of [0, 0, 0, 50]) guess.came({ at, flavor: short });
  for (let gone = 0; gone < 3; gone++) guess.left({ at: 0, flavor: short }, 20);
  assert.equal(guess.of(short, 50), 20);
  assert.equal(guess.of(short, 80), 30);
});

const apart: Pick<Arrival, 'labels' | 'rules'> = {
  labels: { app: 'x' },
  rules: { antiAffinity: [{ selector: 'app=x', over: 'host', hard: true }] },
};

/**
 * Three of each kind come and go. Then one of each comes, each on a host of its own, and another
 * long one.
 */
function lesson(until?: number): readonly Arrival[] {
  const pupils = [0, 0, 0].flatMap((at): Arrival[] => [
    { at, until: 10, flavor: short },
    { at, until: 4000, flavor: long },
  ]);
  return [
    ...pupils,
    { at: 5000, flavor: short, until: 5010, ...apart },
    { at: 5000, flavor: long, until: 9000, ...apart },
    { at: 5001, flavor: long, ...(until === undefined ? {} : { until }) },
  ];
}

test('told by history, the policy puts a guest that will stay to one that will stay', () => {
  const [brief, lasting, last] = hostsOf(lesson(), 'history').slice(-3);
  assert.notEqual(brief, lasting);
  assert.equal(last, lasting);
  assert.equal(hostsOf(lesson(), 'none').at(-1), brief, 'untold, it takes the first');
});

test('what a guest does after it was placed does not change where it was placed', () => {
  assert.deepEqual(hostsOf(lesson(5002), 'history'), hostsOf(lesson(), 'history'));
});

test('a lifetime that the trace tells needs no history, and wins over the guess', () => {
  const stays = (seconds: number): Arrival['rules'] => ({ expectedLifetimeMs: seconds * 1000 });
  const told = lesson().map((arrival, row): Arrival => {
    const seconds = [10_000, 100, 9000][row - 6] ?? 1;
    return { ...arrival, rules: { ...arrival.rules, ...stays(seconds) } };
  });
  for (const source of ['none', 'history'] as const) {
    const [first, second, last] = hostsOf(told, source).slice(-3);
    assert.notEqual(first, second);
    assert.equal(last, first, source);
  }
});
