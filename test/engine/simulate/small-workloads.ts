import * as fc from 'fast-check';
import type { PlainFlavor, PlainWorkload } from './plain-checker.ts';

type HostEntry = PlainWorkload['hosts'][number];

/** Numbers small enough for hosts to fill up soon; every flavor divides evenly over its cells. */
export function smallWorkload(): fc.Arbitrary<PlainWorkload> {
  return fc.boolean().chain((paged) =>
    fc
      .record({
        ratios: fc.record({ cpu: fc.constantFrom(1, 2, 16), ram: fc.constantFrom(1, 1.5) }),
        hosts: fc.array(hostEntry(paged), { minLength: 1, maxLength: 3 }),
        flavors: fc.array(flavor(paged), { minLength: 1, maxLength: 6 }),
        requests: fc.array(request(), { minLength: 5, maxLength: 60 }),
      })
      .map(({ ratios, hosts, flavors, requests }) => {
        let now = 0;
        return {
          ratios,
          hosts: hosts.map((host, index) => ({ ...host, name: `h${index}` })),
          flavors,
          requests: requests.map(({ pick, wait, stay }) => {
            now += wait;
            return [pick % flavors.length, now, stay === null ? null : now + stay] as const;
          }),
        };
      }),
  );
}

/** Pages of 2 MiB and 1 GiB are in few cells, so that they run out; without them all is ordinary. */
function hostEntry(paged: boolean): fc.Arbitrary<HostEntry> {
  const shape = fc.record({
    count: fc.integer({ min: 1, max: 3 }),
    cells: fc.integer({ min: 1, max: 4 }),
    cores: fc.integer({ min: 1, max: 4 }),
    threads: fc.integer({ min: 1, max: 2 }),
    sharedCores: fc.integer({ min: 0, max: 2 }),
    small: fc.constantFrom(0, 1024, 3072, 6144),
    medium: fc.constantFrom(0, 512, 2048),
    large: fc.constantFrom(0, 1, 4),
  });
  return shape.map(({ count, cells, cores, threads, sharedCores, small, medium, large }) => ({
    name: '',
    count,
    cells: Array.from({ length: cells }, (_, cell) => {
      const cpus = Array.from({ length: cores }, (_core, core) =>
        Array.from(
          { length: threads },
          (_thread, thread) => thread * cells * cores + cell * cores + core,
        ),
      );
      const pools = [
        { sizeKiB: 2048, total: medium },
        { sizeKiB: 1024 * 1024, total: large },
      ].filter(({ total }) => paged && total > 0);
      const pooled = pools.reduce((sum, pool) => sum + (pool.sizeKiB * pool.total) / 1024, 0);
      return {
        cpus,
        ...(sharedCores === 0 ? {} : { shared: cpus.slice(0, sharedCores).flat() }),
        memoryMiB: small + pooled + 1024,
        hugepages: pools,
      };
    }),
  }));
}

/**
 * Where there are pools, whoever has a layout names its page size: what Nova does without one (it
 * counts all memory of the cell, pools included) is a fault of Nova's that is not copied.
 */
function flavor(paged: boolean): fc.Arbitrary<PlainFlavor> {
  return fc
    .record({
      cpuPolicy: fc.constantFrom('dedicated', 'shared'),
      numaNodes: fc.constantFrom(null, 1, 1, 2, 4),
      vcpus: fc.constantFrom(1, 1, 2, 3),
      gib: fc.constantFrom(1, 1, 2, 3),
      pageSize: fc.constantFrom('small', '2MB', '1GB'),
    })
    .map(({ cpuPolicy, numaNodes, vcpus, gib, pageSize }) => {
      const hasLayout = cpuPolicy === 'dedicated' || numaNodes !== null;
      const page = paged && hasLayout ? pageSize : null;
      const parts = numaNodes ?? 1;
      return {
        name: `${cpuPolicy}-${vcpus * parts}c${gib * parts}g-${numaNodes}-${page}`,
        cpuPolicy,
        numaNodes,
        vcpus: vcpus * parts,
        memoryMiB: gib * parts * 1024,
        pageSize: page,
      };
    });
}

function request(): fc.Arbitrary<{ pick: number; wait: number; stay: number | null }> {
  return fc.record({
    pick: fc.nat(),
    wait: fc.integer({ min: 0, max: 3 }),
    stay: fc.option(fc.integer({ min: 0, max: 20 })),
  });
}
