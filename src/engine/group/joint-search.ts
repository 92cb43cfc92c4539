import { present } from '../../base/assert.ts';
import { fitsHost } from '../place-on-host.ts';
import type { PlacementRequest } from '../request.ts';
import { cellChoices, mostCells } from './cell-choices.ts';
import type { GroupBooks, Seated } from './group-books.ts';
import { hostClasses } from './host-classes.ts';
import type { Member } from './member.ts';
import type { Volume } from './volume.ts';
import { boundsOf, covers, leastVolume, volumeOf } from './volume.ts';

/** A way to seat a member: on that host, in so many cells or on those cells of it. */
interface Way {
  readonly host: number;
  readonly narrow: Narrow;
  /** Into how many more cells it is cut than it has to be. */
  readonly extra: number;
  readonly score: number;
}

/** What a request is narrowed to, so that the engine chooses no other cells. */
type Narrow = Partial<Pick<PlacementRequest, 'cells' | 'nodeset'>>;

/** The ways on one host. */
interface HostWays {
  readonly ways: readonly Omit<Way, 'host'>[];
  /** False where the member could lie otherwise on that host. */
  readonly complete: boolean;
}

/** What a search came to. */
export interface SearchResult {
  /** Every member with its seat, in the order of the members; absent when none was found. */
  readonly best?: readonly Seated[];
  /** The most members that had a seat at once. */
  readonly deepest: readonly Seated[];
  /**
   * True when there is no placement but those that were tried. False where the search ended at its
   * limits, or left out other cells for some member; also where it cannot tell because a member is not
   * plain: which of the pCPUs, page sources or PCI functions it gets is for the engine alone.
   */
  readonly complete: boolean;
  /** How many times a host was asked. */
  readonly asked: number;
}

/** How many times a host may be asked: until a placement is found, and from then on. */
export interface SearchLimits {
  readonly toFind: number;
  readonly toImprove: number;
}

/** Into how many cells to cut a member that leaves that open: as few as it fits, or any number. */
export type Cuts = 'fewest' | 'every';

/** What is gained by less does not count: sums of the same terms differ by rounding. */
const LEAST_GAIN = 1e-9;

/**
 * Seats all members by trying every host, and sets of cells that differ, in turn, the fewest cells
 * and then the best score first; what was tried already on hosts that are alike is not tried again.
 * Finds a placement of a small group of plain dedicated VMs wherever one exists, within its limits,
 * and of those it finds the one with the highest sum of scores; of what it leaves out it tells.
 */
export class JointSearch {
  readonly #books: GroupBooks;
  readonly #members: readonly Member[];
  readonly #hosts: readonly number[];
  readonly #limits: SearchLimits;
  readonly #cuts: Cuts;
  /** Index of the last member that names pCPUs. */
  readonly #lastNaming: number;
  /** Of hosts that were alike when the search began, what they are. */
  readonly #classes: ReadonlyMap<number, string>;
  /** What was seated on hosts since, in that order. */
  readonly #tracks = new Map<number, string>();
  readonly #ways = new Map<string, HostWays>();
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
    readonly cuts: Cuts;
  }) {
    this.#books = search.books;
    this.#members = search.members;
    this.#hosts = search.hosts;
    this.#limits = search.limits;
    this.#cuts = search.cuts;
    this.#lastNaming = search.members.findLastIndex(({ request }) => namesPcpus(request));
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
      asked: this.#asked,
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
    const verdict = this.#books.ask(way.host, { ...member.meanwhile, ...way.narrow });
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
    const at = this.#seated.length;
    const seen = new Set<string>();
    const all: Way[] = [];
    for (const host of this.#hosts) {
      if (!this.#books.allows(host, member.meanwhile)) continue;
      const state = this.#stateOf(host);
      if (seen.has(state)) continue;
      seen.add(state);
      const { ways, complete } = this.#waysOn(host, member, state);
      // How the last one lies is in nobody's way.
      if (at < this.#members.length - 1 && !complete) this.#complete = false;
      for (const way of ways) all.push({ host, ...way });
    }
    if (all.length > 0 && at < this.#lastNaming) this.#complete = false;
    return all.toSorted((a, b) => a.extra - b.extra || b.score - a.score);
  }

  /** The ways on one host; known for hosts that are alike and had the same members. */
  #waysOn(host: number, member: Member, state: string): HostWays {
    const key = `${member.kind} ${state}`;
    const known = this.#ways.get(key) ?? this.#findWays(host, member.meanwhile);
    this.#ways.set(key, known);
    return known;
  }

  #findWays(host: number, request: PlacementRequest): HostWays {
    const fewest = this.#waysCut(host, request, {});
    const least = fewest.cells;
    const most = mostCells(this.#books.ledger(host), request) ?? least;
    if (fewest.ways.length === 0 || most <= least) return fewest;
    if (this.#cuts === 'fewest') return { ...fewest, complete: false };
    const more = Array.from({ length: most - least }, (_, index) => {
      const cut = this.#waysCut(host, request, { cells: least + index + 1 });
      return { ...cut, ways: cut.ways.map((way) => ({ ...way, extra: index + 1 })) };
    });
    return {
      ways: [fewest, ...more].flatMap(({ ways }) => ways),
      complete: [fewest, ...more].every(({ complete }) => complete),
    };
  }

  /** The ways of a member that is cut in one way, and into how many cells that is. */
  #waysCut(
    host: number,
    request: PlacementRequest,
    cut: { readonly cells?: number },
  ): HostWays & { readonly cells: number } {
    this.#asked++;
    const verdict = this.#books.ask(host, { ...request, ...cut });
    if (!verdict.ok) return { ways: [], complete: true, cells: 0 };
    const { cells } = verdict.write();
    const ways = [{ narrow: cut, extra: 0, score: verdict.score.total }];
    const choices = cellChoices(this.#books.ledger(host), { ...request, ...cut }, cells.length);
    for (const nodeset of choices.sets) {
      if (nodeset.join() === cells.join()) continue;
      const narrow = { ...cut, nodeset };
      this.#asked++;
      const other = this.#books.ask(host, { ...request, ...narrow });
      if (other.ok) ways.push({ narrow, extra: 0, score: other.score.total });
    }
    return { ways, complete: choices.complete, cells: cells.length };
  }
}

/** Whether it matters to a VM which pCPUs of a cell others leave. */
function namesPcpus({ cpuset, emulator }: PlacementRequest): boolean {
  return cpuset !== undefined || typeof emulator === 'object';
}
