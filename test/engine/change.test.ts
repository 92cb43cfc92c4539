import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseSize, GIB, KIB, MIB } from '../../src/base/units.ts';
import { exactSize } from '../../src/engine/changes/change.ts';
import type { Change } from '../../src/engine/changes/change.ts';
import { place } from '../../src/engine/place.ts';
import type { PlacementRequest } from '../../src/engine/request.ts';
import type { HostSnapshot } from '../../src/model/host.ts';
import { ask } from './requests.ts';
import { smallWorld } from './small-worlds.ts';
import { syntheticHost, syntheticSeat } from './synthetic-host.ts';

test('every change listed makes the VM fit, and one step less of it does not', () => {
  const kinds = new Set<string>();
  fc.assert(
    fc.property(smallWorld, ({ host, request }) => {
      const result = place([host], request);
      if (result.ok) return;
      for (const change of result.smallestChange) {
        kinds.add(change.kind);
        assert.equal(place([host], change.request).ok, true, change.say);
        for (const less of lesserChanges(host, request, change)) {
          assert.equal(place([host], less).ok, false, `less than "${change.say}" would do`);
        }
      }
    }),
    { numRuns: 400 },
  );
  for (const kind of ['memory', 'vcpus', 'page-size', 'guest-cells', 'policy-shared']) {
    assert.ok(kinds.has(kind), `no ${kind} was ever found`);
  }
});

test('a change that would help is never left out', () => {
  fc.assert(
    fc.property(smallWorld, ({ host, request }) => {
      const result = place([host], request);
      if (result.ok) return;
      const kinds = result.smallestChange.map(({ kind }) => kind);
      // A mixed guest keeps its dedicated vCPUs, and one that floats.
      const { dedicatedVcpus: own = [] } = request;
      const least = request.policy === 'mixed' ? Math.max(...own, own.length) + 1 : 1;
      const lesser = [1, 2, 3, 4, 5].filter((vcpus) => vcpus < request.vcpus && vcpus >= least);
      const fits = (changed: PlacementRequest): boolean => place([host], changed).ok;
      assert.equal(
        kinds.includes('vcpus'),
        lesser.some((vcpus) => fits({ ...request, vcpus })),
      );
      const unit = (request.pageKiB ?? KIB) * KIB;
      const sizes = [1, 2, 3, 40, 64, 128, 192, 256]
        .map((units) => units * unit)
        .filter((bytes) => bytes < request.memoryBytes);
      if (sizes.some((memoryBytes) => fits({ ...request, memoryBytes }))) {
        assert.ok(kinds.includes('memory'));
      }
    }),
    { numRuns: 300 },
  );
});

test('the most memory that fits takes QEMU itself into account, to the MiB', () => {
  const host = syntheticHost({ cellBytes: 4 * GIB });
  const change = changeOf([host], ask({ memoryBytes: 8 * GIB }), 'memory');
  const { memoryBytes } = change.request;
  assert.equal(place([host], ask({ memoryBytes: memoryBytes + MIB })).ok, false);
  assert.equal(change.set['spec.memory.size'], `${memoryBytes / MIB}MiB`);
  // 128 MiB for the process, 4 for a vCPU, 1/256 of RAM for page tables: 3949 + 147.4 > 4096.
  assert.equal(memoryBytes, 3948 * MIB);
});

test('hosts are searched together: the change is the best that any of them allows', () => {
  const hosts = [2, 6, 4].map((coresPerCell) =>
    syntheticHost({ name: `h${coresPerCell}`, coresPerCell }),
  );
  assert.equal(changeOf(hosts, ask({ vcpus: 9 }), 'vcpus').request.vcpus, 6);
});

test('fewer vCPUs for whole cores are whole cores of some host', () => {
  const hosts = [
    syntheticHost({ name: 'two', threads: 2, coresPerCell: 1 }),
    syntheticHost({ name: 'four', threads: 4, coresPerCell: 2 }),
  ];
  const change = changeOf(hosts, ask({ vcpus: 16, threads: 'require' }), 'vcpus');
  assert.equal(change.request.vcpus, 8);
});

test('where neither fewer vCPUs nor less memory helps alone, the most of both is named', () => {
  const kinds: Change['kind'][] = [];
  fc.assert(
    fc.property(smallWorld, ({ host, request }) => {
      const result = place([host], request);
      if (result.ok) return;
      const pair = result.smallestChange.find(({ kind }) => kind === 'vcpus-and-memory');
      if (pair === undefined) return;
      kinds.push(pair.kind);
      const { vcpus, memoryBytes } = pair.request;
      assert.deepEqual([result.smallestChange.length, place([host], pair.request).ok], [1, true]);
      assert.ok(vcpus < request.vcpus && memoryBytes < request.memoryBytes);
      const more = memoryBytes + (request.pageKiB ?? KIB) * KIB;
      assert.equal(place([host], { ...request, vcpus, memoryBytes: more }).ok, false);
      const wider = vcpus + step(request);
      assert.ok(
        wider > request.vcpus || !place([host], { ...request, vcpus: wider, memoryBytes }).ok,
      );
    }),
    { numRuns: 3000 },
  );
  assert.ok(kinds.length > 5, `only ${kinds.length} pairs were found: the test tests little`);
});

test('fewer vCPUs with less memory are as many as fit, and no more of either would', () => {
  const host = syntheticHost({ coresPerCell: 4, cellBytes: 16 * GIB });
  const change = changeOf([host], ask({ vcpus: 8, memoryBytes: 64 * GIB }), 'vcpus-and-memory');
  assert.equal(change.request.vcpus, 4);
  assert.ok(change.request.memoryBytes > 15 * GIB);
  assert.deepEqual(Object.keys(change.set), ['spec.cpu.count', 'spec.memory.size']);
});

test('more memory that makes room for a guest cell more makes room for its vCPUs too', () => {
  const page = 64 * MIB;
  const host = syntheticHost({
    sockets: 3,
    coresPerCell: 1,
    pools: [{ sizeKiB: page / KIB, total: 1 }],
  });
  const request = ask({ vcpus: 9, memoryBytes: 5 * page, pageKiB: page / KIB });
  const change = changeOf([host], request, 'vcpus-and-memory');
  assert.deepEqual([change.request.vcpus, change.request.memoryBytes], [3, 3 * page]);
});

test('by hand things can be left out: cpuset, nodeset, hosts, an emulator apart, threads, cells', () => {
  const busy = syntheticSeat('busy', { dedicated: [0, 1, 2] });
  const host = syntheticHost({ sockets: 2, seats: [busy] });
  const kindsFor = (fields: Partial<PlacementRequest>, on = host): readonly string[] => {
    const result = place([on], ask(fields));
    assert.equal(result.ok, false);
    return result.ok ? [] : result.smallestChange.map(({ kind }) => kind);
  };
  assert.ok(kindsFor({ vcpus: 2, cpuset: [0, 1, 2, 3] }).includes('drop-cpuset'));
  assert.ok(kindsFor({ vcpus: 2, nodeset: [0] }).includes('drop-nodeset'));
  assert.ok(kindsFor({ hosts: ['other'] }).includes('any-host'));
  assert.ok(kindsFor({ vcpus: 4, emulator: 'isolate' }).includes('emulator-share'));
  assert.ok(kindsFor({ vcpus: 2, cells: 1, threads: 'require' }).includes('threads-prefer'));
  assert.ok(
    kindsFor({ vcpus: 5, cells: 1 }, syntheticHost({ sockets: 2 })).includes('guest-cells'),
  );
});

test('an exact size of whole KiB reads back as the same bytes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 30 }), fc.constantFrom(KIB, MIB), (n, unit) => {
      assert.equal(parseSize(exactSize(n * unit), 'size'), n * unit);
    }),
  );
});

/** vCPUs of the next larger guest that thread policy allows on hosts with two threads a core. */
function step({ policy, threads }: PlacementRequest): number {
  return policy === 'dedicated' && threads === 'require' ? 2 : 1;
}

function changeOf(
  hosts: readonly HostSnapshot[],
  request: PlacementRequest,
  kind: Change['kind'],
): Change {
  const result = place(hosts, request);
  const change = result.ok ? undefined : result.smallestChange.find((c) => c.kind === kind);
  assert.ok(change !== undefined, `${kind} is among the changes`);
  return change;
}

/** Changes of the same kind that ask less of the user: none of them may do. */
function lesserChanges(
  host: HostSnapshot,
  request: PlacementRequest,
  change: Change,
): readonly PlacementRequest[] {
  if (change.kind === 'memory') {
    const unit = (request.pageKiB ?? KIB) * KIB;
    const more = change.request.memoryBytes + unit;
    return more < request.memoryBytes ? [{ ...request, memoryBytes: more }] : [];
  }
  if (change.kind === 'vcpus') {
    return Array.from({ length: request.vcpus }, (_, vcpus) => vcpus)
      .filter((vcpus) => vcpus > change.request.vcpus)
      .map((vcpus) => ({ ...request, vcpus }));
  }
  const [from, to] = [request.cells, change.request.cells];
  if (typeof from !== 'number' || typeof to !== 'number' || to < from) return [];
  return host.topology.cells
    .map((_, cells) => cells)
    .filter((cells) => cells > from && cells < to)
    .map((cells) => ({ ...request, cells }));
}
