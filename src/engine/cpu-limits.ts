import { BitSet } from '../base/bit-set.ts';
import { formatIntSet } from '../base/int-set.ts';
import type { Seat } from '../model/host.ts';
import type { CpuNeed } from './core-choice.ts';
import { coresFor, smallestCores, takesWholeCores } from './core-choice.ts';
import type { Frame } from './frame.ts';
import { counted, has, named } from './wording.ts';
import { holdersOf } from './holders.ts';
import type { BrokenLimit } from './refusal.ts';
import type { FloatLimit, FloatPart } from './shared-pool.ts';
import {
  brokenByFloating,
  floatLimits,
  floatPlace,
  isApart,
  limitsOfParts,
  pcpusFor,
} from './shared-pool.ts';
import { vcpuKinds } from './request.ts';

/** Some cells of a host whose pCPUs are counted together. */
export interface CpuPlace {
  /** Indexes of the cells. */
  readonly cells: readonly number[];
  /** How many pCPUs may be taken there at most. */
  readonly takeable: number;
  /** "cell 1" or "the host". */
  readonly name: string;
  /** Id of the cell, where it is one. */
  readonly cell?: number;
}

/** One cell by index. */
export function cellPlace(frame: Frame, index: number): CpuPlace {
  const id = frame.ledger.shape.cells[index]?.id ?? index;
  const takeable = Math.min(frame.takeable.onHost, frame.takeable.perCell[index] ?? 0);
  return { cells: [index], takeable, name: `cell ${id}`, cell: id };
}

/** Every cell that the guest's vCPUs may sit in. */
export function hostPlace(frame: Frame): CpuPlace {
  const [only] = frame.homes;
  if (frame.homes.length === 1 && only !== undefined) return cellPlace(frame, only);
  const every = frame.ledger.cells.filter((cell) => cell.hasCpus);
  const ids = every.filter((cell) => frame.homes.includes(cell.index)).map((cell) => cell.id);
  const name =
    ids.length === every.length || ids.length === 0
      ? 'the host'
      : `${named('cell', formatIntSet(ids))} together`;
  return { cells: frame.homes, takeable: frame.takeable.onHost, name };
}

/** Threads of a core that the guest reckons with: 1 where SMT makes no difference to it. */
export function cpuNeed(
  frame: Frame,
  slot: { readonly dedicated: number; readonly emulator: number },
): CpuNeed {
  return {
    vcpus: slot.dedicated,
    emulator: slot.emulator,
    threads: frame.request.threads,
    perCore: frame.ledger.shape.threads,
  };
}

/** What stands against that many dedicated vCPUs in that place. */
export function dedicatedLimits(
  frame: Frame,
  place: CpuPlace,
  slot: { readonly dedicated: number; readonly emulator: number },
): readonly BrokenLimit[] {
  if (slot.dedicated + slot.emulator === 0) return [];
  const need = cpuNeed(frame, slot);
  const all = supplyOf(frame, place, { need, which: 'free' });
  if (all.cores < all.coresNeeded) return [coresShort(frame, place, { need, ...all })];
  if (all.pcpus < all.pcpusNeeded) return [pcpusShort(frame, place, all)];
  const open = supplyOf(frame, place, { need, which: 'open' });
  const suffices = open.cores >= open.coresNeeded && open.pcpus >= open.pcpusNeeded;
  if (suffices && open.pcpusNeeded <= place.takeable) return [];
  const have = Math.min(open.pcpus, place.takeable);
  return have < all.pcpusNeeded
    ? [poolShort(frame, place, { need: all.pcpusNeeded, have, noun: 'pCPU' })]
    : [poolShort(frame, place, { need: open.coresNeeded, have: open.cores, noun: 'core' })];
}

/** Where a guest is to float: as much of a `CpuPlace` as that needs. */
export type FloatPlace = Pick<CpuPlace, 'cells' | 'name' | 'cell'>;

/** What stands against parts of a guest floating each over its pCPUs. */
export function floatingLimits(
  frame: Frame,
  place: FloatPlace,
  parts: readonly FloatPart[],
): readonly BrokenLimit[] {
  const limits = [...frame.limits, ...limitsOfParts(frame.ledger, parts)];
  return floatsWithin(frame, place, { parts, limits });
}

/** The same for parts of a guest that takes pCPUs for itself, too. */
export function floatingBesideLimits(
  frame: Frame,
  place: FloatPlace,
  how: { readonly parts: readonly FloatPart[]; readonly taken: BitSet },
): readonly BrokenLimit[] {
  const { parts, taken } = how;
  if (taken.isEmpty) return floatingLimits(frame, place, parts);
  const pool = frame.ledger.pool.minus(taken);
  const limits = [...floatLimits(frame.ledger, pool), ...limitsOfParts(frame.ledger, parts, pool)];
  return floatsWithin(frame, place, { parts, limits, taken });
}

/**
 * What stands against the guest floating in that place in whatever way. A guest laid out in a part
 * of the place need not keep the others there within the ratio: its own pCPUs are no limit yet.
 */
export function floatingSomewhereLimits(frame: Frame, place: CpuPlace): readonly BrokenLimit[] {
  const { floating } = vcpuKinds(frame.request);
  if (floating === 0) return [];
  const part = { vcpus: floating, over: floatOver(frame, place.cells) };
  return floatsWithin(frame, place, { parts: [part], limits: frame.limits });
}

/** pCPUs of some cells that a floating guest may use now. */
export function floatOver(frame: Frame, cells: readonly number[]): BitSet {
  return cells.reduce(
    (all, index) => all.or(cpusOf(frame, index).and(frame.ledger.pool).and(frame.usable)),
    new BitSet(),
  );
}

/**
 * How many pCPUs of a cell may be taken beside those `taken` before the guest's own vCPUs that float
 * there have too few.
 */
export function spareBesideFloating(
  frame: Frame,
  index: number,
  own: { readonly vcpus: number; readonly taken: BitSet },
): number {
  const { ledger } = frame;
  const over = floatOver(frame, [index]).minus(own.taken);
  if (own.vcpus === 0 || isApart(ledger)) return Infinity;
  const pool = ledger.pool.minus(own.taken);
  const [limit] = limitsOfParts(ledger, [{ vcpus: own.vcpus, over }], pool);
  const width = ledger.host.policy.guestWidth === 'host' ? 0 : own.vcpus;
  return over.size - Math.max(width, pcpusFor(ledger, (limit?.vcpus ?? 0) + own.vcpus));
}

/** Taking pCPUs would leave a floating guest too few; the last check of a dedicated placement. */
export function starving(frame: Frame, limit: FloatLimit, taken: number): BrokenLimit {
  return {
    check: 'shared-pool',
    need: taken,
    have: Math.max(0, frame.takeable.onHost),
    unit: 'pCPUs',
    say: `taking ${counted(taken, 'pCPU')} would leave the ${counted(limit.vcpus, 'vCPU')} that float over ${floatPlace(limit)} too few`,
    heldBy: holdersOf(frame.ledger, (seat) => floatsIn(seat, limit.cpus)),
  };
}

const NONE = new BitSet();

function floatsWithin(
  frame: Frame,
  place: FloatPlace,
  how: {
    readonly parts: readonly FloatPart[];
    readonly limits: readonly FloatLimit[];
    readonly taken?: BitSet;
  },
): readonly BrokenLimit[] {
  return [
    ...widthParts(frame, how.parts, how.taken)
      .filter(({ part }) => part.vcpus > part.over.size)
      .map(({ part, on = place }) => guestTooWide(frame, on, part)),
    ...brokenByFloating(how.limits, how.parts).map(({ limit, need }) =>
      ratioBroken(frame, limit, need),
    ),
  ];
}

/** What is held against the pCPUs it floats over: each part, or by the host's policy the guest. */
function widthParts(
  frame: Frame,
  parts: readonly FloatPart[],
  taken = NONE,
): readonly { readonly part: FloatPart; readonly on?: FloatPlace }[] {
  const { host, pool } = frame.ledger;
  if (host.policy.guestWidth !== 'host') return parts.map((part) => ({ part }));
  const part = {
    vcpus: parts.reduce((sum, { vcpus }) => sum + vcpus, 0),
    over: pool.and(frame.usable).minus(taken),
  };
  const nowhere = parts.filter(({ over }) => over.isEmpty).map((lost) => ({ part: lost }));
  return [...nowhere, { part, on: hostPlace(frame) }];
}

/** pCPUs and cores of a place, and what a guest would take of them. */
interface Supply {
  readonly cores: number;
  readonly coresNeeded: number;
  readonly pcpus: number;
  readonly pcpusNeeded: number;
}

function supplyOf(
  frame: Frame,
  place: CpuPlace,
  how: { readonly need: CpuNeed; readonly which: 'free' | 'open' },
): Supply {
  const { need } = how;
  const views = place.cells.flatMap((index) => frame.coresAt(index, how.which));
  const open = views.reduce((sum, view) => sum + view.open.length, 0);
  const pcpusNeeded = need.vcpus + need.emulator;
  if (!takesWholeCores(need)) return { cores: 0, coresNeeded: 0, pcpus: open, pcpusNeeded };
  const whole = coresFor(need, views);
  if (need.threads === 'require') {
    const coresNeeded = need.vcpus / need.perCore;
    return { cores: whole.length, coresNeeded, pcpus: open, pcpusNeeded };
  }
  const isolated = smallestCores(whole, need.vcpus);
  const idle = isolated.reduce((sum, { core, open }) => sum + core.cpus.length - open.length, 0);
  const taken = isolated.reduce((sum, view) => sum + view.core.cpus.length, 0);
  return {
    cores: whole.length,
    coresNeeded: need.vcpus,
    pcpus: open + idle,
    pcpusNeeded: taken + need.emulator,
  };
}

function coresShort(
  frame: Frame,
  place: CpuPlace,
  short: { readonly need: CpuNeed; readonly cores: number; readonly coresNeeded: number },
): BrokenLimit {
  const { need, cores, coresNeeded } = short;
  return {
    check: 'free-cores',
    ...cellOf(place),
    need: coresNeeded,
    have: cores,
    unit: 'cores',
    say: `${has(place.name)} ${counted(cores, 'wholly free core')}${inCpuset(frame)}; thread policy ${need.threads} needs ${coresNeeded} for ${counted(need.vcpus, 'vCPU')}`,
    heldBy: dedicatedHolders(frame, place, 'cores'),
  };
}

function pcpusShort(frame: Frame, place: CpuPlace, supply: Supply): BrokenLimit {
  return {
    check: 'free-pcpus',
    ...cellOf(place),
    need: supply.pcpusNeeded,
    have: supply.pcpus,
    unit: 'pCPUs',
    say: `${has(place.name)} ${counted(supply.pcpus, 'free pCPU')}${inCpuset(frame)}; the VM needs ${supply.pcpusNeeded}`,
    heldBy: dedicatedHolders(frame, place, 'pcpus'),
  };
}

function poolShort(
  frame: Frame,
  place: CpuPlace,
  short: { readonly need: number; readonly have: number; readonly noun: 'pCPU' | 'core' },
): BrokenLimit {
  const have = Math.max(0, short.have);
  return {
    check: 'shared-pool',
    ...cellOf(place),
    need: short.need,
    have,
    unit: `${short.noun}s`,
    say: `${place.name} can give up ${counted(have, short.noun)} of its shared pool before floating vCPUs have too few (${frame.ledger.host.policy.cpuRatio} per pCPU); the VM needs ${short.need}`,
    heldBy: holdersOf(frame.ledger, (seat) => seat.floating.vcpus > 0),
  };
}

function guestTooWide(frame: Frame, place: FloatPlace, part: FloatPart): BrokenLimit {
  return {
    check: 'guest-vcpus',
    ...cellOf(place),
    need: part.vcpus,
    have: part.over.size,
    unit: 'pCPUs',
    say: `${has(place.name)} ${counted(part.over.size, 'pCPU')} for the guest to float over; its ${counted(part.vcpus, 'vCPU')} need as many`,
    heldBy: dedicatedHolders(frame, place, 'pool'),
  };
}

function ratioBroken(frame: Frame, limit: FloatLimit, need: number): BrokenLimit {
  const have = Math.max(0, limit.allowed - limit.vcpus);
  return {
    check: 'cpu-ratio',
    ...(limit.where.kind === 'cell' ? { cell: limit.where.id } : {}),
    need,
    have,
    unit: 'vCPUs',
    say: `${floatPlace(limit)} may carry ${counted(limit.allowed, 'floating vCPU')} (${frame.ledger.host.policy.cpuRatio} for each of ${counted(limit.cpus.size, 'pCPU')}) and has ${limit.vcpus}; the VM would add ${need}`,
    heldBy: holdersOf(frame.ledger, (seat) => floatsIn(seat, limit.cpus)),
  };
}

function floatsIn(seat: Seat, cpus: BitSet): boolean {
  const { vcpus, over } = seat.floating;
  return vcpus > 0 && (over === undefined || over.some((cpu) => cpus.has(cpu)));
}

/** Who has pCPUs there that the guest could have or (`pool`) float over; or (`cores`) siblings of such. */
function dedicatedHolders(
  frame: Frame,
  place: FloatPlace,
  what: 'pcpus' | 'cores' | 'pool',
): readonly string[] {
  const { poolEver, freeEver } = frame.ledger;
  const useful = frame.usable.and(what === 'pool' ? poolEver : freeEver);
  const cores = place.cells.flatMap((index) => frame.ledger.shape.cells[index]?.cores ?? []);
  const isUsable = (cpu: number): boolean => useful.has(cpu);
  const wanted = cores.flatMap(({ cpus }) =>
    what === 'cores' && cpus.some(isUsable) ? cpus : cpus.filter(isUsable),
  );
  const cpus = new Set(wanted);
  return holdersOf(frame.ledger, (seat) => seat.dedicated.some((cpu) => cpus.has(cpu)));
}

function cellOf(place: Pick<CpuPlace, 'cell'>): { readonly cell?: number } {
  return place.cell === undefined ? {} : { cell: place.cell };
}

function inCpuset({ request }: Frame): string {
  return request.cpuset === undefined ? '' : ` of the cpuset ${formatIntSet(request.cpuset)}`;
}

function cpusOf(frame: Frame, index: number): BitSet {
  return frame.ledger.shape.cells[index]?.cpus ?? NONE;
}
