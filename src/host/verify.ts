import { formatIntSet } from '../base/int-set.ts';
import type { Placement } from '../model/placement.ts';

/** One way in which reality is not as planned. */
export interface Difference {
  readonly what: string;
  readonly planned: string;
  readonly actual: string;
  /** libvirt's answer, or the kernel's own state of the thread. */
  readonly source: 'libvirt' | 'kernel';
}

/** What was compared, and what differs; a check that could not be made is not listed as made. */
export interface Verified {
  readonly ok: boolean;
  readonly checked: readonly string[];
  readonly differences: readonly Difference[];
  /** What no source could tell, and why: it may be as planned or not. */
  readonly unknown: readonly string[];
}

/** What the sources tell, and what they could not. */
export interface Actual {
  readonly seats: readonly ActualSeat[];
  readonly unknown: readonly string[];
}

/** Who may run where, and where memory comes from, as one source tells it. Absent: not told. */
export interface ActualSeat {
  readonly source: 'libvirt' | 'kernel';
  /** By vCPU number. */
  readonly vcpus: ReadonlyMap<number, readonly number[]>;
  readonly emulator?: readonly number[];
  /** By number of the I/O thread. */
  readonly ioThreads?: ReadonlyMap<number, readonly number[]>;
  /** libvirt's memory mode and cells. */
  readonly memoryMode?: string;
  readonly memoryCells?: readonly number[];
  /** libvirt's binding of each guest cell that has one of its own. */
  readonly guestCells?: readonly {
    readonly id: number;
    readonly mode: string;
    readonly hostCells: readonly number[];
  }[];
  /** Size of the pages behind the guest's memory; 4 for ordinary ones. */
  readonly pageKiB?: number;
}

/** Holds what really is against the plan. Pure. */
export function verifySeat(placement: Placement, { seats, unknown }: Actual): Verified {
  const results = seats.map((seat) => compare(placement, seat));
  const differences = results.flatMap((result) => result.differences);
  return {
    ok: differences.length === 0,
    checked: results.flatMap((result) => result.checked),
    differences,
    unknown,
  };
}

function compare(
  placement: Placement,
  actual: ActualSeat,
): { checked: readonly string[]; differences: readonly Difference[] } {
  const { source } = actual;
  const expected: [what: string, planned: string, actual: string | undefined][] = [
    ...placement.vcpus.map((seat): [string, string, string | undefined] => [
      `vcpu ${seat.vcpu} affinity`,
      formatIntSet(seat.pcpus),
      setText(actual.vcpus.get(seat.vcpu)),
    ]),
    ['emulator affinity', formatIntSet(placement.emulator), setText(actual.emulator)],
    ...(placement.ioThreads ?? []).map((seat): [string, string, string | undefined] => [
      `I/O thread ${seat.id} affinity`,
      formatIntSet(seat.pcpus),
      setText(actual.ioThreads?.get(seat.id)),
    ]),
  ];
  if (placement.memoryMode !== undefined) {
    const cells = placement.memory.flatMap((share) => share.cell ?? []);
    expected.push(
      ['memory mode', placement.memoryMode, actual.memoryMode],
      ['memory cells', formatIntSet(cells), setText(actual.memoryCells)],
      ...guestCellBindings(placement, actual),
    );
  }
  const pages = placement.memory[0]?.pageKiB ?? 4;
  expected.push(['page size', `${pages} KiB`, kibText(actual.pageKiB)]);
  const told = expected.filter(([, , found]) => found !== undefined);
  return {
    checked: told.map(([what]) => `${what} (${source})`),
    differences: told.flatMap(([what, planned, found = '']) =>
      planned === found ? [] : [{ what, planned, actual: found, source }],
    ),
  };
}

/** Guest memory that is interleaved lies on all cells alike: its guest cells have no binding. */
function guestCellBindings(
  { guestCells, memoryMode }: Placement,
  actual: ActualSeat,
): [what: string, planned: string, actual: string | undefined][] {
  const told = actual.guestCells;
  if (told === undefined || memoryMode === undefined || memoryMode === 'interleave') return [];
  return guestCells.map(({ id, hostCell }) => {
    const found = told.find((cell) => cell.id === id);
    const bound = found === undefined ? 'none' : `${found.mode} ${formatIntSet(found.hostCells)}`;
    return [`memory of guest cell ${id}`, `${memoryMode} ${hostCell}`, bound];
  });
}

function kibText(size: number | undefined): string | undefined {
  return size === undefined ? undefined : `${size} KiB`;
}

function setText(set: readonly number[] | undefined): string | undefined {
  return set === undefined ? undefined : formatIntSet(set);
}
