import * as fc from 'fast-check';
import { GIB, KIB, MIB } from '../../../src/base/units.ts';
import type { PlacementRequest } from '../../../src/engine/request.ts';
import type { HostSnapshot } from '../../../src/model/host.ts';
import { ask } from '../requests.ts';
import { syntheticHost, syntheticSeat } from '../synthetic-host.ts';

const PAGE_KIB = 2 * KIB;

/** A fleet and what is to be placed on it. */
export interface GroupWorld {
  readonly hosts: readonly HostSnapshot[];
  readonly requests: readonly PlacementRequest[];
}

/** Two to six hosts of two to four cells with SMT, with a few pCPUs taken here and there. */
const smallFleet: fc.Arbitrary<readonly HostSnapshot[]> = fc
  .array(
    fc.record({
      cells: fc.constantFrom(2, 2, 4),
      coresPerCell: fc.constantFrom(3, 4, 6),
      cellGiB: fc.constantFrom(8, 16),
      pages: fc.constantFrom(0, 1024, 2048),
      taken: fc.uniqueArray(fc.nat({ max: 23 }), { maxLength: 5 }),
    }),
    { minLength: 2, maxLength: 6 },
  )
  .map((shapes) =>
    shapes.map(({ cells, coresPerCell, cellGiB, pages, taken }, index) =>
      syntheticHost({
        name: `h${index}`,
        cellsPerSocket: cells,
        coresPerCell,
        threads: 2,
        cellBytes: cellGiB * GIB,
        pools: [{ sizeKiB: PAGE_KIB, total: pages }],
        policy: { overhead: 'none' },
        seats: [
          syntheticSeat(`old${index}`, {
            dedicated: taken.filter((cpu) => cpu < cells * coresPerCell * 2),
          }),
        ],
      }),
    ),
  );

const guest: fc.Arbitrary<PlacementRequest> = fc
  .record({
    cells: fc.constantFrom(1, 1, 1, 2),
    vcpusPerCell: fc.constantFrom(1, 2, 2, 3, 4, 5, 6),
    gibPerCell: fc.constantFrom(1, 1, 2, 3, 5),
    huge: fc.constantFrom(false, false, true),
    threads: fc.constantFrom('prefer', 'prefer', 'isolate', 'require'),
  })
  .map(({ cells, vcpusPerCell, gibPerCell, huge, threads }) =>
    ask({
      cells,
      vcpus: cells * (threads === 'require' ? 2 * Math.ceil(vcpusPerCell / 2) : vcpusPerCell),
      memoryBytes: cells * gibPerCell * 1024 * MIB,
      threads: threads === 'isolate' || threads === 'require' ? threads : 'prefer',
      ...(huge ? { pageKiB: PAGE_KIB } : {}),
    }),
  );

/** The same guests, of which two in three leave open into how many cells they are cut. */
const openGuest = fc
  .tuple(guest, fc.constantFrom(true, true, false))
  .map(([one, open]): PlacementRequest => (open ? { ...one, cells: 'auto' } : one));

/**
 * A fleet of so many hosts at most, and so many guests at most that want, one with another, no more
 * than this share of its pCPUs.
 */
function world(sizes: {
  readonly hosts: number;
  readonly guests: number;
  readonly share: number;
  readonly guest?: fc.Arbitrary<PlacementRequest>;
}): fc.Arbitrary<GroupWorld> {
  const guests = fc.array(sizes.guest ?? guest, {
    minLength: sizes.guests,
    maxLength: sizes.guests,
  });
  return fc.record({ fleet: smallFleet, guests }).map(({ fleet, guests: all }) => {
    const hosts = fleet.slice(0, sizes.hosts);
    let left = hosts.reduce((sum, host) => sum + freePcpus(host), 0) * sizes.share;
    const requests = all.filter(({ vcpus, threads }) => {
      const pcpus = threads === 'isolate' ? 2 * vcpus : vcpus;
      if (pcpus > left) return false;
      left -= pcpus;
      return true;
    });
    return { hosts, requests: requests.map((each, index) => ({ ...each, name: `v${index}` })) };
  });
}

function freePcpus({ topology, seats }: HostSnapshot): number {
  const cpus = topology.cells.reduce((sum, cell) => sum + cell.cpus.length, 0);
  return cpus - seats.reduce((sum, seat) => sum + seat.dedicated.length, 0);
}

/** Groups of up to twelve VMs on two or three hosts, which they nearly fill. */
export const tightGroup = world({ hosts: 3, guests: 12, share: 0.9 });

/** Groups of up to twelve VMs on up to six hosts. */
export const looseGroup = world({ hosts: 6, guests: 12, share: 0.7 });

/** Groups of up to six VMs on one or two hosts, which they nearly fill and where they choose cells. */
export const openGroup = world({ hosts: 2, guests: 6, share: 0.95, guest: openGuest });

/** Many VMs for two or three hosts, which cannot have them all. */
export const crowd = world({ hosts: 3, guests: 30, share: 10 });
