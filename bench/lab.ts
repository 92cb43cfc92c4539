import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { downLab, upLab } from '../src/lab/fleet/lab.ts';
import { median, type BenchResult } from './result.ts';

/**
 * A lab of ten hosts, from nothing to the last libvirtd's answer, and its end; each against ten labs
 * of one host, one after the other, in the same rounds.
 */

const HOSTS = 10;
const ROUNDS = 5;

export async function bench(): Promise<readonly BenchResult[]> {
  const home = await mkdtemp(join(tmpdir(), 'berth-bench-'));
  const ours: Times[] = [];
  const theirs: Times[] = [];
  try {
    await upAndDown(home, 1); // what a first start leaves warm
    for (let round = 0; round < ROUNDS; round++) {
      ours.push(await upAndDown(home, HOSTS));
      theirs.push(await oneByOne(home));
    }
  } finally {
    await downLab(home, 'bench');
    await rm(home, { recursive: true });
  }
  return [
    compare(
      'up of ten hosts',
      ours.map(({ up }) => up),
      theirs.map(({ up }) => up),
    ),
    compare(
      'down of ten hosts',
      ours.map(({ down }) => down),
      theirs.map(({ down }) => down),
    ),
  ];
}

interface Times {
  readonly up: number;
  readonly down: number;
}

async function upAndDown(home: string, hosts: number): Promise<Times> {
  const begin = performance.now();
  const signal = AbortSignal.timeout(120_000);
  const wishes = Array.from({ length: hosts }, () => ({ kind: 'namespace' }) as const);
  await upLab({ home, name: 'bench', hosts: wishes, cache: home, signal });
  const between = performance.now();
  await downLab(home, 'bench');
  return { up: between - begin, down: performance.now() - between };
}

async function oneByOne(home: string): Promise<Times> {
  const sum = { up: 0, down: 0 };
  for (let host = 0; host < HOSTS; host++) {
    const { up, down } = await upAndDown(home, 1);
    sum.up += up;
    sum.down += down;
  }
  return sum;
}

function compare(what: string, ours: readonly number[], theirs: readonly number[]): BenchResult {
  const [berth, peer] = [median(ours), median(theirs)];
  const peerName = 'ten labs of one host, one after the other';
  return { what, unit: 'ms', berth, peer, peerName, ratio: berth / peer };
}
