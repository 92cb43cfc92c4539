import { formatIntSet } from '../../base/int-set.ts';
import { formatSize } from '../../base/units.ts';
import { ledgerOf, roomBytes } from '../../engine/ledger.ts';
import type { Ledger } from '../../engine/ledger.ts';
import type { HostSnapshot, Seat } from '../../model/host.ts';
import { ORDINARY_PAGE_KIB } from '../../model/placement.ts';

/** More is taken of a host than it has: by domains that were started past Berth, or since it shrank. */
export interface Conflict {
  readonly kind: 'pcpus' | 'memory' | 'pages';
  /** The host cell that it is about; absent: the host as a whole. */
  readonly cell?: number;
  /** pCPUs that are somebody's own and another's as well. */
  readonly pcpus?: readonly number[];
  /** The VMs and domains that it is between, by name, ascending. */
  readonly vms: readonly string[];
  readonly say: string;
}

/**
 * Everything on a host of which more is taken than there is; empty for every host on which only Berth
 * starts guests. Pure.
 */
export function conflictsOf(host: HostSnapshot): readonly Conflict[] {
  const ledger = ledgerOf(host);
  return [...pcpuConflicts(host), ...memoryConflicts(ledger), ...pageConflicts(ledger)];
}

/** A dedicated pCPU on which another guest is pinned, or runs together with few others. */
function pcpuConflicts({ seats }: HostSnapshot): readonly Conflict[] {
  const owners = new Map<number, Seat[]>();
  for (const seat of seats) {
    for (const cpu of seat.dedicated) owners.set(cpu, [...(owners.get(cpu) ?? []), seat]);
  }
  const shared = new Map<string, { readonly vms: readonly string[]; readonly pcpus: number[] }>();
  for (const [cpu, own] of owners) {
    const users = [...own, ...seats.filter((seat) => floatsOver(seat, cpu) && !own.includes(seat))];
    if (users.length < 2) continue;
    const vms = users.map(({ vm }) => vm).toSorted();
    const known = shared.get(vms.join('\n')) ?? { vms, pcpus: [] };
    shared.set(vms.join('\n'), { vms, pcpus: [...known.pcpus, cpu] });
  }
  return Array.from(shared.values(), ({ vms, pcpus }) => ({
    kind: 'pcpus' as const,
    pcpus: pcpus.toSorted((a, b) => a - b),
    vms,
    say: `pCPUs ${formatIntSet(pcpus)} belong to one of them alone, and are used by ${vms.join(' and ')}`,
  }));
}

/** Guests of Berth's follow the shared pool, and leave what has become dedicated. */
function floatsOver({ managed, running, floating }: Seat, cpu: number): boolean {
  return !managed && running && floating.over?.includes(cpu) === true;
}

function memoryConflicts(ledger: Ledger): readonly Conflict[] {
  const ratio = ledger.host.policy.boundRatio ?? 1;
  return ledger.cells.flatMap((cell) => {
    const missing = -roomBytes(cell, ratio);
    if (missing <= 0) return [];
    const vms = holders(ledger, cell.id, ORDINARY_PAGE_KIB);
    const say = `${formatSize(missing)} more memory is bound to cell ${cell.id} than guests may have there`;
    return [{ kind: 'memory' as const, cell: cell.id, vms, say }];
  });
}

/** Guests that do not run yet will find too few pages. */
function pageConflicts(ledger: Ledger): readonly Conflict[] {
  return ledger.cells.flatMap((cell) =>
    cell.pools.flatMap((pool) => {
      const { sizeKiB, total, claimed, free, pending } = pool;
      const missing = Math.max(claimed - total, pending - free);
      if (missing <= 0) return [];
      const vms = holders(ledger, cell.id, sizeKiB);
      const pages = `${missing} pages of ${formatSize(sizeKiB * 1024)}`;
      const say = `cell ${cell.id} lacks ${pages} for the guests that are placed there`;
      return [{ kind: 'pages' as const, cell: cell.id, vms, say }];
    }),
  );
}

function holders({ seats }: Ledger, cell: number, pageKiB: number): readonly string[] {
  const own = [...seats.values()].filter(({ memory }) =>
    memory.some((share) => share.cell === cell && share.pageKiB === pageKiB),
  );
  return own.map(({ vm }) => vm).toSorted();
}
