import { formatIntSet } from '../../../src/base/int-set.ts';
import { defaultPolicy } from '../../../src/model/host.ts';
import { dedicatedCpus } from '../../../src/model/placement.ts';
import type { Placement } from '../../../src/model/placement.ts';
import type { Claim } from '../../../src/store/claims.ts';
import { shown } from './simulated-domains.ts';
import type { SimulatedHost } from './simulated-host.ts';
import type { World } from './world.ts';

/** A VM of Berth's that a host shows, or that is claimed to come there. */
interface Holder {
  readonly name: string;
  readonly uuid: string;
  readonly placement: Placement;
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
  const shownHere = host.domains.all.flatMap((domain): readonly Holder[] => {
    const { metadata } = shown(domain);
    return metadata === undefined ? [] : [{ ...domain, placement: metadata.placement }];
  });
  const uuids = new Set(shownHere.map(({ uuid }) => uuid));
  const coming = claims.filter((claim) => !uuids.has(claim.uuid));
  return [
    ...shownHere,
    ...coming
      .filter(({ placement }) => placement.host === host.name)
      .map(({ vm, uuid, placement }) => ({ name: vm, uuid, placement })),
  ];
}

function hostProblems(host: SimulatedHost, holders: readonly Holder[]): readonly string[] {
  return [
    ...dedicatedProblems(host, holders),
    ...memoryProblems(host, holders),
    ...floatingProblems(host, holders),
  ];
}

function dedicatedProblems({ name }: SimulatedHost, holders: readonly Holder[]): string[] {
  const owners = new Map<number, string>();
  const problems: string[] = [];
  for (const holder of holders) {
    for (const cpu of dedicatedCpus(holder.placement)) {
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
  const bound = holders
    .filter(({ placement }) => placement.memoryMode !== 'preferred')
    .flatMap(({ placement }) => placement.memory);
  return machine.topology.cells.flatMap((cell) =>
    cell.pages.flatMap(({ sizeKiB, total }) => {
      const shares = bound.filter((share) => share.cell === cell.id && share.pageKiB === sizeKiB);
      const bytes = shares.reduce((sum, share) => sum + share.bytes, 0);
      if (bytes <= total * sizeKiB * 1024) return [];
      return [
        `${bytes} bytes in pages of ${sizeKiB} KiB are promised of cell ${cell.id} of ${name}`,
      ];
    }),
  );
}

function floatingProblems({ name, machine }: SimulatedHost, holders: readonly Holder[]): string[] {
  const { cpuRatio } = defaultPolicy(machine.topology);
  const taken = new Set(holders.flatMap(({ placement }) => dedicatedCpus(placement)));
  const cpus = machine.topology.cells.flatMap((cell) => cell.cpus.map(({ id }) => id));
  const pool = cpus.filter((cpu) => !taken.has(cpu));
  const floating = holders.flatMap(({ placement }) =>
    placement.vcpus.filter(({ pcpus }) => !pcpus.every((cpu) => taken.has(cpu))),
  );
  if (floating.length <= cpuRatio * pool.length) return [];
  return [`${floating.length} vCPUs float over pCPUs ${formatIntSet(pool)} of ${name}`];
}

/** No VM is there twice, by UUID or by name. */
function twiceProblems({ hosts }: World): readonly string[] {
  const all = hosts.flatMap((host) =>
    host.domains.all
      .filter((domain) => shown(domain).metadata !== undefined)
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
