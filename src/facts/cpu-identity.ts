import type { Cpu } from '../model/topology.ts';
import type { L3Group, RawCpu, RawTopology } from './raw-topology.ts';

/** The online CPUs of a machine with all that names them, and what had to be assumed. */
export interface CpuIdentities {
  readonly cpus: ReadonlyMap<number, Cpu>;
  readonly unknown: readonly string[];
}

/**
 * Gives every online CPU its socket, die, core, siblings and L3 group, so that (socket, die, core)
 * names exactly the CPUs that are each other's siblings. Kernels number cores anew in each part of
 * a package that they do not report as a die (Opteron 6100 and 6200), or twice within a unit; the
 * cores of such a die are numbered in the order of their first CPUs instead.
 */
export function identifyCpus(raw: RawTopology): CpuIdentities {
  const placed = [...raw.cpus].map(([id, cpu]) => placeCpu(id, cpu, raw));
  const byDie = Map.groupBy(placed, (cpu) => `${cpu.socket}.${cpu.die}`);
  const numbered = byDie.values().flatMap((cpus) => (hasSoundCores(cpus) ? cpus : renumber(cpus)));
  const l3 = l3ByCpu(raw);
  const cpus = numbered.map((cpu): Cpu => {
    const group = l3.get(cpu.id);
    return { ...cpu, ...(group === undefined ? {} : { l3: group }), online: true };
  });
  const all = [...raw.cpus.values()];
  return {
    cpus: new Map(cpus.map((cpu) => [cpu.id, cpu])),
    unknown: [
      ...(all.some((cpu) => cpu.socket === undefined) ? ['sockets'] : []),
      ...(all.some((cpu) => cpu.core === undefined) ? ['core numbers'] : []),
      ...(all.some((cpu) => cpu.siblings === undefined) ? ['SMT siblings'] : []),
      ...(raw.l3 === undefined ? ['L3 caches'] : []),
    ],
  };
}

type PlacedCpu = Omit<Cpu, 'l3' | 'online'>;

function placeCpu(id: number, cpu: RawCpu, raw: RawTopology): PlacedCpu {
  const siblings = (cpu.siblings ?? threadsLike(id, cpu, raw)).filter((other) =>
    raw.cpus.has(other),
  );
  const whole = [...new Set([id, ...siblings])].toSorted((a, b) => a - b);
  return {
    id,
    socket: cpu.socket ?? 0,
    die: cpu.die ?? 0,
    core: cpu.core ?? whole[0] ?? id,
    siblings: whole,
  };
}

/** Without a list of siblings, those with the same numbers are taken for siblings. */
function threadsLike(id: number, cpu: RawCpu, { cpus }: RawTopology): readonly number[] {
  if (cpu.core === undefined) return [id];
  const isLike = (other: RawCpu): boolean =>
    other.socket === cpu.socket && other.die === cpu.die && other.core === cpu.core;
  return [...cpus].filter(([, other]) => isLike(other)).map(([other]) => other);
}

/** True when every core number of a die stands for one set of siblings and back. */
function hasSoundCores(cpus: readonly PlacedCpu[]): boolean {
  const pairs = new Set(cpus.map((cpu) => `${cpu.core} ${cpu.siblings.join()}`));
  const cores = new Set(cpus.map((cpu) => cpu.core));
  const threads = new Set(cpus.map((cpu) => cpu.siblings.join()));
  return pairs.size === cores.size && pairs.size === threads.size;
}

function renumber(cpus: readonly PlacedCpu[]): readonly PlacedCpu[] {
  const firsts = [...new Set(cpus.map((cpu) => cpu.siblings[0] ?? cpu.id))];
  const order = firsts.toSorted((a, b) => a - b);
  return cpus.map((cpu) => ({ ...cpu, core: order.indexOf(cpu.siblings[0] ?? cpu.id) }));
}

/** The kernel's own numbers where they tell caches apart, else numbers in the order of first CPUs. */
function l3ByCpu({ l3, cpus }: RawTopology): ReadonlyMap<number, number> {
  const groups = (l3 ?? [])
    .map((group): L3Group => ({ ...group, cpus: group.cpus.filter((id) => cpus.has(id)) }))
    .filter((group) => group.cpus.length > 0)
    .toSorted((a, b) => Math.min(...a.cpus) - Math.min(...b.cpus));
  const ids = new Set(groups.map((group) => group.id).filter((id) => id !== undefined));
  const number = (group: L3Group, index: number): number =>
    ids.size === groups.length ? (group.id ?? index) : index;
  return new Map(
    groups.flatMap((group, index) => group.cpus.map((cpu) => [cpu, number(group, index)] as const)),
  );
}
