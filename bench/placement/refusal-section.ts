import { GIB } from '../../src/base/units.ts';
import { Fleet } from '../../src/engine/fleet/fleet.ts';
import { fitsHost, placeOnHost } from '../../src/engine/place-on-host.ts';
import type { PlacementRequest } from '../../src/engine/request.ts';
import { ask } from '../../test/engine/requests.ts';
import { syntheticHost, syntheticSeat } from '../../test/engine/synthetic-host.ts';
import type { BenchTable, TableOptions } from '../table.ts';
import { NOVA_REFUSAL_US } from './peers.ts';

const CELLS = 8;
const CORES = 16;
const VCPUS_PER_CELL = 4;
const TIMES = 3_000;
const QUICK_TIMES = 300;

/** Full but for a few pCPUs: the cell that a guest of all eight cells lacks. */
const TAKEN = Array.from({ length: CORES - 1 }, (_, core) => (CELLS - 1) * CORES + core);

/** What a refusal costs beside an acceptance, where a guest of all cells lacks one. */
export async function* refusalTables({ isQuick, tell }: TableOptions): AsyncGenerator<BenchTable> {
  const times = isQuick ? QUICK_TIMES : TIMES;
  tell('refusal: a guest of 8 cells where 7 fit');
  const [eight, seven] = [new Subject(CELLS), new Subject(CELLS - 1)];
  const rows = WAYS.map(({ what, run }) => {
    const cells = [eight, seven].flatMap((subject) => timed(subject, run, times));
    return [what, ...cells];
  });
  yield {
    section: 'refusal',
    title: `A guest of ${CELLS} cells, refused where 7 fit, and one of 7 cells, placed`,
    columns: ['asked', 'refused: p50 µs', 'p99 µs', 'placed: p50 µs', 'p99 µs'],
    rows: [
      ...rows,
      ['Nova 26, as published with the workloads', NOVA_REFUSAL_US, null, null, null],
    ],
    notes: [
      `One host of ${CELLS} cells with ${CORES} cores of two threads each; the last cell has two pCPUs left, a guest wants ${VCPUS_PER_CELL} on each of its cells. ${times.toLocaleString('en')} times each; before each, another guest comes to the host or leaves it, so that nothing is known from the time before.`,
    ],
  };
}

/** A fleet of that host, and a guest of so many cells. */
class Subject {
  readonly request: PlacementRequest;
  readonly fleet = new Fleet([
    syntheticHost({
      name: 'h1',
      sockets: 2,
      cellsPerSocket: CELLS / 2,
      coresPerCell: CORES,
      threads: 2,
      cellBytes: 64 * GIB,
      seats: [
        syntheticSeat('old', {
          dedicated: [...TAKEN, ...TAKEN.map((cpu) => CELLS * CORES + cpu)],
        }),
      ],
    }),
  ]);

  constructor(cells: number) {
    this.request = ask({
      cells,
      vcpus: cells * VCPUS_PER_CELL,
      memoryBytes: cells * 8 * GIB,
    });
  }

  /** Lets the guest that comes and goes do the one or the other. */
  stir(): void {
    if (this.fleet.hostOf('uuid-stir') !== undefined) this.fleet.leave('uuid-stir');
    else this.fleet.enter('h1', syntheticSeat('stir', { dedicated: [0, CELLS * CORES] }));
  }
}

/** Each says whether the guest was placed. */
const WAYS: readonly { readonly what: string; readonly run: (subject: Subject) => boolean }[] = [
  {
    what: 'whether it fits the host (`fitsHost`)',
    run: ({ fleet, request }) => fitsHost(fleet.ledger('h1'), request),
  },
  {
    what: 'the best place (`Fleet.find`), written down',
    run: ({ fleet, request }) => fleet.find(request)?.write('brief') !== undefined,
  },
  {
    what: 'the host, with every limit broken (`placeOnHost`)',
    run: ({ fleet, request }) => {
      const verdict = placeOnHost(fleet.ledger('h1'), request);
      return verdict.ok && verdict.write('brief') !== undefined;
    },
  },
  {
    what: 'all of it, with the smallest changes (`Fleet.place`)',
    run: ({ fleet, request }) => fleet.place(request).ok,
  },
];

/** Microseconds: the middle, and that which 99 of 100 stay below. */
function timed(
  subject: Subject,
  run: (subject: Subject) => boolean,
  times: number,
): readonly number[] {
  const isPlaced = subject.request.cells !== CELLS;
  const took = Float64Array.from({ length: times * 2 }, () => {
    subject.stir();
    const from = performance.now();
    const placed = run(subject);
    const ms = performance.now() - from;
    if (placed !== isPlaced) throw new Error(`placed: ${placed}, expected: ${isPlaced}`);
    return ms * 1000;
  });
  const sorted = took.subarray(times).toSorted(); // the first half warms up
  return [0.5, 0.99].map((share) => sorted[Math.floor(share * (times - 1))] ?? 0);
}
