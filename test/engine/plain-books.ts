import { KIB, MIB } from '../../src/base/units.ts';
import type { PlacementRequest } from '../../src/engine/request.ts';
import type { HostSnapshot } from '../../src/model/host.ts';
import type { PciAsk } from '../../src/model/pci-ask.ts';
import type { Cell, Cpu } from '../../src/model/topology.ts';

/**
 * The figures of a host, counted anew from the snapshot each time and in the plainest way: what the
 * engine's ledger is held against. Nothing that the engine computes is used here.
 */

const HUGE_FROM_KIB = 64;

/** pCPUs that floating guests share: online, not reserved, dedicated to nobody, not set apart. */
export function plainPool(host: HostSnapshot): readonly Cpu[] {
  return untaken(host).filter(({ id }) => host.policy.sharedCpus?.includes(id) ?? true);
}

/** pCPUs that may become dedicated. */
export function plainFree(host: HostSnapshot): readonly Cpu[] {
  return untaken(host).filter(({ id }) => host.policy.sharedCpus?.includes(id) !== true);
}

function untaken(host: HostSnapshot): readonly Cpu[] {
  return host.topology.cells
    .flatMap((cell) => cell.cpus)
    .filter(
      (cpu) =>
        cpu.online &&
        !host.policy.reservedCpus.includes(cpu.id) &&
        !host.seats.some((seat) => seat.dedicated.includes(cpu.id)),
    );
}

export function plainCellPool(host: HostSnapshot, cell: number): readonly number[] {
  return ofCell(host, cell, plainPool(host));
}

export function plainCellFree(host: HostSnapshot, cell: number): readonly number[] {
  return ofCell(host, cell, plainFree(host));
}

function ofCell(host: HostSnapshot, cell: number, among: readonly Cpu[]): readonly number[] {
  const cpus = host.topology.cells.find((c) => c.id === cell)?.cpus ?? [];
  const ids = new Set(among.map((cpu) => cpu.id));
  return cpus.map((cpu) => cpu.id).filter((id) => ids.has(id));
}

/** How many times a cell's ordinary memory such a guest may find bound to it. */
export function plainBoundRatio(host: HostSnapshot, request: PlacementRequest): number {
  const { policy, pageKiB } = request;
  return policy === 'shared' && pageKiB === undefined ? (host.policy.boundRatio ?? 1) : 1;
}

/** Ordinary bytes that can still be bound to a cell, where it may be bound `ratio` times. */
export function plainCellRoom(host: HostSnapshot, id: number, ratio = 1): number {
  const cell = cellOf(host, id);
  let room = ordinary(cell);
  const general = host.topology.cells.filter(hasCpus);
  if (hasCpus(cell)) room -= Math.floor(host.policy.reservedBytes / general.length);
  room = Math.floor(Math.max(0, room) * ratio);
  for (const seat of host.seats) {
    for (const share of seat.memory) {
      if (share.cell === id && share.pageKiB < HUGE_FROM_KIB) room -= share.bytes;
    }
    if (seat.memory[0]?.cell === id) room -= seat.overheadBytes;
  }
  return room;
}

/** Pages of a size that can still be had from a cell; without one, from the host. */
export function plainPages(host: HostSnapshot, sizeKiB: number, id?: number): number {
  const cells = host.topology.cells.filter((cell) => id === undefined || cell.id === id);
  const pools = cells.flatMap((cell) => cell.pages.filter((pool) => pool.sizeKiB === sizeKiB));
  let total = 0;
  let free = 0;
  for (const pool of pools) {
    total += pool.total;
    free += pool.free;
  }
  for (const seat of host.seats) {
    for (const share of seat.memory) {
      if (share.pageKiB !== sizeKiB) continue;
      if (id !== undefined && share.cell !== id) continue;
      const pooled = host.topology.cells
        .find((cell) => cell.id === share.cell)
        ?.pages.some((pool) => pool.sizeKiB === sizeKiB);
      if (share.cell !== undefined && pooled !== true) continue;
      const pages = Math.ceil(share.bytes / (sizeKiB * KIB));
      total -= pages;
      if (!seat.running) free -= pages;
    }
  }
  return Math.max(0, Math.min(total, free));
}

/** Memory of the cells with CPUs that guests may have, and what they have of it, as the policy counts. */
export function plainRam(host: HostSnapshot): { readonly limit: number; readonly used: number } {
  const general = host.topology.cells.filter(hasCpus);
  const counts = (id: number | undefined): boolean =>
    id === undefined || general.some((cell) => cell.id === id);
  let used = 0;
  for (const seat of host.seats) {
    for (const share of seat.memory) {
      if (!counts(share.cell)) continue;
      if (share.pageKiB < HUGE_FROM_KIB || countsAll(host)) used += share.bytes;
    }
    if (counts(seat.memory[0]?.cell)) used += seat.overheadBytes;
  }
  const all = general.reduce(
    (sum, cell) => sum + (countsAll(host) ? cell.memoryBytes : ordinary(cell)),
    0,
  );
  return { limit: Math.max(0, all - host.policy.reservedBytes), used };
}

/** True where pages of every size count in the host's memory ratio. */
export function countsAll(host: HostSnapshot): boolean {
  return host.policy.ramCounts === 'all';
}

/** QEMU's own memory, by the documented formula. */
export function plainOverhead(host: HostSnapshot, request: PlacementRequest): number {
  if (host.policy.overhead === 'none') return 0;
  const { vcpus, memoryBytes, pageKiB } = request;
  const tables = pageKiB === undefined ? memoryBytes / 256 / MIB : 0;
  return Math.ceil(128 + 4 * vcpus + tables) * MIB;
}

/** Floating vCPUs and the part of a pool that they may run on, guest by guest. */
export function plainFloats(
  host: HostSnapshot,
  pool: ReadonlySet<number>,
): readonly { readonly vcpus: number; readonly on: ReadonlySet<number> }[] {
  const parts = host.seats.flatMap(
    (seat): readonly { vcpus: number; over?: readonly number[] }[] =>
      seat.floating.parts ?? [seat.floating],
  );
  return parts
    .filter((part) => part.vcpus > 0)
    .map(({ vcpus, over }) => ({
      vcpus,
      on: over === undefined ? pool : pool.intersection(new Set(over)),
    }));
}

/** Whether a guest of those parts has more vCPUs than pCPUs, where the host's policy counts them. */
export function plainlyTooWide(
  host: HostSnapshot,
  { cpuset }: PlacementRequest,
  { parts, taken }: Floating,
): boolean {
  if (parts.some(({ over }) => over.length === 0)) return true;
  if (host.policy.guestWidth !== 'host') return parts.some((p) => p.vcpus > p.over.length);
  const vcpus = parts.reduce((sum, part) => sum + part.vcpus, 0);
  const pool = plainPool(host).filter(({ id }) => !taken.has(id));
  return vcpus > pool.filter(({ id }) => cpuset?.includes(id) ?? true).length;
}

/** Parts of a new guest that float, and the pCPUs that the guest takes for itself alone. */
export interface Floating {
  readonly parts: readonly { readonly vcpus: number; readonly over: readonly number[] }[];
  readonly taken: ReadonlySet<number>;
}

/** Every overload that a new guest's floating parts are in the midst of. */
export function plainlyOverloaded(
  host: HostSnapshot,
  { parts, taken }: Floating,
): readonly Overload[] {
  const seat = {
    vm: 'new',
    uuid: 'new',
    managed: true,
    running: true,
    dedicated: [],
    floating: { vcpus: parts.reduce((sum, part) => sum + part.vcpus, 0), parts },
    memory: [],
    overheadBytes: 0,
  };
  const pool = new Set(plainPool(host).map((cpu) => cpu.id)).difference(taken);
  const overloads = plainOverload({ ...host, seats: [...host.seats, seat] }, pool);
  return overloads.filter(({ cpus }) =>
    parts.some(({ over }) => over.length > 0 && new Set(over).isSubsetOf(cpus)),
  );
}

/** Whether a vCPU of the guest has a pCPU for itself. */
export function isOwnVcpu({ policy, dedicatedVcpus }: PlacementRequest, vcpu: number): boolean {
  return policy === 'dedicated' || (policy === 'mixed' && dedicatedVcpus?.includes(vcpu) === true);
}

/**
 * Whether the host has a function for everything asked for, where `cells` are the guest's: asks are
 * served one by one, in every order of functions.
 */
export function plainPciSuffices(
  host: HostSnapshot,
  { pci = [] }: PlacementRequest,
  cells: readonly number[],
): boolean {
  const taken = new Set(host.seats.flatMap((seat) => seat.pci ?? []));
  const free = host.topology.cells
    .flatMap((cell) => cell.pci.map(({ address }) => ({ address, cell: cell.id })))
    .filter(({ address }) => !taken.has(address));
  const serve = (asks: readonly PciAsk[], left: typeof free): boolean => {
    const [ask, ...rest] = asks;
    if (ask === undefined) return true;
    if (ask.count === 0) return serve(rest, left);
    const fewer = [{ ...ask, count: ask.count - 1 }, ...rest];
    return left
      .filter((one) => ask.locality !== 'required' || cells.includes(one.cell))
      .filter((one) => isAsked(host, ask, one.address))
      .some((one) =>
        serve(
          fewer,
          left.filter((other) => other !== one),
        ),
      );
  };
  return serve(pci, free);
}

/** Whether a function of a synthetic host is of the pool, or the only kind that there is. */
export function isAsked({ policy }: HostSnapshot, { pool }: PciAsk, address: string): boolean {
  return pool === undefined || policy.pciPools?.[pool]?.addresses?.includes(address) === true;
}

/** Whether threads may be kept to those pCPUs: none of them is ever one guest's alone. */
export function isCommon(host: HostSnapshot, cpus: readonly number[]): boolean {
  const { reservedCpus, sharedCpus = [] } = host.policy;
  const online = host.topology.cells.flatMap((cell) => cell.cpus.filter((cpu) => cpu.online));
  return cpus.every(
    (id) =>
      online.some((cpu) => cpu.id === id) &&
      (reservedCpus.includes(id) || sharedCpus.includes(id)) &&
      !host.seats.some((seat) => seat.dedicated.includes(id)),
  );
}

/** A set of pCPUs in which more vCPUs float than the ratio allows, and whose set it is. */
export interface Overload {
  readonly whose: string;
  readonly cpus: ReadonlySet<number>;
}

/** Every overload: of the host's pool, of a cell's, of the pCPUs that a guest is kept to. */
export function plainOverload(host: HostSnapshot, pool: ReadonlySet<number>): readonly Overload[] {
  const floats = plainFloats(host, pool).filter(({ on }) => on.size > 0);
  const sets: readonly Overload[] = [
    { whose: 'host', cpus: pool },
    ...host.topology.cells.map((cell) => ({
      whose: `cell ${cell.id}`,
      cpus: pool.intersection(new Set(cell.cpus.map((cpu) => cpu.id))),
    })),
    ...floats.map(({ on }) => ({ whose: 'guest', cpus: on })),
  ];
  return sets.filter(({ cpus }) => {
    const inside = floats.filter(({ on }) => on.isSubsetOf(cpus));
    const vcpus = inside.reduce((sum, part) => sum + part.vcpus, 0);
    return vcpus > Math.floor(cpus.size * host.policy.cpuRatio + 1e-9);
  });
}

/** Overloads that taking pCPUs out of the pool brings about or makes worse. */
export function plainHarm(
  host: HostSnapshot,
  pool: ReadonlySet<number>,
  taken: ReadonlySet<number>,
): readonly string[] {
  const rest = pool.difference(taken);
  const before = plainOverload(host, pool);
  const same = (a: Overload, b: Overload): boolean =>
    a.whose === b.whose && a.cpus.symmetricDifference(b.cpus).size === 0;
  const worse = plainOverload(host, rest).filter((now) => !before.some((old) => same(now, old)));
  const stranded = (on: ReadonlySet<number>): number =>
    plainFloats(host, on).filter((part) => part.on.size === 0).length;
  return [
    ...worse.map(
      ({ whose, cpus }) => `too many vCPUs float over the ${whose}'s ${[...cpus].join()}`,
    ),
    ...(stranded(rest) > stranded(pool) ? ['a floating guest has no pCPU left'] : []),
  ];
}

function cellOf(host: HostSnapshot, id: number): Cell {
  const cell = host.topology.cells.find((c) => c.id === id);
  if (cell === undefined) throw new Error(`no cell ${id}`);
  return cell;
}

function hasCpus(cell: Cell): boolean {
  return cell.cpus.some((cpu) => cpu.online);
}

function ordinary(cell: Cell): number {
  const huge = cell.pages.filter((pool) => pool.sizeKiB >= HUGE_FROM_KIB);
  return cell.memoryBytes - huge.reduce((sum, pool) => sum + pool.total * pool.sizeKiB * KIB, 0);
}
