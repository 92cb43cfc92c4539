import type { Seat } from '../../model/host.ts';
import { ORDINARY_PAGE_KIB } from '../../model/placement.ts';

/** A kind of guest that is reckoned with: what each of its parts wants of a cell. */
export interface GuestKind {
  readonly policy: 'shared' | 'dedicated';
  /** Guest cells; 0 where it is bound to none and only the host counts. */
  readonly cells: number;
  /** vCPUs and bytes of one part: of the whole guest where it has no cells. */
  readonly vcpus: number;
  readonly bytes: number;
  /** 4 for ordinary pages. */
  readonly pageKiB: number;
}

/** A kind of guest and how often it is asked for. */
export interface SeenKind extends GuestKind {
  /** 0 to 1; the shares of all kinds are 1 together. */
  readonly share: number;
}

/** A kind of guest and what room for one of them is worth. */
export interface PricedKind extends GuestKind {
  /** More than 0; what is worth more is given away later. */
  readonly price: number;
}

/**
 * What kinds of guest there have been, which is how Berth guesses what will be asked for. Counts
 * only rise: a guest that is gone was asked for all the same.
 */
export class Demand {
  readonly #counts = new Map<string, { readonly kind: GuestKind; count: number }>();
  #seen = 0;

  /** How many guests were seen. */
  get seen(): number {
    return this.#seen;
  }

  /** Counts a guest that has a seat. */
  see(seat: Seat): void {
    const kind = kindOf(seat);
    if (kind === undefined) return;
    const key = `${kind.policy} ${kind.cells} ${kind.vcpus} ${kind.bytes} ${kind.pageKiB}`;
    const entry = this.#counts.get(key);
    if (entry === undefined) this.#counts.set(key, { kind, count: 1 });
    else entry.count++;
    this.#seen++;
  }

  /**
   * The kinds that ask for most vCPUs, with their shares of all guests that were seen; the others
   * are left out. The order depends on the guests seen alone.
   */
  kinds(): readonly SeenKind[] {
    const weighed = [...this.#counts].map(([key, { kind, count }]) => ({
      key,
      kind,
      count,
      weight: count * kind.vcpus * Math.max(1, kind.cells),
    }));
    const top = weighed
      .toSorted((a, b) => b.weight - a.weight || (a.key < b.key ? -1 : 1))
      .slice(0, KINDS_MAX);
    const sum = top.reduce((total, { count }) => total + count, 0);
    return top.map(({ kind, count }) => ({ ...kind, share: count / sum }));
  }
}

/** Kinds beyond these ask for next to nothing, and each costs time with every decision. */
const KINDS_MAX = 24;

function kindOf({ dedicated, floating, memory, overheadBytes }: Seat): GuestKind | undefined {
  const policy = dedicated.length > 0 ? 'dedicated' : 'shared';
  const vcpus = policy === 'dedicated' ? dedicated.length : floating.vcpus;
  if (vcpus === 0) return undefined;
  const pageKiB = memory[0]?.pageKiB ?? ORDINARY_PAGE_KIB;
  const own = pageKiB === ORDINARY_PAGE_KIB ? overheadBytes : 0;
  const bytes = memory.reduce((sum, share) => sum + share.bytes, own);
  const cells = new Set(memory.flatMap(({ cell }) => cell ?? [])).size;
  const parts = Math.max(1, cells);
  return {
    policy,
    cells,
    vcpus: Math.ceil(vcpus / parts),
    bytes: Math.max(1, Math.ceil(bytes / parts)), // nobody has none: it is not known
    pageKiB,
  };
}
