import { present } from '../../base/assert.ts';
import { fitsHost } from '../place-on-host.ts';
import type { PlacementRequest } from '../request.ts';
import { cellChoices } from './cell-choices.ts';
import type { GroupBooks, Seated } from './group-books.ts';
import { hostClasses } from './host-classes.ts';
import type { Member } from './member.ts';
import type { Volume } from './volume.ts';
import { boundsOf, covers, leastVolume, volumeOf } from './volume.ts';

/** A way to seat a member: on that host, on those cells of it. */
interface Way {
  readonly host: number;
  readonly nodeset?: readonly number[];
  readonly score: number;
}

/** What a search came to. */
export interface SearchResult {
  /** Every member with its seat, in the order of the members; absent when none was found. */
  readonly best?: readonly Seated[];
  /** The most members that had a seat at once. */
  readonly deepest: readonly Seated[];
  /** False when the search ended before it had tried everything. */
  readonly complete: boolean;
}

/** How many times a host may be asked: until a placement is found, and from then on. */
export interface SearchLimits {
  readonly toFind: number;
  readonly toImprove: number;
}

/** What is gained by less does not count: sums of the same terms differ by rounding. */
const LEAST_GAIN = 1e-9;

/**
 * Seats all members by trying every host, and every set of cells that differs, in turn, the best
 * score first; what was tried already on hosts that are alike is not tried again. Finds a placement
 * of the group wherever one exists, within its limits, and of those it finds the one with the
 * highest sum of scores.
 */
export class JointSearch {
  readonly #books: GroupBooks;
  readonly #members: readonly Member[];
  readonly #hosts: readonly number[];
  readonly #limits: SearchLimits;
  /** Of hosts that were alike when the search began, what they are. */
  readonly #classes: ReadonlyMap<number, string>;
  /** What was seated on hosts since, in that order. */
  readonly #tracks = new Map<number, string>();
  readonly #ways = new Map<string, readonly Omit<Way, 'host'>[]>();
  /** The highest sum with which a state was met. */
  readonly #sums = new Map<string, number>();
  readonly #fits = new Map<string, boolean>();
  /** The least that the members from each one on need. */
  readonly #needs: readonly Volume[];
  readonly #seated: Seated[] = [];
  #best: readonly Seated[] | undefined;
  #bestSum = Number.NEGATIVE_INFINITY;
  #deepest: readonly Seated[] = [];
  #asked = 0;
  #end: number;
  #complete = true;

  /** @param search.hosts indexes of the hosts to choose from. */
  constructor(search: {
    readonly books: GroupBooks;
    readonly members: readonly Member[];
    readonly hosts: readonly number[];
    readonly limits: SearchLimits;
  }) {
    this.#books = search.books;
    this.#members = search.members;
    this.#hosts = search.hosts;
    this.#limits = search.limits;
    this.#end = search.limits.toFind;
    this.#classes = hostClasses(search);
    const bounds = boundsOf(search.hosts.map((host) => search.books.ledger(host)));
    this.#needs = search.members.map((_, from) =>
      leastVolume(
        search.members.slice(from).map(({ request }) => request),
        bounds,
      ),
    );
  }

  /** Searches; the books are as before in the end. */
  run(): SearchResult {
    this.#descend(0);
    return {
      ...(this.#best === undefined ? {} : { best: this.#best }),
      deepest: this.#deepest,
      complete: this.#complete,
    };
  }

  #descend(sum: number): void {
    const member = this.#members[this.#seated.length];
    if (member === undefined) {
      this.#finish(sum);
      return;
    }
    if (this.#isKnown(sum) || this.#isPoor(sum) || this.#isHopeless()) return;
    for (const way of this.#waysOf(member)) {
      if (this.#asked >= this.#end) {
        this.#complete = false;
        return;
      }
      this.#take(member, way, sum);
    }
  }

  #take(member: Member, way: Way, sum: number): void {
    this.#asked++;
    const verdict = this.#books.ask(way.host, onCells(member.meanwhile, way.nodeset));
    if (!verdict.ok) return;
    const placement = verdict.write();
    const seated = { member, host: way.host, placement, score: verdict.score };
    const track = this.#tracks.get(way.host);
    this.#books.enter(seated);
    this.#tracks.set(way.host, `${track ?? ''};${member.kind}@${placement.cells.join()}`);
    this.#seated.push(seated);
    if (this.#seated.length > this.#deepest.length) this.#deepest = [...this.#seated];
    this.#descend(sum + verdict.score.total);
    this.#seated.pop();
    if (track === undefined) this.#tracks.delete(way.host);
    else this.#tracks.set(way.host, track);
    this.#books.leave(seated);
  }

  #finish(sum: number): void {
    if (sum <= this.#bestSum + LEAST_GAIN) return;
    if (this.#books.broken(this.#seated).length > 0) return;
    if (this.#best === undefined) this.#end = this.#asked + this.#limits.toImprove;
    this.#best = [...this.#seated];
    this.#bestSum = sum;
  }

  /** Whether hosts that are alike had the same members before, with no lower sum. */
  #isKnown(sum: number): boolean {
    const states = [...this.#tracks.keys()].map((host) => this.#stateOf(host));
    const key = `${this.#seated.length} ${states.toSorted().join('|')}`;
    const known = this.#sums.get(key);
    if (known !== undefined && known >= sum - LEAST_GAIN) return true;
    // Without a placement from there the first time, there is none the second time.
    if (known !== undefined && this.#best === undefined) return true;
    this.#sums.set(key, sum);
    return false;
  }

  /** Whether the best scores for the others would not make it better than the best so far. */
  #isPoor(sum: number): boolean {
    const left = this.#members.length - this.#seated.length;
    return sum + left <= this.#bestSum + LEAST_GAIN;
  }

  /** Whether some member left has no host even alone, or all together need more than is free. */
  #isHopeless(): boolean {
    const left = this.#members.slice(this.#seated.length);
    const need = present(this.#needs[this.#seated.length], 'what the others need');
    if (!covers(volumeOf(this.#hosts.map((host) => this.#books.ledger(host))), need)) return true;
    const kinds = new Map(left.map((member) => [member.kind, member]));
    return [...kinds.values()].some((member) => !this.#fitsSomewhere(member));
  }

  #fitsSomewhere(member: Member): boolean {
    return this.#hosts.some((host) => {
      if (!this.#books.allows(host, member.lasting)) return false;
      const state = this.#stateOf(host);
      const key = `${member.kind} ${state}`;
      const known = this.#fits.get(key);
      if (known !== undefined) return known;
      this.#asked++;
      const fits = fitsHost(this.#books.ledger(host), member.lasting);
      this.#fits.set(key, fits);
      return fits;
    });
  }

  /** What the host was in the beginning, and who came since. */
  #stateOf(host: number): string {
    return `${this.#classes.get(host)}${this.#tracks.get(host) ?? ''}`;
  }

  /** Every way to seat a member now, the best first; of hosts that are alike one. */
  #waysOf(member: Member): readonly Way[] {
    const seen = new Set<string>();
    const ways: Way[] = [];
    for (const host of this.#hosts) {
      if (!this.#books.allows(host, member.meanwhile)) continue;
      const state = this.#stateOf(host);
      if (seen.has(state)) continue;
      seen.add(state);
      for (const way of this.#waysOn(host, member, state)) ways.push({ host, ...way });
    }
    return ways.toSorted((a, b) => b.score - a.score);
  }

  /** The ways on one host; known for hosts that are alike and had the same members. */
  #waysOn(host: number, member: Member, state: string): readonly Omit<Way, 'host'>[] {
    const key = `${member.kind} ${state}`;
    const known = this.#ways.get(key);
    if (known !== undefined) return known;
    const ways = [...this.#findWays(host, member.meanwhile)];
    this.#ways.set(key, ways);
    return ways;
  }

  *#findWays(host: number, request: PlacementRequest): Generator<Omit<Way, 'host'>> {
    this.#asked++;
    const verdict = this.#books.ask(host, request);
    if (!verdict.ok) return;
    yield { score: verdict.score.total };
    const { cells } = verdict.write();
    for (const nodeset of cellChoices(this.#books.ledger(host), request, cells.length)) {
      if (nodeset.join() === cells.join()) continue;
      this.#asked++;
      const other = this.#books.ask(host, onCells(request, nodeset));
      if (other.ok) yield { score: other.score.total, nodeset };
    }
  }
}

function onCells(
  request: PlacementRequest,
  nodeset: readonly number[] | undefined,
): PlacementRequest {
  return nodeset === undefined ? request : { ...request, nodeset };
}
