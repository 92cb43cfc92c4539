import { Fleet } from '../../src/engine/fleet/fleet.ts';
import type { PlacementRequest } from '../../src/engine/request.ts';
import type { HostSnapshot, Seat } from '../../src/model/host.ts';
import { defaultPolicy, seatOf } from '../../src/model/host.ts';
import { machineTopology } from '../../src/model/machine.ts';
import type { HostTopology } from '../../src/model/topology.ts';
import { MACHINE_CATALOGUE } from '../../src/model/machine-catalogue.ts';
import type { Random } from './random.ts';

const GIB = 1024 ** 3;

/**
 * Where floating vCPUs run: on every pCPU that no dedicated one has, or on a quarter of each cell's
 * cores, which is set apart for them.
 */
export type Pools = 'one pool' | 'set apart';

/** How much of what dedicated vCPUs may have is in use before the measuring begins. */
const FULL = 0.7;
/** Ways in which hosts of one machine are filled; hosts beyond that repeat them. */
const FILLINGS = 40;

/** A machine with more CPUs is a large one. */
const LARGE = 128;

/** What is asked for: guests of usual sizes, half of them pinned, a few of several cells. */
const MIX: readonly Pick<PlacementRequest, 'vcpus' | 'policy' | 'memoryBytes' | 'cells'>[] = [
  ...[1, 2, 4, 8, 16].flatMap((vcpus) =>
    [2, 4].map((gib) => ({
      vcpus,
      policy: 'dedicated' as const,
      memoryBytes: vcpus * gib * GIB,
      cells: 'auto' as const,
    })),
  ),
  ...[2, 4, 8].map((vcpus) => ({
    vcpus,
    policy: 'shared' as const,
    memoryBytes: vcpus * 4 * GIB,
    cells: 'auto' as const,
  })),
  { vcpus: 16, policy: 'dedicated', memoryBytes: 32 * GIB, cells: 2 },
  { vcpus: 32, policy: 'dedicated', memoryBytes: 64 * GIB, cells: 2 },
];

/** A request of the mix, each as frequent as the other. */
export function requestFrom(random: Random, id: number): PlacementRequest {
  const kind = MIX[Math.floor(random.next() * MIX.length)] ?? MIX[0];
  if (kind === undefined) throw new Error('the mix has kinds');
  return { name: `vm${id}`, threads: 'prefer', emulator: 'share', hosts: [], ...kind };
}

/** Hosts of every machine of the catalogue, three of each of the smaller ones for one of the larger. */
export function madeHosts(
  count: number,
  random: Random,
  pools: Pools = 'one pool',
): readonly HostSnapshot[] {
  const kinds = MACHINE_CATALOGUE.map(({ name, description }) => {
    const topology = machineTopology(description);
    const apart = pools === 'one pool' ? {} : { sharedCpus: quarterOf(topology) };
    const empty: HostSnapshot = {
      name,
      uri: '',
      observedAt: 0,
      libvirtVersion: 9_000_000,
      domainTypes: ['kvm'],
      topology,
      policy: { ...defaultPolicy(topology), ...apart },
      seats: [],
    };
    return { empty, fillings: Array.from({ length: FILLINGS }, () => filling(empty, random)) };
  });
  const rack = kinds.flatMap((kind) => {
    const cpus = kind.empty.topology.cells.reduce((sum, cell) => sum + cell.cpus.length, 0);
    return cpus > LARGE ? [kind] : [kind, kind, kind];
  });
  return Array.from({ length: count }, (_, host) => {
    const kind = rack[host % rack.length];
    if (kind === undefined) throw new Error('the catalogue has machines');
    const seats = kind.fillings[Math.floor(random.next() * FILLINGS)] ?? [];
    return {
      ...kind.empty,
      name: `h${host}`,
      seats: seats.map((seat, index) => ({ ...seat, uuid: `${host}-${index}` })),
    };
  });
}

/** The CPUs of the first cores of each cell, a quarter of its cores and at least one. */
function quarterOf(topology: HostTopology): readonly number[] {
  return topology.cells.flatMap(({ cpus }) => {
    const cores = [...new Map(cpus.map(({ siblings }) => [siblings[0], siblings])).values()];
    return cores.slice(0, Math.ceil(cores.length / 4)).flat();
  });
}

/** Seats that fill a host as far as it is to be filled. */
function filling(empty: HostSnapshot, random: Random): readonly Seat[] {
  const fleet = new Fleet([empty]);
  const all = empty.topology.cells.reduce((sum, cell) => sum + cell.cpus.length, 0);
  const cpus = all - (empty.policy.sharedCpus?.length ?? 0);
  let used = 0;
  for (let id = 0; used < cpus * FULL && id < cpus * 4; id++) {
    const request = requestFrom(random, id);
    const found = fleet.find(request);
    if (found === undefined) continue;
    used += request.policy === 'dedicated' ? request.vcpus : request.vcpus / 16;
    const taker = { name: request.name, uuid: `${id}`, running: true };
    fleet.enter(found.host, seatOf(taker, found.write('brief')));
  }
  return [...fleet.ledger(empty.name).seats.values()];
}
