import { planViewOf } from '../../api/plan-view.ts';
import type { SpecEntry } from '../../api/spec-file.ts';
import { atOnce } from '../../base/at-once.ts';
import { present } from '../../base/assert.ts';
import { berthError, isBerthError } from '../../base/errors.ts';
import type { Fleet as Books } from '../../engine/fleet/fleet.ts';
import { placeGroup } from '../../engine/group/place-group.ts';
import type { GroupResult } from '../../engine/group/place-group.ts';
import type { PlaceResult } from '../../engine/place.ts';
import { comingAt, requestOf, takerOf } from '../../engine/request.ts';
import type { PlacementRequest } from '../../engine/request.ts';
import type { Placement } from '../../model/placement.ts';
import type { VmSpec } from '../../model/vm-spec.ts';
import type { Claim } from '../../store/claims.ts';
import type { Store } from '../../store/store.ts';
import type { Fleet } from './fleet.ts';
import type { HostMirror } from './host-mirror.ts';
import { Turns } from '../turns.ts';

/** Lost races before placing gives up; each means that somebody else's claim went through. */
const RACES_MAX = 100;
/** Hosts that are looked at at the same time. */
const LOOKS_AT_ONCE = 32;
/** Before a refusal so many hosts at most are looked at again, those first that were seen longest ago. */
const LOOKS_MAX = 64;
/** What was seen of a host is good for a refusal for so long. */
const FRESH_MS = 10_000;

/** One VM of those that are to come together. */
export interface ComingVm {
  readonly entry: SpecEntry;
  readonly uuid: string;
}

/** What was decided on the books, and the hosts that it takes something of. */
interface Decision<T> {
  readonly hosts: readonly string[];
  readonly what: T;
}

/** What holds while places are looked for. */
interface Search {
  /** Of every host, as the store had it before anything else was looked at. */
  readonly generations: ReadonlyMap<string, number>;
  /** Hosts that could not tell what is free on them, and why. */
  readonly away: Map<string, Error>;
}

/**
 * Decides where VMs sit, and claims the place. Decisions are made on the open books of the whole
 * fleet, which ask no host anything; only the host that is chosen is looked at before it is claimed.
 *
 * However many servers claim on one store, no host is ever given more than it has. A claim on a host
 * is made in this order:
 *
 * 1. its generation is read from the store;
 * 2. its domains have been read since it had that generation (`HostMirror.readSince`);
 * 3. what is free on it, and the claims on it, are read;
 * 4. the exact engine places on that;
 * 5. the claim is taken if the generation still is that of 1, and advances it.
 *
 * Each seat that another server gave away is in the ledger of 4, or 5 fails: it is a claim until its
 * domain is defined, and is released, which advances the generation, only after. One that was
 * released before 1 is a domain that 2 has read; one that was there at 3 was counted; one that was
 * released, or taken, between 1 and 5 has advanced the generation. What this server itself releases
 * it has read before, so it need not read everything again (`HostMirror.advanced`). Domains that
 * people start past all servers are under no claim: they are counted as soon as their event comes.
 */
export class Placer {
  readonly #fleet: Fleet;
  readonly #store: Store;
  readonly #now: () => number;
  readonly #turns = new Turns();

  /** @param now milliseconds since the epoch. */
  constructor(fleet: Fleet, store: Store, now: () => number) {
    this.#fleet = fleet;
    this.#store = store;
    this.#now = now;
  }

  /**
   * Where a VM would sit now. Claims nothing.
   * @param uuid of a VM that exists: the seat it has is looked at as if it were free.
   * @throws BERTH_NOT_FOUND for a host that is not registered; BERTH_CONFLICT without any host; why
   * not, when none of the hosts that may be used can tell what is free.
   */
  async plan(spec: VmSpec, uuid?: string): Promise<PlaceResult> {
    this.#knownHosts(spec);
    const request = this.#requestOf(spec, uuid);
    const result = placeAgain(await this.#fleet.openBooks(), request);
    if (result.ok) return result;
    const search = await this.#search();
    await this.#freshen([spec], search);
    const again = placeAgain(await this.#fleet.openBooks(), request);
    if (!again.ok) this.#mustBeThere([spec], search);
    return again;
  }

  /**
   * Where several VMs would sit together: all of them, or none. Claims nothing.
   * @throws as `plan`
   */
  async planGroup(specs: readonly VmSpec[]): Promise<GroupResult> {
    for (const spec of specs) this.#knownHosts(spec);
    const requests = specs.map((spec) => this.#requestOf(spec));
    const result = placeGroup(await this.#fleet.openBooks(), requests);
    if (result.ok) return result;
    const search = await this.#search();
    await this.#freshen(specs, search);
    const again = placeGroup(await this.#fleet.openBooks(), requests);
    if (!again.ok) this.#mustBeThere(specs, search);
    return again;
  }

  /**
   * Finds a place and claims it; a race that was lost to another server looks again. Within this
   * server claims are made one after the other: racing itself, it would look again for each.
   * @throws BERTH_REFUSED with the explanation, and as `plan`
   */
  async claim(entry: SpecEntry, uuid: string): Promise<Claim> {
    const [claim] = await this.claimGroup([{ entry, uuid }]);
    return present(claim, 'the claim of the only VM');
  }

  /**
   * Finds places for several VMs and claims them in one transaction: all of them, or none.
   * @returns the claims in the order of the VMs.
   * @throws BERTH_REFUSED with why the first that has no place beside the others has none, and as
   * `plan`
   */
  async claimGroup(vms: readonly ComingVm[]): Promise<readonly Claim[]> {
    if (vms.length === 0) return [];
    for (const { entry } of vms) this.#knownHosts(entry.spec);
    return this.#turns.take('claim', async () => this.#claimAll(vms));
  }

  async #claimAll(vms: readonly ComingVm[]): Promise<readonly Claim[]> {
    let isFresh = false;
    for (let attempt = 0; attempt < RACES_MAX; attempt++) {
      // Generations first: whatever happens after makes the claim fail, not the ledger wrong.
      const search = await this.#search();
      const placements = await this.#placements(vms, search);
      if (placements === undefined) {
        const specs = vms.map(({ entry }) => entry.spec);
        if (!isFresh) await this.#freshen(specs, search);
        else await this.#refuse(vms, search);
        isFresh = true;
        continue;
      }
      const claims = vms.map((vm, index) => this.#claimOf(vm, placements[index]));
      if (await this.#fleet.take(claims, search.generations)) return claims;
    }
    const holder = `${RACES_MAX} other claims came first`;
    const names = vms.map(({ entry }) => entry.spec.name).join(', ');
    throw berthError('BERTH_BUSY', { what: `placing ${names}`, holder });
  }

  /** Places for all, each on a host that was looked at since; undefined when they do not all fit. */
  async #placements(
    vms: readonly ComingVm[],
    search: Search,
  ): Promise<readonly Placement[] | undefined> {
    const { what } = await this.#decide(search, (books) => {
      const requests = vms.map(({ entry }) => this.#among(entry.spec, search));
      const placements = placeAll(books, requests);
      return { what: placements, hosts: (placements ?? []).map(({ host }) => host) };
    });
    return what;
  }

  /**
   * Decides on the books, looks at the hosts that were chosen, and decides again, until every host
   * that is chosen was looked at. Each round looks at another host, so that it ends.
   */
  async #decide<T>(search: Search, decide: (books: Books) => Decision<T>): Promise<Decision<T>> {
    const looked = new Set<string>();
    for (;;) {
      const decision = decide(await this.#fleet.openBooks());
      const unseen = [...new Set(decision.hosts)].filter((host) => !looked.has(host));
      if (unseen.length === 0) return decision;
      await atOnce(LOOKS_AT_ONCE, unseen, async (host) => {
        looked.add(host);
        await this.#lookAt(host, search);
      });
    }
  }

  async #lookAt(host: string, { generations, away }: Search): Promise<void> {
    try {
      const mirror = this.#fleet.host(host);
      const generation = generations.get(host);
      if (generation === undefined) throw notRegistered(host);
      await mirror.readSince(generation);
      await mirror.snapshot([]);
    } catch (error) {
      if (!isBerthError(error)) throw error;
      away.set(host, error);
    }
  }

  /** A refusal is to be right about hosts of which there is no news, too. */
  async #freshen(specs: readonly VmSpec[], search: Search): Promise<void> {
    const since = this.#now() - FRESH_MS;
    const old = this.#asked(specs)
      .filter((mirror) => mirror.unreachable === undefined)
      .filter(({ name, lookedAt }) => lookedAt < since || this.#isBehind(name, search))
      .toSorted((a, b) => a.lookedAt - b.lookedAt);
    const names = old.slice(0, LOOKS_MAX).map(({ name }) => name);
    await atOnce(LOOKS_AT_ONCE, names, async (name) => this.#lookAt(name, search));
  }

  #isBehind(host: string, { generations }: Search): boolean {
    return this.#fleet.host(host).isBehind(generations.get(host) ?? 0);
  }

  async #refuse(vms: readonly ComingVm[], search: Search): Promise<void> {
    const books = await this.#fleet.openBooks();
    const [only] = vms;
    const isAlone = vms.length === 1 && only !== undefined;
    const refused = isAlone
      ? refusalOf(books, this.#among(only.entry.spec, search))
      : this.#groupRefusal(books, vms, search);
    if (refused === undefined) return; // there is room since
    this.#mustBeThere(
      vms.map(({ entry }) => entry.spec),
      search,
    );
    const { entry } = present(vms[refused.failed], 'the VM that has no place');
    const { result } = refused;
    const explanation = planViewOf(entry.document, result);
    throw berthError('BERTH_REFUSED', {
      vm: entry.spec.name,
      summary: result.summary,
      explanation,
    });
  }

  #groupRefusal(books: Books, vms: readonly ComingVm[], search: Search): Refusal | undefined {
    const requests = vms.map(({ entry }) => this.#among(entry.spec, search));
    const result = placeGroup(books, requests);
    return result.ok ? undefined : { failed: result.failed, result: result.refused };
  }

  async #search(): Promise<Search> {
    return { generations: await this.#store.hosts.generations(), away: new Map() };
  }

  #claimOf({ entry, uuid }: ComingVm, placement: Placement | undefined): Claim {
    const { name: vm, running: _, ...taker } = takerOf(this.#requestOf(entry.spec), uuid);
    return { ...taker, vm, placement: present(placement, 'a placement'), operation: uuid };
  }

  /** What a VM asks for that would come now. */
  #requestOf(spec: VmSpec, uuid?: string): PlacementRequest {
    return comingAt(requestOf(spec, uuid), this.#now());
  }

  /** The same without the hosts that cannot tell what is free on them. */
  #among(spec: VmSpec, { away }: Search): PlacementRequest {
    const request = this.#requestOf(spec);
    if (away.size === 0) return request;
    return { ...request, excludeHosts: [...(request.excludeHosts ?? []), ...away.keys()] };
  }

  /** A host that is asked for by name must be one; a misspelt one would else read as "full". */
  #knownHosts(spec: VmSpec): void {
    for (const name of spec.hosts) this.#fleet.host(name);
    if (this.#fleet.mirrors.length > 0) return;
    throw berthError('BERTH_CONFLICT', {
      what: `place ${spec.name}`,
      why: 'no host is registered',
      remedy: 'add this machine with: berth up',
    });
  }

  /** The hosts that some of the VMs may use, as far as they name hosts. */
  #asked(specs: readonly VmSpec[]): readonly HostMirror[] {
    if (specs.some(({ hosts }) => hosts.length === 0)) return this.#fleet.mirrors;
    const names = new Set(specs.flatMap(({ hosts }) => hosts));
    return this.#fleet.mirrors.filter(({ name }) => names.has(name));
  }

  /** Where none of the hosts can tell, that is the reason, and not that they are full. */
  #mustBeThere(specs: readonly VmSpec[], { away }: Search): void {
    const asked = this.#asked(specs);
    const isThere = ({ name, unreachable }: HostMirror): boolean =>
      unreachable === undefined && !away.has(name);
    if (asked.some(isThere)) return;
    for (const mirror of asked) {
      const failure = away.get(mirror.name);
      if (failure !== undefined) throw failure;
      void mirror.link; // throws why not
    }
  }
}

/** Why VMs are refused: the one for which there was no place, by its number. */
interface Refusal {
  readonly failed: number;
  readonly result: PlaceResult & { readonly ok: false };
}

function refusalOf(books: Books, request: PlacementRequest): Refusal | undefined {
  const result = books.place(request);
  return result.ok ? undefined : { failed: 0, result };
}

/** One VM by the ranking of the hosts, which is quickest; several as a group. */
function placeAll(
  books: Books,
  requests: readonly PlacementRequest[],
): readonly Placement[] | undefined {
  const [only] = requests;
  if (only !== undefined && requests.length === 1) {
    const found = books.find(only);
    return found === undefined ? undefined : [found.write()];
  }
  const result = placeGroup(books, requests);
  return result.ok ? result.placements.map(({ placement }) => placement) : undefined;
}

/** Places on books in which the VM itself may have a seat, which they have again afterwards. */
function placeAgain(books: Books, request: PlacementRequest): PlaceResult {
  const host = request.uuid === undefined ? undefined : books.hostOf(request.uuid);
  if (request.uuid === undefined || host === undefined) return books.place(request);
  const seat = present(books.ledger(host).seats.get(request.uuid), 'the seat that the VM has');
  books.leave(request.uuid);
  try {
    return books.place(request);
  } finally {
    books.tryOut(host, seat);
  }
}

function notRegistered(name: string): Error {
  return berthError('BERTH_NOT_FOUND', { kind: 'host', name, known: [] });
}
