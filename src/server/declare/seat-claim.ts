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

/** A VM that is to sit in another way, and may yet have to go back. */
interface MovingVm extends SeatedVm {
  /** The place that it keeps until there is no way back. */
  readonly before: Placement;
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
 * Finds the new seat of a VM on its own host and claims it under the host's generation, in the order
 * that `Placer` says. Until it is released the ledger counts it, and the seat that the VM has, whatever
 * the domain says meanwhile. What is said of other hosts matters to rules between VMs alone: they are
 * taken as they were last seen.
 * @throws BERTH_REFUSED with the explanation; BERTH_BUSY; BERTH_HOST_UNREACHABLE, BERTH_NOT_FOUND
 */
export async function claimThere(
  context: { readonly fleet: Fleet; readonly store: Store; readonly now: () => number },
  { spec, document }: SpecEntry,
  { before, ...vm }: MovingVm,
): Promise<Placement> {
  const { fleet, store, now } = context;
  const mirror = fleet.host(vm.host);
  for (let attempt = 0; attempt < RACES_MAX; attempt++) {
    // Generations first: whatever happens after makes the claim fail, not the ledger wrong.
    const generation = await store.hosts.generation(vm.host);
    if (generation === undefined) throw noSuchHost(vm.host);
    await mirror.readSince(generation);
    const claims = await fleet.claimedSeats();
    const others = fleet.mirrors.filter((other) => other !== mirror);
    const snapshots = [
      await mirror.snapshot(claims(vm.host)), // throws while nobody can tell what is free there
      ...others.flatMap((other) => other.seenSnapshot(claims(other.name)) ?? []),
    ];
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
    const claim = { ...taker, vm: name, placement, before, operation: vm.uuid };
    if (await fleet.take([claim], new Map([[vm.host, generation]]))) return placement;
  }
  const holder = `${RACES_MAX} other claims came first`;
  throw berthError('BERTH_BUSY', { what: `placing ${spec.name}`, holder });
}

function noSuchHost(name: string): Error {
  return berthError('BERTH_NOT_FOUND', { kind: 'host', name, known: [] });
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
