import { BitSet } from '../base/bit-set.ts';
import { formatIntSet } from '../base/int-set.ts';
import type { Ledger } from './ledger.ts';

/** vCPUs of one guest, or of one of its cells, and the pCPUs they are to float over. */
export interface FloatPart {
  readonly vcpus: number;
  readonly over: BitSet;
}

/** A set of pCPUs whose floating vCPUs are counted: those that can run nowhere else. */
export interface FloatLimit {
  /** The whole pool, the pool of one cell, or the pCPUs that some guest is kept to. */
  readonly where:
    { readonly kind: 'host' | 'cpus' } | { readonly kind: 'cell'; readonly id: number };
  readonly cpus: BitSet;
  /** vCPUs that float here already. */
  readonly vcpus: number;
  /** vCPUs that may float here by the host's ratio. */
  readonly allowed: number;
}

/** Which pCPUs of the pool may still become dedicated without starving a floating guest. */
export interface Takeable {
  /** pCPUs that must stay, because guests kept to few pCPUs have no other. */
  readonly kept: BitSet;
  /** How many may be taken from each cell, by index; below 0 where the ratio is broken already. */
  readonly perCell: readonly number[];
  readonly onHost: number;
}

/** Every set of pCPUs that limits floating vCPUs when the pool is as given: the host's pool first. */
export function floatLimits(ledger: Ledger, pool = ledger.pool): readonly FloatLimit[] {
  const groups = floatParts(ledger, pool);
  const cells = ledger.shape.cells.map((cell) => ({
    where: { kind: 'cell', id: cell.id } as const,
    cpus: cell.cpus.and(pool),
  }));
  const restricted = groups.map(({ over }) => ({ where: { kind: 'cpus' } as const, cpus: over }));
  const sets = distinct([
    { where: { kind: 'host' } as const, cpus: pool },
    ...cells,
    ...restricted,
  ]);
  return sets.map((set) => limitOn(ledger, groups, set));
}

/** The limits that the pCPUs of each part are themselves, once it floats there. */
export function limitsOfParts(
  ledger: Ledger,
  parts: readonly FloatPart[],
  pool = ledger.pool,
): readonly FloatLimit[] {
  const groups = floatParts(ledger, pool);
  return parts
    .filter(({ over }) => !over.isEmpty)
    .map(({ over }) => limitOn(ledger, groups, { where: { kind: 'cpus' }, cpus: over }));
}

/** The limits as they are once a guest's own part floats too. */
export function limitsBeside(limits: readonly FloatLimit[], own: FloatPart): readonly FloatLimit[] {
  return limits.map((limit) =>
    own.over.isSubsetOf(limit.cpus) ? { ...limit, vcpus: limit.vcpus + own.vcpus } : limit,
  );
}

/** Those limits that floating `parts` more would break, with how many of their vCPUs count there. */
export function brokenByFloating(
  limits: readonly FloatLimit[],
  parts: readonly FloatPart[],
): readonly { readonly limit: FloatLimit; readonly need: number }[] {
  const somewhere = parts.filter(({ over }) => !over.isEmpty);
  return distinct(limits)
    .map((limit) => ({ limit, need: sumWithin(somewhere, limit.cpus) }))
    .filter(({ limit, need }) => need > 0 && limit.vcpus + need > limit.allowed);
}

/**
 * Works out which pCPUs may be taken out of the pool.
 * @param wanted pCPUs that the guest could use: the ones to stay are chosen beside them if possible.
 */
export function takeable(ledger: Ledger, limits: readonly FloatLimit[], wanted: BitSet): Takeable {
  if (isApart(ledger)) {
    const perCell = ledger.shape.cells.map(({ cpus }) => cpus.countIn(ledger.free));
    return { kept: new BitSet(), perCell, onHost: ledger.free.size };
  }
  const spare = (limit: FloatLimit): number => limit.cpus.size - pcpusFor(ledger, limit.vcpus);
  const host = limits.find((limit) => limit.where.kind === 'host');
  const onHost = host === undefined ? ledger.pool.size : spare(host);
  return {
    kept: keptFor(ledger, limits, wanted),
    perCell: ledger.shape.cells.map(({ id, cpus }) => {
      const limit = limits.find(({ where }) => where.kind === 'cell' && where.id === id);
      return limit === undefined ? Math.min(onHost, cpus.countIn(ledger.pool)) : spare(limit);
    }),
    onHost,
  };
}

/**
 * The limit that taking pCPUs out of the pool would break and that does not stand broken already;
 * undefined when every floating guest can still run. It also finds what counting set by set cannot
 * see: guests whose sets overlap.
 */
export function starvedByTaking(ledger: Ledger, taken: BitSet): FloatLimit | undefined {
  if (isApart(ledger)) return undefined;
  for (const { over, vcpus } of ledger.floats.values()) {
    const now = (over ?? ledger.pool).and(ledger.pool);
    if (!now.isEmpty && now.isSubsetOf(taken)) {
      return { where: { kind: 'cpus' }, cpus: now, vcpus, allowed: 0 };
    }
  }
  const before = floatLimits(ledger);
  return floatLimits(ledger, ledger.pool.minus(taken)).find(
    (limit) => isBroken(limit) && !before.some((other) => isBroken(other) && isSame(limit, other)),
  );
}

/** "cell 1", "the host" or "pCPUs 0-3", for sentences. */
export function floatPlace(limit: FloatLimit): string {
  switch (limit.where.kind) {
    case 'host':
      return 'the host';
    case 'cell':
      return `cell ${limit.where.id}`;
    case 'cpus':
      return `pCPUs ${formatIntSet(limit.cpus)}`;
  }
}

/** True where dedicated pCPUs never come out of the pool that floating guests share. */
export function isApart({ pool, free }: Ledger): boolean {
  return pool !== free;
}

/** A ratio such as 1.1 is not exact in binary: what is this close to a whole number is meant as one. */
const RATIO_SLACK = 1e-9;

/** Floating vCPUs and where in that pool they can run; those that have lost every pCPU are left out. */
function floatParts(ledger: Ledger, pool: BitSet): readonly FloatPart[] {
  return [...ledger.floats.values()]
    .map(({ over, vcpus }) => ({ over: over === undefined ? pool : over.and(pool), vcpus }))
    .filter((group) => !group.over.isEmpty);
}

function limitOn(
  ledger: Ledger,
  groups: readonly FloatPart[],
  set: Pick<FloatLimit, 'where' | 'cpus'>,
): FloatLimit {
  const vcpus = sumWithin(groups, set.cpus);
  return { ...set, vcpus, allowed: vcpusAllowed(ledger, set.cpus.size) };
}

function isSame(a: FloatLimit, b: FloatLimit): boolean {
  return a.where.kind === b.where.kind && a.cpus.equals(b.cpus);
}

function isBroken(limit: FloatLimit): boolean {
  return limit.vcpus > limit.allowed;
}

export function vcpusAllowed(ledger: Ledger, pcpus: number): number {
  return Math.floor(ledger.host.policy.cpuRatio * pcpus + RATIO_SLACK);
}

/** pCPUs that so many floating vCPUs need by the host's ratio. */
export function pcpusFor(ledger: Ledger, vcpus: number): number {
  return vcpus === 0 ? 0 : Math.ceil(vcpus / ledger.host.policy.cpuRatio - RATIO_SLACK);
}

function sumWithin(parts: readonly FloatPart[], cpus: BitSet): number {
  return parts.reduce((sum, part) => sum + (part.over.isSubsetOf(cpus) ? part.vcpus : 0), 0);
}

function distinct<T extends { readonly cpus: BitSet }>(sets: readonly T[]): readonly T[] {
  const found: T[] = [];
  for (const set of sets) {
    if (!set.cpus.isEmpty && !found.some((other) => other.cpus.equals(set.cpus))) found.push(set);
  }
  return found;
}

/**
 * Chooses the pCPUs that stay for guests kept to few of them, the tightest set first. A pCPU whose
 * core is in use already goes first, so that whole cores stay takeable.
 */
function keptFor(ledger: Ledger, limits: readonly FloatLimit[], wanted: BitSet): BitSet {
  const kept = new BitSet();
  const tight = limits
    .filter((limit) => limit.where.kind === 'cpus')
    .toSorted((a, b) => a.cpus.size - b.cpus.size);
  if (tight.length === 0) return kept;
  const order = keepOrder(ledger);
  const preference = [
    ...order.filter((cpu) => !wanted.has(cpu)),
    ...order.filter((cpu) => wanted.has(cpu)),
  ];
  for (const { cpus, vcpus } of tight) {
    let missing = pcpusFor(ledger, vcpus) - kept.countIn(cpus);
    for (const cpu of preference) {
      if (missing <= 0) break;
      if (!cpus.has(cpu) || kept.has(cpu)) continue;
      kept.add(cpu);
      missing--;
    }
  }
  return kept;
}

/** CPUs of the pool, those of half-free cores first, siblings side by side. */
function keepOrder(ledger: Ledger): readonly number[] {
  return ledger.shape.cells
    .flatMap((cell) => cell.cores)
    .map((core) => core.cpus.filter((cpu) => ledger.pool.has(cpu)))
    .map((free, index) => ({ free, index }))
    .toSorted((a, b) => a.free.length - b.free.length || a.index - b.index)
    .flatMap(({ free }) => free);
}
