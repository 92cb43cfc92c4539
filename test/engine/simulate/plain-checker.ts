/**
 * Checks a replay from outside: given the workload and the placements as they were written down,
 * counts again what every host and cell gave, in the plainest way, by the words of docs/simulate.md.
 * Nothing of the engine is used here, its types included.
 */

export interface PlainWorkload {
  readonly ratios: { readonly cpu: number; readonly ram: number };
  readonly hosts: readonly {
    readonly name: string;
    readonly count: number;
    readonly cells: readonly {
      readonly cpus: readonly (readonly number[])[];
      readonly shared?: readonly number[];
      readonly memoryMiB: number;
      readonly hugepages: readonly { readonly sizeKiB: number; readonly total: number }[];
    }[];
  }[];
  readonly flavors: readonly PlainFlavor[];
  readonly requests: readonly (readonly [flavor: number, at: number, until: number | null])[];
}

export interface PlainFlavor {
  readonly name: string;
  readonly vcpus: number;
  readonly memoryMiB: number;
  readonly cpuPolicy: string;
  readonly numaNodes: number | null;
  readonly pageSize: string | null;
}

/** A line of the file of placements. */
export interface PlainLine {
  readonly row: number;
  readonly host: string;
  readonly cells: readonly {
    readonly cell: number;
    readonly pcpus: readonly number[];
    readonly memoryMiB: number;
    readonly pageKiB: number;
  }[];
}

interface CellBooks {
  /** Dedicated pCPUs by their row; -1 while they are free. */
  readonly holders: Map<number, number>;
  readonly sharedCpus: number;
  readonly memoryMiB: number;
  /** MiB in each pool and what of it is taken, by KiB of its pages; 4 is the ordinary one. */
  readonly pools: Map<number, { readonly mib: number; taken: number }>;
  floating: number;
  /** MiB of every guest with a layout on the cell. */
  taken: number;
}

interface HostBooks {
  readonly cells: readonly CellBooks[];
  floating: number;
  taken: number;
}

const PAGES: Readonly<Record<string, number>> = { small: 4, '2MB': 2048, '1GB': 1024 * 1024 };

/** What is wrong with the placements; a row that has none was refused, and is tried again. */
export function replayFaults(workload: PlainWorkload, lines: readonly PlainLine[]): string[] {
  const checker = new Checker(workload);
  const byRow = new Map(lines.map((line) => [line.row, line]));
  if (byRow.size < lines.length) checker.faults.push('a row is placed twice');
  for (const row of byRow.keys()) {
    if (workload.requests[row] === undefined) checker.faults.push(`there is no row ${row}`);
  }
  const leavers = workload.requests
    .flatMap(([, , until], row) => (until === null ? [] : [{ until, row }]))
    .toSorted((a, b) => a.until - b.until || a.row - b.row);
  let next = 0;
  for (const [row, [index, at]] of workload.requests.entries()) {
    for (; next < leavers.length; next++) {
      const leaver = leavers[next]!;
      if (leaver.until > at || leaver.row >= row) break;
      const seat = byRow.get(leaver.row);
      if (seat !== undefined) checker.post(seat, -1);
    }
    const flavor = workload.flavors[index]!;
    const line = byRow.get(row);
    if (line === undefined) checker.retry(row, flavor);
    else checker.place(line, flavor);
  }
  return checker.faults;
}

class Checker {
  readonly faults: string[] = [];
  readonly #ratios: PlainWorkload['ratios'];
  readonly #hosts = new Map<string, HostBooks>();
  readonly #flavors: (row: number) => PlainFlavor;

  constructor(workload: PlainWorkload) {
    this.#ratios = workload.ratios;
    this.#flavors = (row) => workload.flavors[workload.requests[row]![0]]!;
    for (const host of workload.hosts) {
      for (let i = 0; i < host.count; i++) {
        const cells = host.cells.map(booksOf);
        const name = `${host.name}-${String(i).padStart(4, '0')}`;
        this.#hosts.set(name, { cells, floating: 0, taken: 0 });
      }
    }
  }

  /** Holds a placement against the state it met, then enters it. */
  place(line: PlainLine, flavor: PlainFlavor): void {
    const host = this.#hosts.get(line.host);
    const wrong = (problem: string): number => this.faults.push(`row ${line.row}: ${problem}`);
    if (host === undefined) {
      wrong(`there is no host ${line.host}`);
      return;
    }
    if (!this.#hostTakes(host, flavor)) wrong(`${line.host} as a whole is overcommitted`);
    const parts = hasLayout(flavor) ? (flavor.numaNodes ?? 1) : 0;
    if (line.cells.length !== parts) wrong(`it has ${line.cells.length} cells instead of ${parts}`);
    if (new Set(line.cells.map(({ cell }) => cell)).size < line.cells.length) {
      wrong('a cell is given twice');
    }
    for (const share of line.cells) {
      const cell = host.cells[share.cell];
      if (cell === undefined) {
        wrong(`there is no cell ${share.cell}`);
        continue;
      }
      for (const problem of shareFaults(share, cell, flavor, parts)) wrong(problem);
      if (!this.#cellTakes(cell, flavor)) wrong(`cell ${share.cell} is overcommitted`);
    }
    this.post(line, 1);
  }

  /** A refusal must be right: no host takes the guest now. */
  retry(row: number, flavor: PlainFlavor): void {
    for (const [name, host] of this.#hosts) {
      if (!this.#fits(host, flavor)) continue;
      this.faults.push(`row ${row}: ${flavor.name} is refused, and fits ${name}`);
      return;
    }
  }

  post(line: PlainLine, sign: 1 | -1): void {
    const host = this.#hosts.get(line.host);
    if (host === undefined) return;
    const flavor = this.#flavors(line.row);
    const isShared = flavor.cpuPolicy === 'shared';
    host.taken += sign * flavor.memoryMiB;
    if (isShared) host.floating += sign * flavor.vcpus;
    for (const share of line.cells) {
      const cell = host.cells[share.cell];
      if (cell === undefined) continue;
      cell.taken += sign * share.memoryMiB;
      if (isShared) cell.floating += sign * (flavor.vcpus / line.cells.length);
      for (const cpu of share.pcpus) cell.holders.set(cpu, sign === 1 ? line.row : -1);
      const pool = cell.pools.get(share.pageKiB);
      if (pool !== undefined) pool.taken += sign * share.memoryMiB;
    }
  }

  #fits(host: HostBooks, flavor: PlainFlavor): boolean {
    if (!this.#hostTakes(host, flavor)) return false;
    if (!hasLayout(flavor)) return true;
    const able = host.cells.filter((cell) => this.#cellTakes(cell, flavor));
    return able.length >= (flavor.numaNodes ?? 1);
  }

  #hostTakes(host: HostBooks, { cpuPolicy, vcpus, memoryMiB }: PlainFlavor): boolean {
    const whole = sum(host.cells.map((cell) => cell.memoryMiB));
    if (memoryMiB > whole || host.taken + memoryMiB > this.#ratios.ram * whole) return false;
    if (cpuPolicy !== 'shared') return true;
    const shared = sum(host.cells.map((cell) => cell.sharedCpus));
    return vcpus <= shared && host.floating + vcpus <= this.#ratios.cpu * shared;
  }

  #cellTakes(cell: CellBooks, flavor: PlainFlavor): boolean {
    const parts = flavor.numaNodes ?? 1;
    const vcpus = flavor.vcpus / parts;
    const mib = flavor.memoryMiB / parts;
    const isShared = flavor.cpuPolicy === 'shared';
    if (isShared && cell.floating + vcpus > this.#ratios.cpu * cell.sharedCpus) return false;
    if (!isShared && [...cell.holders.values()].filter((row) => row === -1).length < vcpus) {
      return false;
    }
    if (flavor.pageSize !== null) {
      const pool = cell.pools.get(PAGES[flavor.pageSize]!);
      return pool !== undefined && pool.taken + mib <= pool.mib;
    }
    return cell.taken + mib <= (isShared ? this.#ratios.ram : 1) * cell.memoryMiB;
  }
}

function booksOf(cell: PlainWorkload['hosts'][number]['cells'][number]): CellBooks {
  const shared = new Set(cell.shared);
  const own = cell.cpus.flat().filter((cpu) => !shared.has(cpu));
  const huge = cell.hugepages.map(
    ({ sizeKiB, total }) => [sizeKiB, { mib: (sizeKiB * total) / 1024, taken: 0 }] as const,
  );
  const ordinary = cell.memoryMiB - sum(huge.map(([, pool]) => pool.mib));
  return {
    holders: new Map(own.map((cpu) => [cpu, -1])),
    sharedCpus: shared.size,
    memoryMiB: cell.memoryMiB,
    pools: new Map([[4, { mib: ordinary, taken: 0 }], ...huge]),
    floating: 0,
    taken: 0,
  };
}

/** What is wrong with what one cell gives, besides how much of it there is. */
function shareFaults(
  share: PlainLine['cells'][number],
  { holders }: CellBooks,
  flavor: PlainFlavor,
  parts: number,
): string[] {
  const faults: string[] = [];
  const need = flavor.cpuPolicy === 'dedicated' ? flavor.vcpus / parts : 0;
  if (share.pcpus.length !== need) faults.push(`${share.pcpus.length} pCPUs instead of ${need}`);
  if (new Set(share.pcpus).size < share.pcpus.length) faults.push('one pCPU for two vCPUs');
  for (const cpu of share.pcpus) {
    const holder = holders.get(cpu);
    if (holder === undefined) faults.push(`pCPU ${cpu} is no dedicated one of cell ${share.cell}`);
    else if (holder !== -1) faults.push(`pCPU ${cpu} is row ${holder}'s`);
  }
  const pageKiB = flavor.pageSize === null ? 4 : PAGES[flavor.pageSize]!;
  if (share.pageKiB !== pageKiB) faults.push(`pages of ${share.pageKiB} KiB, not ${pageKiB}`);
  if (share.memoryMiB !== flavor.memoryMiB / parts) {
    faults.push(`${share.memoryMiB} MiB instead of ${flavor.memoryMiB / parts}`);
  }
  return faults;
}

function hasLayout({ cpuPolicy, numaNodes, pageSize }: PlainFlavor): boolean {
  return cpuPolicy === 'dedicated' || numaNodes !== null || pageSize !== null;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
