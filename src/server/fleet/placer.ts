import { planViewOf } from '../../api/plan-view.ts';
import type { SpecEntry } from '../../api/spec-file.ts';
import { berthError } from '../../base/errors.ts';
import { place } from '../../engine/place.ts';
import type { PlaceResult } from '../../engine/place.ts';
import { comingAt, requestOf, takerOf } from '../../engine/request.ts';
import type { PlacementRequest } from '../../engine/request.ts';
import type { VmSpec } from '../../model/vm-spec.ts';
import type { Claim } from '../../store/claims.ts';
import type { Store } from '../../store/store.ts';
import type { Fleet } from './fleet.ts';
import { Turns } from '../turns.ts';

/** Lost races before placing gives up; each means that somebody else's claim went through. */
const RACES_MAX = 100;

/** Decides where VMs sit, and claims the place. */
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
   * @throws BERTH_NOT_FOUND for a host that is not registered; BERTH_CONFLICT without any host; why
   * not, when none of the hosts that may be used can tell what is free.
   */
  async plan(spec: VmSpec, uuid?: string): Promise<PlaceResult> {
    this.#knownHosts(spec);
    const { snapshots, failures } = await this.#fleet.look();
    const isAsked = (host: string): boolean => spec.hosts.length === 0 || spec.hosts.includes(host);
    const failure = failures.find(({ host }) => isAsked(host));
    if (failure !== undefined && !snapshots.some(({ name }) => isAsked(name))) throw failure.error;
    return place(snapshots, this.#requestOf(spec, uuid));
  }

  /**
   * Finds a place and claims it under the host's generation; a race that was lost to another server
   * looks again. Within this server claims are made one after the other: racing itself, it would
   * look at every host again for each.
   * @throws BERTH_REFUSED with the explanation, and as `plan`
   */
  async claim(entry: SpecEntry, uuid: string): Promise<Claim> {
    return this.#turns.take('claim', async () => this.#claim(entry, uuid));
  }

  async #claim(entry: SpecEntry, uuid: string): Promise<Claim> {
    const { spec } = entry;
    for (let attempt = 0; attempt < RACES_MAX; attempt++) {
      // Generations first: whatever happens after makes the claim fail, not the ledger wrong.
      const hosts = await this.#store.hosts.list();
      const result = await this.plan(spec, uuid);
      if (!result.ok) throw refusal(entry, result);
      const { placement } = result;
      const generation = hosts.find((host) => host.name === placement.host)?.generation;
      if (generation === undefined) continue;
      const { name: vm, running: _, ...taker } = takerOf(this.#requestOf(spec), uuid);
      const claim = { ...taker, vm, placement, operation: uuid };
      if (await this.#store.claims.take(claim, generation)) return claim;
    }
    const holder = `${RACES_MAX} other claims came first`;
    throw berthError('BERTH_BUSY', { what: `placing ${spec.name}`, holder });
  }

  /** What a VM asks for that would come now. */
  #requestOf(spec: VmSpec, uuid?: string): PlacementRequest {
    return comingAt(requestOf(spec, uuid), this.#now());
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
}

function refusal(
  { document, spec }: SpecEntry,
  result: PlaceResult & { readonly ok: false },
): Error {
  const explanation = planViewOf(document, result);
  return berthError('BERTH_REFUSED', { vm: spec.name, summary: result.summary, explanation });
}
