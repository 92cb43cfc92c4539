import { BitSet } from '../base/bit-set.ts';
import { formatIntSet } from '../base/int-set.ts';
import { KIB, MIB } from '../base/units.ts';
import type { MemoryMode } from '../model/placement.ts';
import { ORDINARY_PAGE_KIB } from '../model/placement.ts';
import type { CoreView } from './core-choice.ts';
import { coreViews } from './core-choice.ts';
import type { Ledger } from './ledger.ts';
import { overheadBytes } from './overhead.ts';
import { PLAIN_OUTLOOK } from './policy/outlook.ts';
import type { BrokenLimit } from './refusal.ts';
import type { PlacementRequest } from './request.ts';
import { isPlain, vcpuKinds } from './request.ts';
import type { HostShape } from './host-shape.ts';
import { HOST } from './room/room-layout.ts';
import { Room } from './room/room.ts';
import type { FloatLimit, Takeable } from './shared-pool.ts';
import { floatLimits, isApart, limitsBeside, takeable } from './shared-pool.ts';
import { threadPlaceLimits } from './thread-place.ts';
import { named } from './wording.ts';

/**
 * How a guest is laid out. `bound`: in cells, each vCPU and its memory in one. `spread`: memory in
 * turns over the cells, vCPUs floating over the same. `floating`: in one cell by preference if one
 * carries it, else anywhere.
 */
export type Layout = 'bound' | 'spread' | 'floating';

/** What a request means on one host: every default filled in and every name looked up. */
export interface Frame {
  readonly ledger: Ledger;
  readonly request: PlacementRequest;
  readonly layout: Layout;
  readonly mode: MemoryMode;
  /** 4 for ordinary pages. */
  readonly pageKiB: number;
  readonly huge: boolean;
  /** What memory is cut into: pages of a pool, or MiB. */
  readonly unitBytes: number;
  readonly overheadBytes: number;
  /** How many times a cell's ordinary memory may be bound to it by such a guest. */
  readonly boundRatio: number;
  /** pCPUs that the guest may run on, taken or not: online, not reserved, in its cpuset. */
  readonly usable: BitSet;
  /** Indexes of the cells where its vCPUs may sit. */
  readonly homes: readonly number[];
  /** Indexes of the cells its memory may come from by hand. */
  readonly nodes?: readonly number[];
  /** True where no cell that memory may come from is a home: the memory lies elsewhere. */
  readonly remote: boolean;
  /** What limits floating vCPUs on the host as it is. */
  readonly limits: readonly FloatLimit[];
  readonly takeable: Takeable;
  /** Cores of the cell at that index, with the pCPUs that are free, or `open` (free to be taken). */
  readonly coresAt: (index: number, which: 'free' | 'open') => readonly CoreView[];
  /** What the host can give, in counts. */
  readonly room: Room;
  /** True where counts say everything about the cells that a part of the guest fits. */
  readonly counted: boolean;
}

/** Reads a request against a host. What the host lacks by name is in `broken`, the first first. */
export function frameOf(
  ledger: Ledger,
  request: PlacementRequest,
  room: Room = new Room(ledger, PLAIN_OUTLOOK),
): { readonly frame: Frame; readonly broken: readonly BrokenLimit[] } {
  const { shape, host } = ledger;
  const huge = wantsHuge(ledger, request);
  const layout = layoutOf(ledger, request);
  const usable = usableFor(ledger, request);
  const pageKiB = huge ? (request.pageKiB ?? ORDINARY_PAGE_KIB) : ORDINARY_PAGE_KIB;
  const float = floatBooks(ledger, usable);
  const frame: Frame = {
    ledger,
    request,
    layout,
    mode: request.memoryMode ?? (layout === 'floating' ? 'preferred' : 'strict'),
    pageKiB,
    huge,
    unitBytes: huge ? pageKiB * KIB : MIB,
    overheadBytes: host.policy.overhead === 'none' ? 0 : overheadBytes({ ...request, huge }),
    boundRatio: boundRatioFor(ledger, request),
    usable,
    ...homesFor(ledger, request, usable),
    get limits() {
      return float.limits;
    },
    get takeable() {
      return float.takeable;
    },
    coresAt: coreLooker(ledger, usable, () => (frame.counted ? NO_CPUS : float.takeable.kept)),
    room,
    counted: isCounted(room, shape, request),
  };
  const broken = [...cpusetLimits(frame), ...threadPlaceLimits(frame), ...nodesetLimits(frame)];
  return { frame, broken };
}

/** pCPUs that the request may have on that host, taken or not. */
function usableFor(ledger: Ledger, { cpuset }: PlacementRequest): BitSet {
  const { poolEver, freeEver } = ledger;
  const allowed = isApart(ledger) ? poolEver.or(freeEver) : poolEver;
  return cpuset === undefined ? allowed : allowed.and(new BitSet(cpuset));
}

/** Where its vCPUs may sit, and where its memory may come from by hand. */
function homesFor(
  ledger: Ledger,
  request: PlacementRequest,
  usable: BitSet,
): Pick<Frame, 'homes' | 'nodes' | 'remote'> {
  const { cells } = ledger.shape;
  const ever = everFor(ledger, request);
  const own = request.cpuset === undefined ? ever : usable.and(ever);
  const withCpus = cells.filter(({ cpus }) => cpus.countIn(own) > 0).map(({ index }) => index);
  const nodes = request.nodeset?.flatMap((id) => cells.find((cell) => cell.id === id)?.index ?? []);
  if (nodes === undefined) return { homes: withCpus, remote: false };
  const local = withCpus.filter((index) => nodes.includes(index));
  const remote = local.length === 0;
  return { homes: remote ? withCpus : local, nodes, remote };
}

/**
 * The frame with part of the guest floating in some cells already: what is left there is what its
 * dedicated vCPUs may have.
 * @param cells indexes of the cells that `vcpus` of it float over.
 */
export function besideFloating(frame: Frame, cells: readonly number[], vcpus: number): Frame {
  const { ledger, usable } = frame;
  if (vcpus === 0 || isApart(ledger)) return frame;
  const among = cells.flatMap((index) => ledger.shape.cells[index] ?? []);
  const over = among.reduce((all, { cpus }) => all.or(cpus), new BitSet());
  const own = { vcpus, over: over.and(ledger.pool).and(usable) };
  const limits = limitsBeside(frame.limits, own);
  const spare = takeable(ledger, limits, usable);
  const coresAt = coreLooker(ledger, usable, () => spare.kept);
  return { ...frame, limits, takeable: spare, coresAt };
}

/** Whether no guest is kept to odd pCPUs, and the request and the cores are as plain as counts are. */
function isCounted(room: Room, { cells }: HostShape, request: PlacementRequest): boolean {
  if (!isPlain(request) || room.row[HOST.odd] === 1) return false;
  return request.policy === 'shared' || cells.every((cell) => cell.isEven);
}

/** How that request is laid out on that host. */
export function layoutOf(ledger: Ledger, request: PlacementRequest): Layout {
  const { policy, cells, memoryMode, nodeset } = request;
  if (cells === 'none') return 'floating';
  if (policy !== 'shared' || cells !== 'auto') return 'bound';
  if (memoryMode === 'interleave') return 'spread';
  if (request.pci?.some(({ locality }) => locality === 'required') === true) return 'bound';
  const free = memoryMode === undefined && nodeset === undefined && !wantsHuge(ledger, request);
  return free ? 'floating' : 'bound';
}

/** True where the request asks for pages of a pool; the host's own page size is no such thing. */
export function wantsHuge({ shape }: Ledger, { pageKiB }: PlacementRequest): boolean {
  return pageKiB !== undefined && pageKiB > shape.basePageKiB;
}

/** pCPUs that vCPUs of its kinds can ever have. */
function everFor({ poolEver, freeEver }: Ledger, request: PlacementRequest): BitSet {
  const { dedicated, floating } = vcpuKinds(request);
  if (dedicated === 0) return poolEver;
  return floating === 0 ? freeEver : poolEver.or(freeEver);
}

/** A guest that names its page size, even the ordinary one, means pages that are there. */
export function boundRatioFor({ host }: Ledger, { policy, pageKiB }: PlacementRequest): number {
  return policy === 'shared' && pageKiB === undefined ? (host.policy.boundRatio ?? 1) : 1;
}

/** True for a mode that never lets memory lie elsewhere. */
export function isHard(mode: MemoryMode): boolean {
  return mode === 'strict' || mode === 'restrictive';
}

/** True where the memory is counted for the host as a whole, because its binding is a wish. */
export function isSoft(frame: Frame): boolean {
  return frame.mode === 'preferred' && !frame.huge;
}

/** What floating vCPUs limit, worked out when it is first asked for. */
function floatBooks(ledger: Ledger, usable: BitSet): Pick<Frame, 'limits' | 'takeable'> {
  let limits: readonly FloatLimit[] | undefined;
  let spare: Takeable | undefined;
  return {
    get limits() {
      return (limits ??= floatLimits(ledger));
    },
    get takeable() {
      return (spare ??= takeable(ledger, this.limits, usable));
    },
  };
}

const NO_CPUS = new BitSet();

/** Looks at each cell's cores at most once, as they are asked for again and again. */
function coreLooker(ledger: Ledger, usable: BitSet, keptNow: () => BitSet): Frame['coresAt'] {
  const seen = new Map<string, readonly CoreView[]>();
  return (index, which) => {
    const kept = keptNow();
    const key = kept.isEmpty ? `${index}` : `${index} ${which}`;
    const known = seen.get(key);
    if (known !== undefined) return known;
    const free = which === 'free' ? ledger.free : ledger.free.minus(kept);
    const views = coreViews(ledger.shape.cells[index]?.cores ?? [], free, usable);
    seen.set(key, views);
    return views;
  };
}

function cpusetLimits({ ledger, request, usable }: Frame): readonly BrokenLimit[] {
  const { cpuset } = request;
  if (cpuset === undefined) return [];
  const { host, shape } = ledger;
  const known = new Set([
    ...host.topology.cells.flatMap((cell) => cell.cpus.map((cpu) => cpu.id)),
    ...host.topology.offlineCpus,
  ]);
  const missing = cpuset.filter((id) => !known.has(id));
  const offline = cpuset.filter((id) => known.has(id) && !shape.online.has(id));
  const reserved = cpuset.filter((id) => shape.online.has(id) && !usable.has(id));
  const limit = (
    check: BrokenLimit['check'],
    cpus: readonly number[],
    why: string,
  ): readonly BrokenLimit[] =>
    cpus.length === 0
      ? []
      : [
          {
            check,
            need: formatIntSet(cpuset),
            have: formatIntSet(usable),
            say: `the cpuset names ${named('pCPU', formatIntSet(cpus))}, which ${host.name} ${why}`,
            heldBy: [],
          },
        ];
  return [
    ...limit('cpuset-missing', missing, 'does not have'),
    ...limit('cpuset-offline', offline, 'has offline'),
    ...limit('cpuset-reserved', reserved, 'keeps for itself'),
  ];
}

function nodesetLimits(frame: Frame): readonly BrokenLimit[] {
  const { ledger, request, mode, nodes, remote, homes } = frame;
  const { nodeset } = request;
  if (nodeset === undefined || nodes === undefined) return [];
  const ids = ledger.shape.cells.map((cell) => cell.id);
  const missing = nodeset.filter((id) => !ids.includes(id));
  const broken: BrokenLimit[] = [];
  if (missing.length > 0) {
    broken.push({
      check: 'nodeset-missing',
      need: formatIntSet(nodeset),
      have: formatIntSet(ids),
      say: `the nodeset names ${named('cell', formatIntSet(missing))}, which ${ledger.host.name} does not have`,
      heldBy: [],
    });
  }
  const withCpus = nodes.some((index) => ledger.cells[index]?.hasCpus === true);
  if (remote && withCpus && homes.length > 0 && isHard(mode)) {
    const homeIds = formatIntSet(homes.map((index) => ids[index] ?? 0));
    broken.push({
      check: 'nodeset-cpuset',
      need: formatIntSet(nodeset),
      have: homeIds,
      say: `memory is ${mode} to ${named('cell', formatIntSet(nodeset))} (nodeset), but ${named('pCPU', formatIntSet(request.cpuset ?? frame.usable))} (cpuset) are of ${named('cell', homeIds)}`,
      heldBy: [],
    });
  }
  return broken;
}
