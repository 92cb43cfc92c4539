import { assert } from '../base/assert.ts';
import { BitSet } from '../base/bit-set.ts';
import { KIB } from '../base/units.ts';
import type { HostPolicy, HostSnapshot, Seat } from '../model/host.ts';
import type { MemoryShare } from '../model/placement.ts';
import { CpuHolders } from './cpu-holders.ts';
import type { HostShape } from './host-shape.ts';
import { hostShape } from './host-shape.ts';

/** Huge pages of one size, of one cell or (the sum) of a host. */
export interface PageAccount {
  readonly sizeKiB: number;
  readonly total: number;
  /** Unused when observed. */
  readonly free: number;
  /** Pages that seats have, running or not. */
  claimed: number;
  /**
   * By how many pages `free` will be less than observed: those of seats that did not run then, or
   * came later, without those of seats that have left.
   */
  pending: number;
}

/** Memory of one cell. `index` counts as in `HostShape.cells`. */
export interface CellAccount {
  readonly id: number;
  readonly index: number;
  /** False for memory-only cells, which take no part in memory that is bound to no cell. */
  readonly hasCpus: boolean;
  /** Ordinary memory that guests may have: without page pools and the host's own share. */
  readonly limitBytes: number;
  /** Ordinary memory bound to the cell, QEMU's own included. */
  boundBytes: number;
  readonly pools: readonly PageAccount[];
}

/** Floating vCPUs that may run on the same pCPUs; `over` absent: on every one. */
export interface FloatGroup {
  /** Index of the cell whose pool they may use, all of it; absent where it is otherwise. */
  readonly home?: number;
  readonly over?: BitSet;
  vcpus: number;
}

/**
 * The books of one host: what it has, and what the seats on it take. Seats are applied and released
 * one by one; everything is a sum of integers, so that releasing undoes applying exactly.
 */
export interface Ledger {
  readonly host: HostSnapshot;
  readonly shape: HostShape;
  readonly cells: readonly CellAccount[];
  /** pCPUs that floating guests share: online, not reserved, dedicated to nobody. */
  readonly pool: BitSet;
  /** pCPUs that may become dedicated; the pool itself where the policy sets no shared ones apart. */
  readonly free: BitSet;
  /** pCPUs that could be in the pool, and those that could be free, were there no guest. */
  readonly poolEver: BitSet;
  readonly freeEver: BitSet;
  readonly floats: Map<string, FloatGroup>;
  /** Memory of the cells with CPUs that guests may have, before overcommit: what `ramRatio` counts. */
  readonly limitBytes: number;
  /** Such memory of all guests on those cells or on none, QEMU's own included. */
  usedBytes: number;
  /** Pages of seats that name no cell, by size. */
  readonly unboundPages: readonly PageAccount[];
  readonly seats: Map<string, Seat>;
  readonly holders: CpuHolders;
  /** How many seats have each PCI function, by address; absent while none has any. */
  pciHolders?: Map<string, number>;
}

/**
 * Opens the books of a host with every seat of the snapshot. Of two seats with one uuid (a claim,
 * and the domain that came of it) the later counts.
 * @param without uuid of a VM whose seat is left out, because it is being placed again.
 */
export function ledgerOf(host: HostSnapshot, without?: string): Ledger {
  const shape = hostShape(host.topology);
  const cells = cellAccounts(host, shape);
  const ledger: Ledger = {
    host,
    shape,
    cells,
    ...pools(host, shape),
    floats: new Map(),
    limitBytes: countedBytes(host, shape),
    usedBytes: 0,
    unboundPages: sumOfPools(cells),
    seats: new Map(),
    holders: new CpuHolders(),
  };
  const seats = new Map(host.seats.map((seat) => [seat.uuid, seat]));
  for (const seat of seats.values()) {
    ledger.seats.set(seat.uuid, seat);
    post(ledger, seat, { sign: 1, pending: !seat.running });
  }
  if (without !== undefined && seats.has(without)) releaseSeat(ledger, without);
  return ledger;
}

/** Enters a seat. Its uuid must not be there yet. */
export function applySeat(ledger: Ledger, seat: Seat): void {
  assert(!ledger.seats.has(seat.uuid), `${seat.vm} has no seat on ${ledger.host.name} yet`);
  ledger.seats.set(seat.uuid, seat);
  post(ledger, seat, { sign: 1, pending: true });
}

/** Takes the seat of that uuid out again: what it has becomes free. */
export function releaseSeat(ledger: Ledger, uuid: string): void {
  const seat = ledger.seats.get(uuid);
  assert(seat !== undefined, `${uuid} has a seat on ${ledger.host.name}`);
  ledger.seats.delete(uuid);
  post(ledger, seat, { sign: -1, pending: true });
}

/**
 * The pCPUs that a floating guest may use now: online, not reserved, dedicated to nobody.
 * @param cells ids of the cells it is kept to; empty: the whole host.
 */
export function sharedPool(ledger: Ledger, cells: readonly number[] = []): readonly number[] {
  if (cells.length === 0) return [...ledger.pool];
  const among = ledger.shape.cells.filter((cell) => cells.includes(cell.id));
  return among.flatMap((cell) => [...cell.cpus.and(ledger.pool)]).toSorted((a, b) => a - b);
}

/**
 * Ordinary bytes that can still be bound to a cell; below 0 where it is overdrawn.
 * @param ratio how many times what the cell has may be bound to it.
 */
export function roomBytes(cell: CellAccount, ratio = 1): number {
  return Math.floor(cell.limitBytes * ratio) - cell.boundBytes;
}

/**
 * Huge pages of a size that a guest can still have from a cell; 0 where there is no such pool.
 * Seats that do not run yet will take theirs from what is free, and other programs may have taken
 * pages that no seat knows of: the lower of both counts.
 */
export function roomPages(cell: CellAccount, sizeKiB: number): number {
  const pool = cell.pools.find((candidate) => candidate.sizeKiB === sizeKiB);
  return pool === undefined ? 0 : Math.max(0, availablePages(pool));
}

/** The same for the whole host: seats that name no cell take their pages from any. */
export function hostRoomPages(ledger: Ledger, sizeKiB: number): number {
  const unbound = ledger.unboundPages.find((pool) => pool.sizeKiB === sizeKiB);
  if (unbound === undefined) return 0;
  const pools = ledger.cells.flatMap((cell) => cell.pools.filter((p) => p.sizeKiB === sizeKiB));
  const sum = { ...unbound };
  for (const pool of pools) {
    sum.claimed += pool.claimed;
    sum.pending += pool.pending;
  }
  return Math.max(0, availablePages(sum));
}

function availablePages(pool: PageAccount): number {
  return Math.min(pool.total - pool.claimed, pool.free - pool.pending);
}

function pools(
  { policy }: HostSnapshot,
  { online }: HostShape,
): Pick<Ledger, 'pool' | 'free' | 'poolEver' | 'freeEver'> {
  const { poolEver, freeEver } = everOf(policy, online);
  const pool = poolEver.and(online);
  const free = policy.sharedCpus === undefined ? pool : freeEver.and(online);
  return { pool, free, poolEver, freeEver };
}

type Ever = Pick<Ledger, 'poolEver' | 'freeEver'>;

/** Hosts of one shape and one policy, of which fleets have many, share these sets. */
function everOf(policy: HostPolicy, online: BitSet): Ever {
  const known = ever.get(policy)?.get(online);
  if (known !== undefined) return known;
  const usable = online.minus(new BitSet(policy.reservedCpus));
  const shared = policy.sharedCpus === undefined ? undefined : new BitSet(policy.sharedCpus);
  const made =
    shared === undefined
      ? { poolEver: usable, freeEver: usable }
      : { poolEver: usable.and(shared), freeEver: usable.minus(shared) };
  const ofPolicy = ever.get(policy) ?? new WeakMap<BitSet, Ever>();
  ever.set(policy, ofPolicy.set(online, made));
  return made;
}

const ever = new WeakMap<HostPolicy, WeakMap<BitSet, Ever>>();

/** Memory that all guests together are measured against. */
function countedBytes({ policy, topology }: HostSnapshot, shape: HostShape): number {
  const bytes = shape.cells
    .filter((cell) => !cell.cpus.isEmpty)
    .map(({ index, ordinaryBytes }) =>
      policy.ramCounts === 'all' ? (topology.cells[index]?.memoryBytes ?? 0) : ordinaryBytes,
    );
  return Math.max(0, bytes.reduce((sum, part) => sum + part, 0) - policy.reservedBytes);
}

function cellAccounts(host: HostSnapshot, shape: HostShape): readonly CellAccount[] {
  const withCpus = shape.cells.filter((cell) => !cell.cpus.isEmpty);
  const share = Math.floor(host.policy.reservedBytes / Math.max(1, withCpus.length));
  return host.topology.cells.map((cell, index) => {
    const { ordinaryBytes, cpus } = shape.cells[index] ?? { ordinaryBytes: 0, cpus: new BitSet() };
    const reserved = cpus.isEmpty ? 0 : share;
    return {
      id: cell.id,
      index,
      hasCpus: !cpus.isEmpty,
      limitBytes: Math.max(0, ordinaryBytes - reserved),
      boundBytes: 0,
      pools: cell.pages
        .filter((pool) => pool.sizeKiB > shape.basePageKiB)
        .map(({ sizeKiB, total, free }) => ({ sizeKiB, total, free, claimed: 0, pending: 0 })),
    };
  });
}

function sumOfPools(cells: readonly CellAccount[]): readonly PageAccount[] {
  const sums = new Map<number, PageAccount>();
  for (const { sizeKiB, total, free } of cells.flatMap((cell) => cell.pools)) {
    const sum = sums.get(sizeKiB) ?? { sizeKiB, total: 0, free: 0, claimed: 0, pending: 0 };
    sums.set(sizeKiB, { ...sum, total: sum.total + total, free: sum.free + free });
  }
  return [...sums.values()].toSorted((a, b) => a.sizeKiB - b.sizeKiB);
}

/** Whether something is taken (1) or given back (-1), and whether pages seen as free become fewer or more. */
interface Posting {
  readonly sign: 1 | -1;
  readonly pending: boolean;
}

/** Enters everything that a seat takes or gives back. */
function post(ledger: Ledger, seat: Seat, posting: Posting): void {
  const { sign } = posting;
  for (const cpu of new Set(seat.dedicated)) postCpu(ledger, cpu, sign);
  for (const address of seat.pci ?? []) postPci(ledger, address, sign);
  for (const part of seat.floating.parts ?? [seat.floating]) postFloat(ledger, part, sign);
  for (const share of seat.memory) postMemory(ledger, share, posting);
  const overheadCell = seat.memory[0]?.cell;
  postOrdinary(ledger, overheadCell, sign * seat.overheadBytes);
}

function postCpu(ledger: Ledger, cpu: number, sign: 1 | -1): void {
  if (sign === 1) ledger.holders.add(cpu);
  else ledger.holders.remove(cpu);
  const isFree = !ledger.holders.has(cpu);
  for (const { now, ever } of [
    { now: ledger.pool, ever: ledger.poolEver },
    { now: ledger.free, ever: ledger.freeEver },
  ]) {
    if (isFree && ever.has(cpu)) now.add(cpu);
    else now.delete(cpu);
  }
}

function postPci(ledger: Ledger, address: string, sign: 1 | -1): void {
  const pciHolders = (ledger.pciHolders ??= new Map());
  const holders = (pciHolders.get(address) ?? 0) + sign;
  if (holders > 0) pciHolders.set(address, holders);
  else pciHolders.delete(address);
  if (pciHolders.size === 0) delete ledger.pciHolders;
}

function postFloat(ledger: Ledger, part: Omit<Seat['floating'], 'parts'>, sign: 1 | -1): void {
  if (part.vcpus === 0) return;
  const { over, follows } = part;
  const key = follows === undefined ? (over?.join() ?? 'everywhere') : `cells ${follows.join()}`;
  const group = ledger.floats.get(key) ?? { ...floatsOver(ledger, part), vcpus: 0 };
  group.vcpus += sign * part.vcpus;
  if (group.vcpus === 0) ledger.floats.delete(key);
  else ledger.floats.set(key, group);
}

/** Where a guest follows the pool, it may use what is in the pool at any time. */
function floatsOver(
  { shape }: Ledger,
  { over, follows }: Omit<Seat['floating'], 'parts'>,
): Pick<FloatGroup, 'over' | 'home'> {
  if (follows === undefined) return over === undefined ? {} : { over: new BitSet(over) };
  const cells = shape.cells.filter(({ id }) => follows.includes(id));
  const [only, second] = cells;
  if (only !== undefined && second === undefined) return { over: only.cpus, home: only.index };
  if (only === undefined) return {};
  return { over: cells.reduce((all, { cpus }) => all.or(cpus), new BitSet()) };
}

function postMemory(ledger: Ledger, share: MemoryShare, how: Posting): void {
  if (share.pageKiB <= ledger.shape.basePageKiB) {
    postOrdinary(ledger, share.cell, how.sign * share.bytes);
    return;
  }
  const cell = ledger.cells.find((candidate) => candidate.id === share.cell);
  if (ledger.host.policy.ramCounts === 'all' && (cell?.hasCpus ?? true)) {
    ledger.usedBytes += how.sign * share.bytes;
  }
  const pools = share.cell === undefined ? ledger.unboundPages : (cell?.pools ?? []);
  const pool = pools.find((candidate) => candidate.sizeKiB === share.pageKiB);
  if (pool === undefined) return;
  const pages = how.sign * Math.ceil(share.bytes / (share.pageKiB * KIB));
  pool.claimed += pages;
  if (how.pending) pool.pending += pages;
}

function postOrdinary(ledger: Ledger, cellId: number | undefined, bytes: number): void {
  const cell = ledger.cells.find((candidate) => candidate.id === cellId);
  if (cell !== undefined) cell.boundBytes += bytes;
  if (cell?.hasCpus ?? true) ledger.usedBytes += bytes;
}
