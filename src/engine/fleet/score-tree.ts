import { Heap } from '../../base/heap.ts';

/**
 * The best score of each kind of request, host by host, with the best of every 64 above them and of
 * every 64 of those: a host that changes costs three looks at 64 numbers, the best host one.
 *
 * A score is first a bound, which is never less than what placing finds; it is replaced by that once
 * the host was asked. Negative: the host does not take the guest.
 */
export class ScoreTree {
  readonly #levels: readonly Float64Array[];

  constructor(hosts: number) {
    const levels = [new Float64Array(hosts).fill(NO_SCORE)];
    for (let size = hosts; size > FAN;) {
      size = Math.ceil(size / FAN);
      levels.push(new Float64Array(size).fill(NO_SCORE));
    }
    this.#levels = levels;
  }

  /** Enters the score of one host. */
  set(host: number, score: number): void {
    let index = host;
    let value = score;
    for (const [height, level] of this.#levels.entries()) {
      const old = level[index] ?? NO_SCORE;
      if (old === value) return;
      level[index] = value;
      const above = this.#levels[height + 1];
      if (above === undefined) return;
      const best = above[Math.floor(index / FAN)] ?? NO_SCORE;
      index = Math.floor(index / FAN);
      if (value >= best) continue;
      if (old < best) return;
      value = bestOf(level, index);
    }
  }

  /** Enters bounds for every host at once. */
  fill(bound: (host: number) => number): void {
    const [leaves] = this.#levels;
    if (leaves === undefined) return;
    for (let host = 0; host < leaves.length; host++) leaves[host] = bound(host);
    for (const [height, level] of this.#levels.entries()) {
      const below = this.#levels[height - 1];
      if (below === undefined) continue;
      for (let index = 0; index < level.length; index++) level[index] = bestOf(below, index);
    }
  }

  /** The score of a host as it is known; `NO_SCORE` where it does not take the guest. */
  scoreAt(host: number): number {
    return this.#levels[0]?.[host] ?? NO_SCORE;
  }

  /** The host of the best score, of equals the first; undefined where none takes the guest. */
  best(): number | undefined {
    let index = 0;
    for (let height = this.#levels.length - 1; height >= 0; height--) {
      const level = this.#levels[height];
      if (level === undefined) return undefined;
      const isTop = height === this.#levels.length - 1;
      const from = isTop ? 0 : index * FAN;
      const to = isTop ? level.length : Math.min(level.length, from + FAN);
      index = firstBest(level, from, to);
    }
    return this.scoreAt(index) < 0 ? undefined : index;
  }

  /**
   * Every host that may take the guest, best first, of equals the first. A host whose score becomes
   * less meanwhile comes again in its new place.
   */
  *ranked(): Generator<number, undefined> {
    const open = new Heap<Candidate>(comesFirst);
    const top = this.#levels.length - 1;
    const push = (height: number, from: number, to: number): void => {
      const level = this.#levels[height];
      for (let index = from; index < Math.min(to, level?.length ?? 0); index++) {
        const score = level?.[index] ?? NO_SCORE;
        if (score >= 0) open.push({ score, height, index });
      }
    };
    push(top, 0, FAN);
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (next.height > 0) {
        push(next.height - 1, next.index * FAN, (next.index + 1) * FAN);
      } else if (this.scoreAt(next.index) < next.score) {
        push(0, next.index, next.index + 1);
      } else {
        yield next.index;
        if (this.scoreAt(next.index) < next.score) push(0, next.index, next.index + 1);
      }
    }
    return undefined;
  }
}

const FAN = 64;

/** Less than every score: such a host does not take the guest. */
export const NO_SCORE = -1;

/** No score is more. */
export const MOST = 1;

/** The best of the numbers below the one at `index` of the next level. */
function bestOf(level: Float64Array, index: number): number {
  const to = Math.min(level.length, (index + 1) * FAN);
  let best = NO_SCORE;
  for (let i = index * FAN; i < to; i++) best = Math.max(best, level[i] ?? NO_SCORE);
  return best;
}

function firstBest(level: Float64Array, from: number, to: number): number {
  let found = from;
  for (let i = from + 1; i < to; i++) {
    if ((level[i] ?? NO_SCORE) > (level[found] ?? NO_SCORE)) found = i;
  }
  return found;
}

interface Candidate {
  readonly score: number;
  readonly height: number;
  readonly index: number;
}

/** By score; of equals the one whose hosts come first. */
function comesFirst(a: Candidate, b: Candidate): boolean {
  if (a.score !== b.score) return a.score > b.score;
  return firstHost(a) !== firstHost(b) ? firstHost(a) < firstHost(b) : a.height > b.height;
}

function firstHost({ height, index }: Candidate): number {
  return index * FAN ** height;
}
