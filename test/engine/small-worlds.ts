import * as fc from 'fast-check';
import { KIB, MIB } from '../../src/base/units.ts';
import type { PlacementRequest } from '../../src/engine/request.ts';
import type { HostSnapshot, Seat } from '../../src/model/host.ts';
import { onlineCpus } from '../../src/model/topology.ts';
import { SYNTHETIC_PCI, syntheticHost, syntheticSeat } from './synthetic-host.ts';

/** The only huge page size of small hosts. */
export const SMALL_PAGE_KIB = 64 * KIB;

/** Hosts small enough to try everything on: up to 3 cells of 4 cores, some of it taken. */
export const smallHost: fc.Arbitrary<HostSnapshot> = fc
  .record({
    cells: fc.integer({ min: 1, max: 3 }),
    coresPerCell: fc.constantFrom(1, 2, 3, 4),
    threads: fc.constantFrom(1, 2, 2, 2),
    perL3: fc.constantFrom(1, 2, 4),
    numbering: fc.constantFrom('split' as const, 'adjacent' as const),
    cellMiB: fc.constantFrom(450, 700, 1500, 3000),
    pages: fc.constantFrom(0, 4, 5, 6),
    freeLess: fc.integer({ min: 0, max: 1 }),
    offline: fc.constantFrom([], [], [], [], [2], [1, 6]),
    reservedCpus: fc.constantFrom([], [], [], [0], [1, 5]),
    reservedMiB: fc.constantFrom(0, 0, 0, 100, 1000),
    cpuRatio: fc.constantFrom(1, 1.5, 4),
    ramRatio: fc.constantFrom(0.7, 1, 1, 1.5),
    memoryOnly: fc.constantFrom([], [], [500 * MIB]),
    pciPerCell: fc.constantFrom([], [2, 2, 2], [0, 4, 2], [3, 1, 1]),
    sharedCpus: fc.constantFrom(undefined, undefined, undefined, [0, 2, 3], [1, 4, 5, 6, 9, 12]),
    counting: fc.constantFrom(
      {},
      {},
      { ramCounts: 'all', overhead: 'none' } as const,
      { boundRatio: 1.5, guestWidth: 'host' } as const,
    ),
  })
  .map((shape) => {
    const host = syntheticHost({
      cellsPerSocket: shape.cells,
      coresPerCell: shape.coresPerCell,
      threads: shape.threads,
      coresPerL3: Math.min(shape.perL3, shape.coresPerCell),
      numbering: shape.numbering,
      cellBytes: shape.cellMiB * MIB,
      pools: [
        {
          sizeKiB: SMALL_PAGE_KIB,
          total: shape.pages,
          free: Math.max(0, shape.pages - shape.freeLess),
        },
      ],
      memoryOnly: shape.memoryOnly,
      pciPerCell: shape.pciPerCell,
      offline: shape.offline,
      policy: {
        reservedCpus: shape.reservedCpus,
        reservedBytes: shape.reservedMiB * MIB,
        cpuRatio: shape.cpuRatio,
        ramRatio: shape.ramRatio,
        pciPools: { net: { addresses: ['0000:3b:00.0', '0001:3b:00.0', '0002:3b:00.1'] } },
        ...(shape.sharedCpus === undefined ? {} : { sharedCpus: shape.sharedCpus }),
        ...shape.counting,
      },
    });
    return host;
  })
  .filter((host) => onlineCpus(host.topology).length > 0)
  .chain((host) =>
    fc
      .array(smallSeat(host), { maxLength: 3 })
      .map((seats) => ({ ...host, seats: distinct(seats) })),
  );

/** Some seat on a host; not always one that should be there. */
export function smallSeat(host: HostSnapshot): fc.Arbitrary<Seat> {
  const cpus = onlineCpus(host.topology).map((cpu) => cpu.id);
  const cell = fc.constantFrom(...host.topology.cells);
  const floating = fc.oneof(
    fc.constant({ vcpus: 0 }),
    fc.record({ vcpus: fc.integer({ min: 1, max: 3 }) }),
    fc.record({
      vcpus: fc.integer({ min: 1, max: 3 }),
      over: cell.map((c) => c.cpus.map((cpu) => cpu.id)),
    }),
  );
  const share = fc.record(
    {
      cell: cell.map((c) => c.id),
      bytes: fc.integer({ min: 1, max: 3 }).map((n) => n * 64 * MIB),
      pageKiB: fc.constantFrom(4, 4, SMALL_PAGE_KIB),
    },
    { requiredKeys: ['bytes', 'pageKiB'] },
  );
  return fc
    .record({
      vm: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
      running: fc.boolean(),
      dedicated: fc.subarray(cpus, { maxLength: Math.min(2, cpus.length) }),
      floating,
      memory: fc.array(share, { maxLength: 2 }),
      overheadMiB: fc.constantFrom(0, 0, 130),
      pci: fc.constantFrom([], [], [], ['0000:3b:00.0'], ['0001:3b:00.0', '0002:3b:00.0']),
    })
    .map(({ vm, overheadMiB, ...rest }) =>
      syntheticSeat(vm, { ...rest, overheadBytes: overheadMiB * MIB }),
    );
}

/** A small host and a request that fits it about as often as not. */
export const smallWorld: fc.Arbitrary<{ host: HostSnapshot; request: PlacementRequest }> =
  smallHost.chain((host) => fc.record({ host: fc.constant(host), request: smallRequest(host) }));

export function smallRequest(host: HostSnapshot): fc.Arbitrary<PlacementRequest> {
  const cpus = host.topology.cells.flatMap((cell) => cell.cpus.map((cpu) => cpu.id));
  const free = cpus.filter((id) => !host.policy.reservedCpus.includes(id));
  const among = free.length === 0 ? cpus : free;
  const some = fc.subarray(among, { minLength: Math.ceil(among.length / 2) });
  return fc
    .record({
      name: fc.constant('new'),
      vcpus: fc.constantFrom(1, 1, 2, 2, 2, 3, 4, 4, 5, 6),
      policy: fc.constantFrom(
        'dedicated' as const,
        'dedicated' as const,
        'shared' as const,
        'mixed' as const,
      ),
      dedicatedVcpus: fc.subarray([0, 1, 2, 3, 4], { minLength: 1 }),
      pci: fc.constantFrom(...NO_PCI, ...PCI_ASKS),
      ioThreads: fc.constantFrom(...NO_IO_THREADS, ...IO_THREADS),
      threads: fc.constantFrom(...(['prefer', 'prefer', 'isolate', 'require'] as const)),
      emulator: fc.constantFrom(
        ...(['share', 'share', 'share', 'share', 'isolate', 'isolate'] as const),
        ...commonSets(host),
      ),
      memoryBytes: fc.integer({ min: 1, max: 5 }).map((n) => n * 64 * MIB),
      pageKiB: fc.constantFrom(undefined, undefined, SMALL_PAGE_KIB),
      cells: fc.constantFrom('auto' as const, 'auto' as const, 'none' as const, 1, 2, 3),
      cpuset: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, some),
      hosts: fc.constant([]),
    })
    .map(
      ({ pageKiB, cpuset, cells, dedicatedVcpus, ioThreads, pci, ...rest }): PlacementRequest => {
        const emulator = rest.emulator === 'isolate' ? 'share' : rest.emulator;
        const shared = { threads: 'prefer', emulator } as const;
        const isBound = rest.policy !== 'shared' || pageKiB !== undefined;
        const isOwn = rest.policy === 'shared' && ioThreads?.place === 'isolate';
        return {
          ...rest,
          ...(ioThreads === undefined || isOwn ? {} : { ioThreads }),
          ...mixed(rest, dedicatedVcpus),
          cells: cells === 'none' && isBound ? 'auto' : cells,
          ...(rest.policy === 'shared' ? shared : {}),
          ...(pageKiB === undefined ? {} : { pageKiB }),
          ...(cpuset === undefined ? {} : { cpuset }),
          ...(pci === undefined
            ? {}
            : { pci: cells === 'none' && !isBound ? [PCI_ASKS[0][0]] : pci }),
        };
      },
    )
    .filter((request) => typeof request.cells !== 'number' || request.cells <= request.vcpus);
}

/** pCPUs that no guest has for itself, as far as there are any, and rarely one that some may have. */
function commonSets({ policy }: HostSnapshot): readonly { readonly cpus: readonly number[] }[] {
  const common = [...policy.reservedCpus, ...(policy.sharedCpus ?? [])];
  return common.length === 0
    ? []
    : [{ cpus: common.slice(0, 1) }, { cpus: [...new Set(common)].toSorted((a, b) => a - b) }];
}

const NO_PCI = Array.from({ length: 14 }, () => undefined);

const PCI_ASKS = [
  [{ pool: 'net', count: 1, locality: 'any' }],
  [{ match: SYNTHETIC_PCI, count: 2, locality: 'preferred' }],
  [{ match: SYNTHETIC_PCI, count: 1, locality: 'required' }],
  [{ match: SYNTHETIC_PCI, count: 3, locality: 'required' }],
  [
    { match: SYNTHETIC_PCI, count: 1, locality: 'required' },
    { pool: 'net', count: 1, locality: 'required' },
  ],
] as const;

const NO_IO_THREADS = [undefined, undefined, undefined, undefined, undefined];

const IO_THREADS = [
  { count: 1, place: 'isolate' },
  { count: 2, place: 'isolate' },
  { count: 2, place: 'share' },
] as const;

/** Some vCPUs of a mixed guest are dedicated, and not all; one of a single vCPU cannot be mixed. */
function mixed(
  { policy, vcpus }: Pick<PlacementRequest, 'policy' | 'vcpus'>,
  ids: readonly number[],
): Pick<PlacementRequest, 'policy' | 'dedicatedVcpus'> {
  if (policy !== 'mixed') return { policy };
  if (vcpus === 1) return { policy: 'dedicated' };
  const some = ids.filter((id) => id < vcpus - 1);
  return { policy, dedicatedVcpus: some.length === 0 ? [0] : some };
}

function distinct(seats: readonly Seat[]): readonly Seat[] {
  return [...new Map(seats.map((seat) => [seat.uuid, seat])).values()];
}
