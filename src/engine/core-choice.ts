import { assert, present } from '../base/assert.ts';
import { BitSet } from '../base/bit-set.ts';
import type { ThreadPolicy } from '../model/placement.ts';
import type { Core } from './host-shape.ts';
import { compareRanks } from './rank.ts';

/** One core as a guest finds it. */
export interface CoreView {
  readonly core: Core;
  /** Its threads that the guest may have. */
  readonly open: readonly number[];
  /** Nobody has a thread of it: its idle threads are no one's siblings. */
  readonly whole: boolean;
}

/** pCPUs for the vCPUs of one slot. */
export interface CpuChoice {
  /** In the order of the slot's vCPUs: siblings follow each other. */
  readonly pcpus: readonly number[];
  /** Siblings kept idle. */
  readonly blocked: readonly number[];
  /** pCPUs that other threads of QEMU have for themselves, each one. */
  readonly emulator: readonly number[];
  /** vCPUs that could have had a sibling beside them, had there been more whole cores. */
  readonly unpaired: number;
  /** Free cores of which only a part is used. */
  readonly broken: number;
}

/** What one slot asks of the cores of a cell. */
export interface CpuNeed {
  /** Dedicated ones. */
  readonly vcpus: number;
  /** pCPUs that other threads of QEMU have for themselves. */
  readonly emulator: number;
  readonly threads: ThreadPolicy;
  /** Threads of a core on this host. */
  readonly perCore: number;
}

/**
 * Looks at the cores of a cell.
 * @param free pCPUs that may be taken; @param usable those of them that the guest may run on.
 */
export function coreViews(cores: readonly Core[], free: BitSet, usable: BitSet): CoreView[] {
  return cores.map((core) => {
    const whole = free.hasAll(core.cpus);
    const idle = whole ? core.cpus : core.cpus.filter((cpu) => free.has(cpu));
    return {
      core,
      open: usable.hasAll(idle) ? idle : idle.filter((cpu) => usable.has(cpu)),
      whole,
    };
  });
}

/** True where the policy hands out cores and not threads. */
export function takesWholeCores(need: { threads: ThreadPolicy; perCore: number }): boolean {
  return need.perCore > 1 && need.threads !== 'prefer';
}

/** Cores that a guest of that thread policy could have. */
export function coresFor(need: CpuNeed, views: readonly CoreView[]): readonly CoreView[] {
  return need.threads === 'require'
    ? views.filter((view) => view.open.length === need.perCore)
    : views.filter((view) => view.whole && view.open.length > 0);
}

/** That many cores, those with the fewest threads: whoever idles siblings idles the fewest so. */
export function smallestCores(cores: readonly CoreView[], count: number): readonly CoreView[] {
  return cores.toSorted(bySmallness).slice(0, count);
}

/** The fewest threads first; of those the fewest that the guest could run on itself. */
function bySmallness(a: CoreView, b: CoreView): number {
  return a.core.cpus.length - b.core.cpus.length || a.open.length - b.open.length;
}

/** Chooses pCPUs for a slot. There must be enough: callers have counted. */
export function chooseCpus(need: CpuNeed, views: readonly CoreView[]): CpuChoice {
  const choice = chooseVcpus(need, views);
  const taken = new BitSet([...choice.pcpus, ...choice.blocked]);
  const emulator = oddBeside(views, taken, need.emulator);
  assert(choice.pcpus.length === need.vcpus, 'there is a pCPU for each vCPU');
  assert(emulator.pcpus.length === need.emulator, 'there is a pCPU for the emulator');
  return { ...choice, emulator: emulator.pcpus, broken: choice.broken + emulator.broken };
}

/** As many single pCPUs as there are of that many: those that break the fewest free cores. */
export function chooseSingles(
  views: readonly CoreView[],
  count: number,
): { readonly pcpus: readonly number[]; readonly broken: number } {
  return oddPcpus(views, count, new Set());
}

type VcpuChoice = Omit<CpuChoice, 'emulator'>;

function chooseVcpus(need: CpuNeed, views: readonly CoreView[]): VcpuChoice {
  if (!takesWholeCores(need)) return preferCores(need, views);
  return need.threads === 'require'
    ? wholeCores(coresFor(need, views), need.vcpus / need.perCore)
    : isolateCores(need, views);
}

/** Whole cores as far as they go, then half-free cores, and only then one more free core is broken. */
function preferCores(need: CpuNeed, views: readonly CoreView[]): VcpuChoice {
  const full = views.filter((view) => view.whole && view.open.length === need.perCore);
  const wanted = Math.floor(need.vcpus / need.perCore);
  const paired = wholeCores(full, Math.min(full.length, wanted));
  const taken = new BitSet(paired.pcpus);
  const odd = oddBeside(views, taken, need.vcpus - paired.pcpus.length);
  return {
    pcpus: [...paired.pcpus, ...odd.pcpus],
    blocked: [],
    unpaired: wanted * need.perCore - paired.pcpus.length,
    broken: odd.broken,
  };
}

/** Single pCPUs beside those that the guest has already. */
function oddBeside(
  views: readonly CoreView[],
  taken: BitSet,
  count: number,
): ReturnType<typeof oddPcpus> {
  if (count === 0) return NONE;
  const rest = views.map((view) => withoutTaken(view, taken));
  return oddPcpus(rest, count, usedCaches(views, taken));
}

const NONE = { pcpus: [], broken: 0 } as const;

function wholeCores(full: readonly CoreView[], count: number): VcpuChoice {
  const pcpus = fewestCaches(full, count).flatMap((view) => view.open);
  return { pcpus, blocked: [], unpaired: 0, broken: 0 };
}

/** One vCPU per core; cores with the fewest threads first, as they idle the least. */
function isolateCores(need: CpuNeed, views: readonly CoreView[]): VcpuChoice {
  const bySize = Map.groupBy(
    coresFor(need, views).toSorted(bySmallness),
    ({ core, open }) => `${core.cpus.length} ${open.length}`,
  );
  const chosen: CoreView[] = [];
  for (const group of bySize.values()) {
    chosen.push(...fewestCaches(group, Math.min(group.length, need.vcpus - chosen.length)));
  }
  const pcpus = chosen.map((view) => present(view.open[0], 'a thread of a chosen core'));
  const used = new Set(pcpus);
  return {
    pcpus,
    blocked: chosen.flatMap((view) => view.core.cpus.filter((cpu) => !used.has(cpu))),
    unpaired: 0,
    broken: 0,
  };
}

/**
 * Takes that many cores from as few L3 groups as possible: one group if one suffices, the tightest
 * such; else the largest group whole, and on with the rest.
 */
function fewestCaches(views: readonly CoreView[], count: number): readonly CoreView[] {
  const groups = [...Map.groupBy(views, (view) => view.core.l3).values()];
  const chosen: CoreView[] = [];
  while (chosen.length < count) {
    const missing = count - chosen.length;
    const enough = groups.filter((group) => group.length >= missing);
    const [group] =
      enough.length > 0
        ? enough.toSorted((a, b) => a.length - b.length)
        : groups.toSorted((a, b) => b.length - a.length);
    if (group === undefined) break;
    groups.splice(groups.indexOf(group), 1);
    chosen.push(...group.slice(0, missing));
  }
  return chosen.toSorted((a, b) => (a.core.cpus[0] ?? 0) - (b.core.cpus[0] ?? 0));
}

/**
 * Single pCPUs: of cores in use first, the fullest first; then of cores too small to be shared;
 * then a free core is broken. Caches that the guest uses already come first, then the ones with the
 * fewest free cores.
 */
function oddPcpus(
  views: readonly CoreView[],
  count: number,
  caches: ReadonlySet<string>,
): { readonly pcpus: readonly number[]; readonly broken: number } {
  if (count === 0) return { pcpus: [], broken: 0 };
  const freeCores = new Map<string, number>();
  for (const { whole, core } of views) {
    if (whole) freeCores.set(core.l3, (freeCores.get(core.l3) ?? 0) + 1);
  }
  const rank = (view: CoreView): readonly number[] => [
    breaks(view) ? 1 : 0,
    caches.has(view.core.l3) ? 0 : 1,
    freeCores.get(view.core.l3) ?? 0,
    view.open.length,
    view.core.cpus[0] ?? 0,
  ];
  const order = views
    .filter((view) => view.open.length > 0)
    .map((view) => ({ view, rank: rank(view) }))
    .toSorted((a, b) => compareRanks(a.rank, b.rank));
  const pcpus: number[] = [];
  let broken = 0;
  for (const { view } of order) {
    if (pcpus.length >= count) break;
    const part = view.open.slice(0, count - pcpus.length);
    pcpus.push(...part);
    if (breaks(view) && part.length < view.core.cpus.length) broken++;
  }
  return { pcpus, broken };
}

function breaks(view: CoreView): boolean {
  return view.whole && view.core.cpus.length > 1;
}

/** A core once some pCPUs are taken. */
export function withoutTaken(view: CoreView, taken: BitSet): CoreView {
  return {
    core: view.core,
    open: view.open.filter((cpu) => !taken.has(cpu)),
    whole: view.whole && !view.core.cpus.some((cpu) => taken.has(cpu)),
  };
}

function usedCaches(views: readonly CoreView[], taken: BitSet): ReadonlySet<string> {
  return new Set(
    views.filter(({ core }) => core.cpus.some((cpu) => taken.has(cpu))).map(({ core }) => core.l3),
  );
}
