import { FLEET_FILE_BYTES_MAX, readFleet } from '../api/fleet-file.ts';
import { planViewOf } from '../api/plan-view.ts';
import type { PlanView } from '../api/resources.ts';
import type { SpecEntry } from '../api/spec-file.ts';
import { present } from '../base/assert.ts';
import { berthError } from '../base/errors.ts';
import { Fleet } from '../engine/fleet/fleet.ts';
import { placeGroup } from '../engine/group/place-group.ts';
import type { Policy } from '../engine/policy/policy.ts';
import type { PlacementRequest } from '../engine/request.ts';
import { comingAt, requestOf } from '../engine/request.ts';
import { readInput } from './input-bytes.ts';
import type { Session } from './session.ts';

type Placed = Extract<PlanView, { placed: true }>;
type Refused = Extract<PlanView, { placed: false }>;

/** VMs of one file: where each sits, or why they do not all fit. */
export type GroupPlan =
  | { readonly placed: true; readonly placements: readonly GroupMember[] }
  | (Refused & {
      /** Members that had a place when the one named in `vm` found none. */
      readonly beside: readonly { readonly vm: string; readonly host: string }[];
    });

/** One VM of a group that is placed. */
export type GroupMember = Pick<Placed, 'vm' | 'placement' | 'score'>;

/**
 * Opens the books of a fleet file.
 * @throws BERTH_USAGE when it cannot be read, BERTH_SPEC_INVALID, BERTH_TOO_LARGE.
 */
export async function fleetOfFile(path: string, policy: Policy, session: Session): Promise<Fleet> {
  const usage = 'name a file with hosts, or - for standard input';
  const bytes = await readInput(path, { bytesMax: FLEET_FILE_BYTES_MAX, usage }, session);
  const text = new TextDecoder().decode(bytes);
  return new Fleet(readFleet(text, path === '-' ? 'standard input' : path), policy);
}

/**
 * VMs of a group are told apart by their names.
 * @throws BERTH_SPEC_INVALID
 */
export function checkGroup(entries: readonly SpecEntry[], file: string): void {
  const places = new Map<string, number>();
  for (const [index, { spec }] of entries.entries()) {
    const first = places.get(spec.name);
    if (first !== undefined) {
      throw berthError('BERTH_SPEC_INVALID', {
        where: file === '-' ? 'standard input' : file,
        problem: `documents ${first + 1} and ${index + 1} are both named ${spec.name}`,
        expected: 'a name of its own for each VM',
      });
    }
    places.set(spec.name, index);
  }
}

/** The request of a VM that would come now, in milliseconds since the epoch. */
export function requestNow({ spec }: Pick<SpecEntry, 'spec'>, now: number): PlacementRequest {
  return comingAt(requestOf(spec), now);
}

/** Where one VM would sit, came it at that time (milliseconds since the epoch). */
export function planOne(fleet: Fleet, entry: SpecEntry, now: number): PlanView {
  return planViewOf(entry.document, fleet.place(requestNow(entry, now)));
}

/** Where several would sit together, came they at that time: all of them, or none. */
export function planGroup(fleet: Fleet, entries: readonly SpecEntry[], now: number): GroupPlan {
  const entryAt = (index: number): SpecEntry => present(entries[index], `VM ${index} of the group`);
  const result = placeGroup(
    fleet,
    entries.map((entry) => requestNow(entry, now)),
  );
  if (result.ok) {
    const placements = result.placements.map((seat, index) => {
      const view = planViewOf(entryAt(index).document, { ok: true, ...seat }) as Placed;
      return { vm: view.vm, placement: view.placement, score: view.score };
    });
    return { placed: true, placements };
  }
  const view = planViewOf(entryAt(result.failed).document, result.refused) as Refused;
  const beside = result.placed.map(({ request, placement }) => ({
    vm: entryAt(request).spec.name,
    host: placement.host,
  }));
  return { ...view, beside };
}
