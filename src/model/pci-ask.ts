import type { PciFunction } from './topology.ts';

/** PCI functions by what they are, in the kernel's own numbers: 0x8086, 0x1592, 0x020000. */
export interface PciMatch {
  readonly vendor: string;
  readonly device: string;
  readonly class?: string;
}

/**
 * PCI functions of a host under one name, which stands for what they are good for: the physical
 * network that a NIC is plugged into, say. Both may be given; either suffices.
 */
export interface PciPool {
  readonly match?: PciMatch;
  readonly addresses?: readonly string[];
}

/**
 * How near a function is to be. `required`: on a cell of the guest; `preferred`: there as far as can
 * be; `any`: it makes no difference.
 */
export type PciLocality = 'required' | 'preferred' | 'any';

/** PCI functions that a VM is given: by the name of a pool, or by what they are. */
export interface PciAsk {
  readonly pool?: string;
  readonly match?: PciMatch;
  /** 1 to 64. */
  readonly count: number;
  readonly locality: PciLocality;
}

/** Whether a function is one of those that are asked for, on a host with those pools. */
export function answersAsk(
  ask: PciAsk,
  pci: PciFunction,
  pools: Readonly<Record<string, PciPool>> = {},
): boolean {
  if (ask.match !== undefined) return matches(ask.match, pci);
  const pool = ask.pool !== undefined && Object.hasOwn(pools, ask.pool) ? pools[ask.pool] : {};
  const isNamed = pool?.addresses?.includes(pci.address) === true;
  return isNamed || (pool?.match !== undefined && matches(pool.match, pci));
}

/** "net1", or "0x8086:0x1592". */
export function askName({ pool, match }: PciAsk): string {
  return pool ?? `${match?.vendor ?? ''}:${match?.device ?? ''}`;
}

/** Contradictions in what is asked for, by its place in the list. */
export function pciProblems(
  asks: readonly PciAsk[],
  cells: unknown,
): readonly { where: string; problem: string }[] {
  return asks.flatMap((ask, index) => {
    const where = `spec.pci[${index}]`;
    if ((ask.pool === undefined) === (ask.match === undefined)) {
      return [{ where, problem: 'give either pool or match' }];
    }
    return cells === 'none' && ask.locality === 'required'
      ? [{ where, problem: 'locality required needs a cell, but spec.numa.cells is none' }]
      : [];
  });
}

function matches(match: PciMatch, pci: PciFunction): boolean {
  const isKind = match.vendor === pci.vendor && match.device === pci.device;
  return isKind && (match.class === undefined || match.class === pci.class);
}
