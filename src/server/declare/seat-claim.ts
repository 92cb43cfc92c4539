import { berthError } from '../../base/errors.ts';
import type { SpecEntry } from '../../api/spec-file.ts';
import { planViewOf } from '../../api/plan-view.ts';
import { place } from '../../engine/place.ts';
import type { PlaceResult } from '../../engine/place.ts';
import { comingAt, requestOf, takerOf } from '../../engine/request.ts';
import type { PlacementRequest } from '../../engine/request.ts';
import type { Placement } from '../../model/placement.ts';
import type { VmSpec } from '../../model/vm-spec.ts';
import type { Store } from '../../store/store.ts';
import type { Fleet } from '../fleet/fleet.ts';

/** Lost races before placing gives up; each means that somebody else's claim went through. */
const RACES_MAX = 100;

/** A VM that exists, and where. */
export interface SeatedVm {
  readonly uuid: string;
  readonly host: string;
}

/** True when both ask a host for the same: what was decided for one holds for the other. */
export function asksTheSame(a: VmSpec, b: VmSpec): boolean {
  return seatKey(requestOf(a)) === seatKey(requestOf(b));
}

/** True when both may stand on the same hosts, beside the same VMs. */
export function hasSameRules(a: VmSpec, b: VmSpec): boolean {
  return ruleKey(requestOf(a)) === ruleKey(requestOf(b));
}

/**
 * What a VM asks of the host that it is on, its own seat looked at as if it were free.
 * @param now milliseconds since the epoch.
 */
export function requestThere(spec: VmSpec, vm: SeatedVm, now: number): PlacementRequest {
  return { ...comingAt(requestOf(spec, vm.uuid), now), hosts: [vm.host] };
}

/** An answer about one host: others say nothing of interest, and to allow them changes nothing. */
export function answerThere(result: PlaceResult, host: string): PlaceResult {
  if (result.ok) return result;
  return {
    ...result,
    refusals: result.refusals.filter((refusal) => refusal.host === host),
    smallestChange: result.smallestChange.filter(({ kind }) => kind !== 'any-host'),
  };
}

/** Why a VM may not stay on its host by its document; undefined where it may. */
export function whyNotThere({ hosts }: VmSpec, host: string): string | undefined {
  if (hosts.length === 0 || hosts.includes(host)) return undefined;
  return `its document allows ${hosts.join(', ')} alone, and it is on ${host}`;
}

/**
 * Finds the new seat of a VM on its own host and claims it under the host's generation. Until it is
 * released the ledger counts it beside the seat that the VM has.
 * @throws BERTH_REFUSED with the explanation; BERTH_BUSY; BERTH_HOST_UNREACHABLE
 */
export async function claimThere(
  context: { readonly fleet: Fleet; readonly store: Store; readonly now: () => number },
  { spec, document }: SpecEntry,
  vm: SeatedVm,
): Promise<Placement> {
  const { fleet, store, now } = context;
  for (let attempt = 0; attempt < RACES_MAX; attempt++) {
    // Generations first: whatever happens after makes the claim fail, not the ledger wrong.
    const hosts = await store.hosts.list();
    const generation = hosts.find((host) => host.name === vm.host)?.generation;
    if (generation === undefined) continue;
    await fleet.host(vm.host).readSince(generation);
    void fleet.host(vm.host).link; // throws while nobody can tell what is free there
    const { snapshots } = await fleet.look();
    const asked = requestThere(spec, vm, now());
    const result = answerThere(place(snapshots, asked), vm.host);
    if (!result.ok) {
      const { summary } = result;
      const explanation = planViewOf(document, result);
      throw berthError('BERTH_REFUSED', { vm: spec.name, summary, explanation });
    }
    const { placement } = result;
    const request = comingAt(requestOf(spec), now());
    const { name, running: _, ...taker } = takerOf(request, vm.uuid);
    const claim = { ...taker, vm: name, placement, operation: vm.uuid };
    if (await fleet.take([claim], new Map([[vm.host, generation]]))) return placement;
  }
  const holder = `${RACES_MAX} other claims came first`;
  throw berthError('BERTH_BUSY', { what: `placing ${spec.name}`, holder });
}

function seatKey(request: PlacementRequest): string {
  const { vcpus, policy, dedicatedVcpus, threads, cpuset, emulator, ioThreads } = request;
  const { memoryBytes, pageKiB, cells, memoryMode, nodeset, pci } = request;
  return JSON.stringify([
    [vcpus, policy, dedicatedVcpus, threads, cpuset, emulator, ioThreads],
    [memoryBytes, pageKiB, cells, memoryMode, nodeset, pci],
  ]);
}

function ruleKey(request: PlacementRequest): string {
  const { hosts, hostLabels, excludeHosts, affinity, antiAffinity, spread, networks } = request;
  return JSON.stringify([
    hosts,
    hostLabels,
    excludeHosts,
    affinity,
    antiAffinity,
    spread,
    networks,
  ]);
}
