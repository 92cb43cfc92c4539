import { formatIntSet } from '../../../src/base/int-set.ts';
import { KIB } from '../../../src/base/units.ts';
import { machineTopology } from '../../../src/model/machine.ts';
import type { MachineDescription } from '../../../src/model/machine.ts';
import type { Cell, HostTopology } from '../../../src/model/topology.ts';
import { el, renderXml } from '../../../src/xml/index.ts';
import type { ElementDraft } from '../../../src/xml/index.ts';

/** Memory of one page size that a guest holds of one cell, or of whichever has it. */
export interface HeldMemory {
  readonly cell: number | undefined;
  readonly bytes: number;
  readonly pageKiB: number;
}

/** A machine's memory as guests come and go, and what libvirt tells of the machine. */
export class SimulatedMachine {
  readonly topology: HostTopology;
  readonly capabilities: string;
  readonly #held = new Map<string, readonly HeldMemory[]>();

  constructor(description: MachineDescription, hostUuid: string) {
    this.topology = machineTopology(description);
    this.capabilities = renderXml(capabilitiesOf(this.topology, hostUuid));
  }

  /** Gives a guest its memory. @returns false, and nothing is held, where that is not there. */
  take(guest: string, memory: readonly HeldMemory[]): boolean {
    this.#held.set(guest, memory);
    const isThere = this.topology.cells.every(({ id, pages }) =>
      pages.every(({ sizeKiB }) => this.#freeBytes(id, sizeKiB) >= 0),
    );
    if (!isThere) this.#held.delete(guest);
    return isThere;
  }

  give(guest: string): void {
    this.#held.delete(guest);
  }

  /** Free ordinary memory of a cell, in bytes. */
  freeBytes(cell: number): number {
    return Math.max(0, this.#freeBytes(cell, 4));
  }

  freePages(cell: number, sizeKiB: number): number {
    return Math.max(0, Math.floor(this.#freeBytes(cell, sizeKiB) / (sizeKiB * KIB)));
  }

  #freeBytes(id: number, sizeKiB: number): number {
    const pages = this.topology.cells
      .find((cell) => cell.id === id)
      ?.pages.find((pool) => pool.sizeKiB === sizeKiB);
    const all = [...this.#held.values()].flat().filter(({ pageKiB }) => pageKiB === sizeKiB);
    const here = all.filter(({ cell }) => cell === id);
    const sum = here.reduce((total, { bytes }) => total + bytes, 0);
    return (pages?.free ?? 0) * sizeKiB * KIB - sum;
  }
}

function capabilitiesOf(topology: HostTopology, hostUuid: string): ElementDraft {
  const cells = topology.cells.map((cell) => cellOf(cell, topology));
  return el(
    'capabilities',
    {},
    el(
      'host',
      {},
      el('uuid', {}, hostUuid),
      el('cpu', {}, el('arch', {}, topology.arch)),
      el('topology', {}, el('cells', { num: cells.length }, ...cells)),
    ),
    el(
      'guest',
      {},
      el('os_type', {}, 'hvm'),
      el('arch', { name: topology.arch }, el('domain', { type: 'kvm' })),
    ),
  );
}

function cellOf(cell: Cell, { cells }: HostTopology): ElementDraft {
  const siblings = cells.map(({ id }, at) =>
    el('sibling', { id, value: cell.distances[at] ?? 10 }),
  );
  const cpus = cell.cpus.map(({ id, socket, die, core, siblings: threads }) =>
    el('cpu', {
      id,
      socket_id: socket,
      die_id: die,
      core_id: core,
      siblings: formatIntSet(threads),
    }),
  );
  return el(
    'cell',
    { id: cell.id },
    el('memory', { unit: 'KiB' }, cell.memoryBytes / KIB),
    ...cell.pages.map(({ sizeKiB, total }) => el('pages', { unit: 'KiB', size: sizeKiB }, total)),
    el('distances', {}, ...siblings),
    el('cpus', { num: cpus.length }, ...cpus),
  );
}
