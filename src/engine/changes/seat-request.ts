import type { Seat } from '../../model/host.ts';
import type { AffinityRule, PlacementRules } from '../../model/relation.ts';
import type { GuestCellSpec } from '../../model/vm-spec.ts';
import { ORDINARY_PAGE_KIB } from '../../model/placement.ts';
import type { Ledger } from '../ledger.ts';
import type { PlacementRequest } from '../request.ts';

/**
 * Whether a VM can be moved: Berth manages it, it has no PCI functions of its host, and its seat says
 * enough to place it anew.
 */
export function isMovable(seat: Seat): boolean {
  return seat.managed && (seat.pci ?? []).length === 0 && isWhole(seat);
}

/**
 * What a VM would ask for if it were placed anew, as its seat tells: the same pCPUs in number, whole
 * cores where it has whole cores, the same memory in as many cells. Undefined where the seat says too
 * little.
 */
export function requestOfSeat(ledger: Ledger, seat: Seat): PlacementRequest | undefined {
  const [pageKiB = ORDINARY_PAGE_KIB] = seat.memory.map((share) => share.pageKiB);
  if (!isWhole(seat)) return undefined;
  return {
    name: seat.vm,
    vcpus: seat.dedicated.length + seat.floating.vcpus,
    ...policyOf(seat),
    threads: hasWholeCores(ledger, seat) ? 'require' : 'prefer',
    emulator: 'share',
    memoryBytes: bytesOf(seat),
    ...(pageKiB > ORDINARY_PAGE_KIB ? { pageKiB } : {}),
    cells: cellsOf(ledger, seat),
    ...rulesOfSeat(seat),
  };
}

/** It has vCPUs, and memory in pages of one size. */
function isWhole({ dedicated, floating, memory }: Seat): boolean {
  const [first] = memory;
  return (
    dedicated.length + floating.vcpus > 0 &&
    memory.some(({ bytes }) => bytes > 0) &&
    memory.every(({ pageKiB }) => pageKiB === first?.pageKiB)
  );
}

function policyOf({
  dedicated,
  floating,
}: Seat): Pick<PlacementRequest, 'policy' | 'dedicatedVcpus'> {
  if (dedicated.length === 0) return { policy: 'shared' };
  if (floating.vcpus === 0) return { policy: 'dedicated' };
  return { policy: 'mixed', dedicatedVcpus: dedicated.map((_, index) => index) };
}

/** The guest's memory. */
export function bytesOf({ memory }: Seat): number {
  return memory.reduce((sum, share) => sum + share.bytes, 0);
}

/** What the VM asks about hosts and other VMs, as far as its seat tells. */
function rulesOfSeat({
  labels,
  keepsAway = [],
  asks,
}: Seat): PlacementRules & Pick<PlacementRequest, 'hosts' | 'labels'> {
  const antiAffinity = keepsAway.map((rule): AffinityRule => ({ ...rule, hard: true }));
  return {
    hosts: [],
    ...(labels === undefined ? {} : { labels }),
    ...(antiAffinity.length === 0 ? {} : { antiAffinity }),
    ...asks,
  };
}

/** Its pCPUs are cores of several threads each, whole. */
function hasWholeCores({ shape }: Ledger, { dedicated }: Seat): boolean {
  if (shape.threads === 1 || dedicated.length === 0) return false;
  const own = new Set(dedicated);
  const cores = shape.cells.flatMap((cell) => cell.cores);
  const whole = cores.filter(
    ({ cpus }) => cpus.length === shape.threads && cpus.every((cpu) => own.has(cpu)),
  );
  return whole.length * shape.threads === own.size;
}

/** As many guest cells as it has host cells, each with the vCPUs and memory that it has there. */
function cellsOf(ledger: Ledger, { dedicated, floating, memory }: Seat): PlacementRequest['cells'] {
  const bound = memory.flatMap(({ cell, bytes }) => (cell === undefined ? [] : [{ cell, bytes }]));
  if (dedicated.length === 0 || floating.vcpus > 0) {
    return bound.length === 0 ? 'auto' : Math.min(bound.length, dedicated.length + floating.vcpus);
  }
  const cells: GuestCellSpec[] = [];
  for (const { id, cpus } of ledger.shape.cells) {
    const count = dedicated.filter((cpu) => cpus.has(cpu)).length;
    const bytes = bound.filter(({ cell }) => cell === id).reduce((sum, b) => sum + b.bytes, 0);
    const first = cells.reduce((sum, cell) => sum + cell.cpus.length, 0);
    if (count === 0 && bytes === 0) continue;
    // Memory apart from the pCPUs, or none with them: Berth cuts it as it likes.
    if (count === 0 || bytes === 0) return 'auto';
    cells.push({ cpus: Array.from({ length: count }, (_, i) => first + i), memoryBytes: bytes });
  }
  return cells.length > 1 ? cells : 1;
}
