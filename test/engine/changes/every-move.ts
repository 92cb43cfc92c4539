import { ledgerOf } from '../../../src/engine/ledger.ts';
import { findOn } from '../../../src/engine/place.ts';
import type { Found } from '../../../src/engine/place.ts';
import type { PlacementRequest } from '../../../src/engine/request.ts';
import type { HostSnapshot, Seat } from '../../../src/model/host.ts';
import { seatOf } from '../../../src/model/host.ts';
import { ask } from '../requests.ts';

/** VMs that were moved, and how much memory they have. */
export interface Moved {
  readonly count: number;
  readonly bytes: number;
}

/**
 * Tries every sequence of moves, one VM to one host after the other, up to so many, and tells the
 * fewest that let the VM in, and of those the least memory. Each step is a whole new world.
 */
export function everyMove(
  hosts: readonly HostSnapshot[],
  request: PlacementRequest,
  most: number,
): Moved | undefined {
  for (let count = 1; count <= most; count++) {
    const bytes = leastBytes(hosts, request, count);
    if (bytes !== undefined) return { count, bytes };
  }
  return undefined;
}

function leastBytes(
  hosts: readonly HostSnapshot[],
  request: PlacementRequest,
  count: number,
): number | undefined {
  if (count === 0) return found(hosts, request) === undefined ? undefined : 0;
  let least: number | undefined;
  for (const host of hosts) {
    for (const seat of host.seats.filter(({ managed }) => managed)) {
      for (const { name } of hosts) {
        const moved = name === host.name ? undefined : withMove(hosts, seat, name);
        const rest = moved === undefined ? undefined : leastBytes(moved, request, count - 1);
        if (rest !== undefined) least = Math.min(least ?? Infinity, rest + memoryOf(seat));
      }
    }
  }
  return least;
}

/** The world after one move; undefined where the host does not take the VM. */
export function withMove(
  hosts: readonly HostSnapshot[],
  seat: Seat,
  to: string,
): readonly HostSnapshot[] | undefined {
  const without = hosts.map((host) => ({
    ...host,
    seats: host.seats.filter(({ uuid }) => uuid !== seat.uuid),
  }));
  const from = hosts.filter(({ seats }) => seats.some(({ uuid }) => uuid === seat.uuid));
  const names = without
    .map(({ name }) => name)
    .filter((name) => !from.some((h) => h.name === name));
  const place = found(without, {
    ...requestFor(seat),
    hosts: names.filter((name) => name === to),
  });
  if (place === undefined || names.length === 0) return undefined;
  const taken = seatOf({ ...seat, name: seat.vm }, place.write());
  return without.map((host) =>
    host.name === to ? { ...host, seats: [...host.seats, taken] } : host,
  );
}

function found(hosts: readonly HostSnapshot[], request: PlacementRequest): Found | undefined {
  return findOn(
    hosts.map((host) => ledgerOf(host)),
    request,
  );
}

function requestFor(seat: Seat): PlacementRequest {
  return ask({
    name: seat.vm,
    vcpus: seat.dedicated.length,
    memoryBytes: memoryOf(seat),
    cells: 1,
    ...(seat.labels === undefined ? {} : { labels: seat.labels }),
    antiAffinity: (seat.keepsAway ?? []).map((rule) => ({ ...rule, hard: true })),
  });
}

function memoryOf(seat: Seat): number {
  return seat.memory.reduce((sum, share) => sum + share.bytes, 0);
}
