import { KIB } from '../../src/base/units.ts';
import type { PlacementRequest } from '../../src/engine/request.ts';
import type { HostSnapshot } from '../../src/model/host.ts';
import type { Floating } from './plain-books.ts';
import {
  countsAll,
  isCommon,
  isOwnVcpu,
  plainBoundRatio,
  plainCellFree,
  plainCellPool,
  plainCellRoom,
  plainFree,
  plainHarm,
  plainlyOverloaded,
  plainlyTooWide,
  plainOverhead,
  plainPages,
  plainPciSuffices,
  plainPool,
  plainRam,
} from './plain-books.ts';

/**
 * Whether any placement at all exists: every number of guest cells, every way to give them host
 * cells, every set of pCPUs. Slow and simple; for hosts of a dozen CPUs.
 */
export function feasible(host: HostSnapshot, request: PlacementRequest): boolean {
  const perCore = Math.max(
    1,
    ...host.topology.cells.flatMap((cell) =>
      cell.cpus.filter((cpu) => cpu.online).map((cpu) => cpu.siblings.length),
    ),
  );
  const own = vcpuIds(request.vcpus).filter((vcpu) => isOwnVcpu(request, vcpu)).length;
  if (request.threads === 'require' && (perCore === 1 || own % perCore !== 0)) return false;
  for (const place of [request.emulator, request.ioThreads?.place]) {
    if (typeof place === 'object' && !isCommon(host, place.cpus)) return false;
  }
  if (!cpusetIsSound(host, request) || !ramSuffices(host, request)) return false;
  const grain = request.threads === 'require' && request.policy !== 'mixed' ? perCore : 1;
  if (request.cells === 'none') {
    return floatsOverHost(host, request) && plainPciSuffices(host, request, []);
  }
  const counts =
    typeof request.cells === 'number' ? [request.cells] : host.topology.cells.map((_, i) => i + 1);
  return counts.some((count) => feasibleIn(host, request, { count, grain, perCore }));
}

interface How {
  readonly count: number;
  readonly grain: number;
  readonly perCore: number;
}

function cpusetIsSound(host: HostSnapshot, { cpuset }: PlacementRequest): boolean {
  const online = host.topology.cells.flatMap((c) =>
    c.cpus.filter((x) => x.online).map((x) => x.id),
  );
  return (cpuset ?? []).every(
    (cpu) => online.includes(cpu) && !host.policy.reservedCpus.includes(cpu),
  );
}

function ramSuffices(host: HostSnapshot, request: PlacementRequest): boolean {
  const huge = request.pageKiB !== undefined;
  const own = plainOverhead(host, request);
  const bytes = own + (huge && !countsAll(host) ? 0 : request.memoryBytes);
  const { limit, used } = plainRam(host);
  if (huge && plainPages(host, request.pageKiB) * request.pageKiB * KIB < request.memoryBytes) {
    return false;
  }
  return bytes <= limit && used + bytes <= Math.floor(limit * host.policy.ramRatio);
}

/** The pCPU of the emulator, where it has its own, may be in any of the cells. */
function feasibleIn(host: HostSnapshot, request: PlacementRequest, how: How): boolean {
  const cells = request.emulator === 'isolate' ? how.count : 1;
  return Array.from({ length: cells }, (_, beside) => beside).some((beside) =>
    feasibleBeside(host, request, { ...how, beside }),
  );
}

function feasibleBeside(
  host: HostSnapshot,
  request: PlacementRequest,
  how: How & { readonly beside: number },
): boolean {
  const unit = (request.pageKiB ?? KIB) * KIB;
  const units = request.memoryBytes / unit;
  const cores = request.vcpus / how.grain;
  if (cores < how.count || units < how.count) return false;
  const ids = vcpuIds(request.vcpus);
  const needs = Array.from({ length: how.count }, (_, i) => ({
    ids: ids.splice(0, deal(cores, how.count, i) * how.grain),
    bytes: deal(units, how.count, i) * unit,
    emulator: i === how.beside && request.emulator === 'isolate' ? 1 : 0,
    overhead: i === 0 ? plainOverhead(host, request) : 0,
  }));
  if (request.pageKiB !== undefined && how.count > 1) {
    if (request.emulator === 'isolate') return false;
    const floats = needs.map((need) => need.ids.some((vcpu) => !isOwnVcpu(request, vcpu)));
    const beside = request.policy === 'mixed' && request.emulator === 'share';
    if (beside && floats.includes(false)) return false;
  }
  const homes = host.topology.cells.filter((cell) => cell.cpus.length > 0).map((cell) => cell.id);
  return arrangements(homes, how.count).some(
    (cells) =>
      needs.every((need, i) => memoryFits(host, request, { ...need, cell: cells[i] ?? -1 })) &&
      emulatorReaches(host, request, cells) &&
      plainPciSuffices(host, request, cells) &&
      cpusFit(
        host,
        request,
        needs.map((need, i) => ({ ...need, cell: cells[i] ?? -1 })),
        how,
      ),
  );
}

/** Whether QEMU can fill huge pages of those cells from the pCPUs it is kept to by hand. */
function emulatorReaches(
  host: HostSnapshot,
  { pageKiB, emulator }: PlacementRequest,
  cells: readonly number[],
): boolean {
  if (pageKiB === undefined || typeof emulator !== 'object') return true;
  const used = host.topology.cells.filter((cell) => cells.includes(cell.id));
  return used.every((cell) => cell.cpus.some((cpu) => emulator.cpus.includes(cpu.id)));
}

function vcpuIds(count: number): number[] {
  return Array.from({ length: count }, (_, vcpu) => vcpu);
}

interface Need {
  readonly ids: readonly number[];
  readonly bytes: number;
  readonly emulator: number;
  readonly overhead: number;
  readonly cell: number;
}

function memoryFits(host: HostSnapshot, request: PlacementRequest, need: Need): boolean {
  const room = plainCellRoom(host, need.cell, plainBoundRatio(host, request));
  if (request.pageKiB === undefined) return need.bytes + need.overhead <= room;
  const pages = need.bytes / (request.pageKiB * KIB);
  return (
    pages <= plainPages(host, request.pageKiB, need.cell) && need.overhead <= Math.max(0, room)
  );
}

function cpusFit(
  host: HostSnapshot,
  request: PlacementRequest,
  needs: readonly Need[],
  how: How,
): boolean {
  const pool = new Set(plainPool(host).map((cpu) => cpu.id));
  const options = needs.map((need) => takings(host, request, need, how.perCore));
  return combinations(options)
    .flatMap((taken) => withIoThreads(host, request, taken))
    .some(
      (taken) =>
        plainHarm(host, pool, taken).length === 0 && floatsFit(host, request, { needs, taken }),
    );
}

/** The same pCPUs and one more for each I/O thread that has its own. */
function withIoThreads(
  host: HostSnapshot,
  { cpuset, ioThreads }: PlacementRequest,
  taken: ReadonlySet<number>,
): readonly ReadonlySet<number>[] {
  if (ioThreads?.place !== 'isolate') return [taken];
  const free = plainFree(host)
    .map((cpu) => cpu.id)
    .filter((cpu) => !taken.has(cpu) && (cpuset?.includes(cpu) ?? true));
  return subsets(free, ioThreads.count).map((more) => taken.union(new Set(more)));
}

function floatsFit(
  host: HostSnapshot,
  request: PlacementRequest,
  { needs, taken }: { readonly needs: readonly Need[]; readonly taken: ReadonlySet<number> },
): boolean {
  const parts = needs
    .map(({ ids, cell }) => ({
      vcpus: ids.filter((vcpu) => !isOwnVcpu(request, vcpu)).length,
      over: plainCellPool(host, cell).filter(
        (cpu) => !taken.has(cpu) && (request.cpuset?.includes(cpu) ?? true),
      ),
    }))
    .filter(({ vcpus }) => vcpus > 0);
  return partsFloat(host, request, { parts, taken });
}

/** The guest is bound to no cell: it floats over the whole pool. */
function floatsOverHost(host: HostSnapshot, request: PlacementRequest): boolean {
  const over = plainPool(host)
    .map((cpu) => cpu.id)
    .filter((cpu) => request.cpuset?.includes(cpu) ?? true);
  const parts = [{ vcpus: request.vcpus, over }];
  return partsFloat(host, request, { parts, taken: new Set() });
}

function partsFloat(host: HostSnapshot, request: PlacementRequest, floating: Floating): boolean {
  if (plainlyTooWide(host, request, floating)) return false;
  return plainlyOverloaded(host, floating).length === 0;
}

/** Every set of pCPUs that the need could take from its cell, siblings kept idle included. */
function takings(
  host: HostSnapshot,
  request: PlacementRequest,
  need: Need,
  perCore: number,
): readonly ReadonlySet<number>[] {
  const free = plainCellFree(host, need.cell);
  const usable = free.filter((cpu) => request.cpuset?.includes(cpu) ?? true);
  const siblings = new Map(
    host.topology.cells.flatMap((cell) => cell.cpus.map((cpu) => [cpu.id, cpu.siblings])),
  );
  const result: ReadonlySet<number>[] = [];
  const own = need.ids.filter((vcpu) => isOwnVcpu(request, vcpu)).length;
  for (const cpus of subsets(usable, own)) {
    const taken = new Set(cpus);
    const cores = cpus.map((cpu) => siblings.get(cpu) ?? [cpu]);
    if (request.threads === 'require') {
      if (cores.some((core) => core.length !== perCore || core.some((c) => !taken.has(c))))
        continue;
    }
    if (request.threads === 'isolate' && perCore > 1) {
      if (new Set(cores.map((core) => core.join())).size !== cpus.length) continue;
      if (cores.flat().some((cpu) => !free.includes(cpu))) continue;
      for (const cpu of cores.flat()) taken.add(cpu);
    }
    if (need.emulator === 0) result.push(taken);
    else for (const cpu of usable) if (!taken.has(cpu)) result.push(new Set([...taken, cpu]));
  }
  return result;
}

function deal(total: number, count: number, index: number): number {
  return Math.floor(total / count) + (index < total % count ? 1 : 0);
}

function subsets(items: readonly number[], size: number): readonly (readonly number[])[] {
  if (size === 0) return [[]];
  return items.flatMap((item, i) =>
    subsets(items.slice(i + 1), size - 1).map((rest) => [item, ...rest]),
  );
}

function arrangements(items: readonly number[], size: number): readonly (readonly number[])[] {
  if (size === 0) return [[]];
  return items.flatMap((item) =>
    arrangements(
      items.filter((other) => other !== item),
      size - 1,
    ).map((rest) => [item, ...rest]),
  );
}

function combinations(options: readonly (readonly ReadonlySet<number>[])[]): Set<number>[] {
  return options.reduce<Set<number>[]>(
    (sets, choices) => sets.flatMap((set) => choices.map((choice) => set.union(choice))),
    [new Set()],
  );
}
