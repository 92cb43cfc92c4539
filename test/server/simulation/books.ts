import { formatIntSet } from '../../../src/base/int-set.ts';
import { defaultPolicy } from '../../../src/model/host.ts';
import { dedicatedCpus } from '../../../src/model/placement.ts';
import type { MemoryShare, Placement } from '../../../src/model/placement.ts';
import type { Claim } from '../../../src/store/claims.ts';
import { placementsOf } from './simulated-domains.ts';
import type { SimulatedHost } from './simulated-host.ts';
import type { World } from './world.ts';

/**
 * A VM of Berth's that a host has, or that is claimed to come there: where it runs, where it is from its
 * next start on, and where it is about to be.
 */
interface Holder {
  readonly name: string;
  readonly placements: readonly Placement[];
}

/**
 * What must hold at every moment, counted anew from what hosts and store have, with none of the code
 * that is under test but the shape of a placement.
 * @returns what is wrong, in words
 */
export async function bookProblems(world: World): Promise<readonly string[]> {
  const claims = await world.store.claims.list();
  return [
    ...world.hosts.flatMap((host) => hostProblems(host, holdersOn(host, claims))),
    ...twiceProblems(world),
  ];
}

function holdersOn(host: SimulatedHost, claims: readonly Claim[]): readonly Holder[] {
  const there = host.domains.all.map(({ name, uuid, ...domain }) => ({
    name,
    uuid,
    placements: placementsOf(domain),
  }));
  const coming = claims
    .filter(({ placement }) => placement.host === host.name)
    .map(({ vm: name, uuid, placement }) => ({ name, uuid, placements: [placement] }));
  const byUuid = Map.groupBy([...there, ...coming], ({ uuid }) => uuid);
  return [...byUuid.values()].map((parts) => ({
    name: parts[0]?.name ?? '',
    placements: parts.flatMap(({ placements }) => placements),
  }));
}

function hostProblems(host: SimulatedHost, holders: readonly Holder[]): readonly string[] {
  return [
    ...dedicatedProblems(host, holders),
    ...memoryProblems(host, holders),
    ...floatingProblems(host, holders),
  ];
}

function ownCpus({ placements }: Holder): readonly number[] {
  return [...new Set(placements.flatMap(dedicatedCpus))];
}

function dedicatedProblems({ name }: SimulatedHost, holders: readonly Holder[]): string[] {
  const owners = new Map<number, string>();
  const problems: string[] = [];
  for (const holder of holders) {
    for (const cpu of ownCpus(holder)) {
      const owner = owners.get(cpu);
      if (owner !== undefined) {
        problems.push(`pCPU ${cpu} of ${name} is dedicated to ${owner} and ${holder.name}`);
      }
      owners.set(cpu, holder.name);
    }
  }
  return problems;
}

/** Memory that is bound to a cell is never promised twice, in pages of whatever size. */
function memoryProblems({ name, machine }: SimulatedHost, holders: readonly Holder[]): string[] {
  return machine.topology.cells.flatMap((cell) =>
    cell.pages.flatMap(({ sizeKiB, total }) => {
      const isHere = (share: MemoryShare): boolean =>
        share.cell === cell.id && share.pageKiB === sizeKiB;
      const bytes = holders.reduce((sum, holder) => sum + boundBytes(holder, isHere), 0);
      if (bytes <= total * sizeKiB * 1024) return [];
      return [
        `${bytes} bytes in pages of ${sizeKiB} KiB are promised of cell ${cell.id} of ${name}`,
      ];
    }),
  );
}

/** A VM that moves within its host has one of its places at a time. */
function boundBytes({ placements }: Holder, isMeant: (share: MemoryShare) => boolean): number {
  const bound = placements.filter(({ memoryMode }) => memoryMode !== 'preferred');
  const sums = bound.map(({ memory }) =>
    memory.filter(isMeant).reduce((sum, { bytes }) => sum + bytes, 0),
  );
  return Math.max(0, ...sums);
}

function floatingProblems({ name, machine }: SimulatedHost, holders: readonly Holder[]): string[] {
  const { cpuRatio } = defaultPolicy(machine.topology);
  const taken = new Set(holders.flatMap(ownCpus));
  const cpus = machine.topology.cells.flatMap((cell) => cell.cpus.map(({ id }) => id));
  const pool = cpus.filter((cpu) => !taken.has(cpu));
  const floating = holders.reduce((sum, holder) => sum + floatingOf(holder, taken), 0);
  if (floating <= cpuRatio * pool.length) return [];
  return [`${floating} vCPUs float over pCPUs ${formatIntSet(pool)} of ${name}`];
}

/** @returns how many vCPUs of a VM float at most. */
function floatingOf({ placements }: Holder, taken: ReadonlySet<number>): number {
  const counts = placements.map(
    ({ vcpus }) => vcpus.filter(({ pcpus }) => !pcpus.every((cpu) => taken.has(cpu))).length,
  );
  return Math.max(0, ...counts);
}

/** No VM is there twice, by UUID or by name. */
function twiceProblems({ hosts }: World): readonly string[] {
  const all = hosts.flatMap((host) =>
    host.domains.all
      .filter((domain) => placementsOf(domain).length > 0)
      .map(({ uuid, name }) => ({ uuid, name, host: host.name })),
  );
  const problems: string[] = [];
  for (const key of ['uuid', 'name'] as const) {
    for (const [value, several] of Map.groupBy(all, (vm) => vm[key])) {
      if (several.length < 2) continue;
      problems.push(`${value} is on ${several.map(({ host }) => host).join(' and ')}`);
    }
  }
  return problems;
}
