import { berthError } from '../base/errors.ts';
import { place } from '../engine/place.ts';
import type { Placed, PlaceResult } from '../engine/place.ts';
import { requestOf } from '../engine/request.ts';
import type { VmSpec } from '../model/vm-spec.ts';
import type { Store } from '../store/store.ts';
import type { Fleet } from './fleet.ts';
import { planViewOf } from './views.ts';

/** Lost races before placing gives up; each means that somebody else's claim went through. */
const RACES_MAX = 100;

/** Decides where VMs sit, and claims the place. */
export class Placer {
  readonly #fleet: Fleet;
  readonly #store: Store;

  constructor(fleet: Fleet, store: Store) {
    this.#fleet = fleet;
    this.#store = store;
  }

  /** Where a VM would sit now. Claims nothing. */
  async plan(spec: VmSpec, uuid?: string): Promise<PlaceResult> {
    const snapshots = await this.#fleet.snapshots();
    this.#knownHosts(spec);
    return place(snapshots, requestOf(spec, uuid));
  }

  /**
   * Finds a place and claims it under the host's generation; a lost race looks again.
   * @throws BERTH_REFUSED with the explanation, BERTH_NOT_FOUND for a host that is not registered
   */
  async claim(spec: VmSpec, uuid: string, operation: string): Promise<Placed> {
    for (let attempt = 0; attempt < RACES_MAX; attempt++) {
      // Generations first: whatever happens after makes the claim fail, not the ledger wrong.
      const hosts = await this.#store.hosts.list();
      const result = await this.plan(spec, uuid);
      if (!result.ok) throw refusal(spec.name, result);
      const { placement } = result;
      const generation = hosts.find((host) => host.name === placement.host)?.generation;
      if (generation === undefined) continue;
      const claim = { vm: spec.name, uuid, placement, operation };
      if (await this.#store.claims.take(claim, generation)) return result;
    }
    const holder = `${RACES_MAX} other claims came first`;
    throw berthError('BERTH_BUSY', { what: `placing ${spec.name}`, holder });
  }

  /** A host that is asked for by name must be one; a misspelt one would else read as "full". */
  #knownHosts(spec: VmSpec): void {
    for (const name of spec.hosts) this.#fleet.host(name);
    if (this.#fleet.mirrors.length === 0) {
      throw berthError('BERTH_CONFLICT', {
        what: `place ${spec.name}`,
        why: 'no host is registered',
        remedy: 'add this machine with: berth up',
      });
    }
    const [first] = this.#fleet.mirrors;
    if (this.#fleet.mirrors.every((mirror) => mirror.unreachable !== undefined)) void first?.link;
  }
}

function refusal(vm: string, result: PlaceResult & { readonly ok: false }): Error {
  const explanation = planViewOf(vm, result);
  return berthError('BERTH_REFUSED', { vm, summary: result.summary, explanation });
}
