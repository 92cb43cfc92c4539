import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { GIB, MIB } from '../../src/base/units.ts';
import { ledgerOf } from '../../src/engine/ledger.ts';
import { placeOnHost } from '../../src/engine/place-on-host.ts';
import type { BrokenLimit } from '../../src/engine/refusal.ts';
import type { PlacementRequest } from '../../src/engine/request.ts';
import type { HostSnapshot } from '../../src/model/host.ts';
import {
  countsAll,
  plainBoundRatio,
  plainCellFree,
  plainCellRoom,
  plainOverhead,
  plainPages,
  plainRam,
} from './plain-books.ts';
import { ask } from './requests.ts';
import { smallWorld } from './small-worlds.ts';
import { syntheticHost, syntheticSeat } from './synthetic-host.ts';

test('a refusal names at least one limit, and each number in it says that too little is there', () => {
  fc.assert(
    fc.property(smallWorld, ({ host, request }) => {
      for (const limit of limitsOf(host, request)) {
        if (typeof limit.need === 'number') {
          assert.ok(typeof limit.have === 'number' && limit.have < limit.need, limit.say);
          assert.ok(limit.unit !== undefined, `${limit.say} has a unit`);
          assert.ok(limit.have >= 0, `${limit.say} has no negative number`);
        }
      }
    }),
    { numRuns: 1000 },
  );
});

test('the numbers of a refusal are those that a plain count of the snapshot gives', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(smallWorld, ({ host, request }) => {
      for (const limit of limitsOf(host, request)) {
        const expected = plainHave(host, request, limit);
        if (expected === undefined) continue;
        seen.add(limit.check);
        assert.equal(limit.have, expected, limit.say);
      }
    }),
    { numRuns: 2000 },
  );
  const checks = ['free-pcpus', 'free-cores', 'memory', 'guest-memory', 'ram-ratio', 'pages'];
  for (const check of checks) assert.ok(seen.has(check), `${check} was never compared`);
});

test('who holds what is missing is named, and nobody else', () => {
  const host = syntheticHost({
    sockets: 2,
    cellBytes: 2 * GIB,
    seats: [
      syntheticSeat('cpu0', { dedicated: [0, 1, 2] }),
      syntheticSeat('cpu1', { dedicated: [4, 5, 6] }),
      syntheticSeat('mem1', { memory: [{ cell: 1, bytes: GIB, pageKiB: 4 }] }),
    ],
  });
  const limits = limitsOf(host, ask({ vcpus: 4, memoryBytes: 1.5 * GIB, cells: 1 }));
  const held = limits.map(({ check, cell, heldBy }) => [check, cell, heldBy]);
  assert.deepEqual(held, [
    ['free-pcpus', undefined, ['cpu0', 'cpu1']],
    ['memory', 1, ['mem1']],
  ]);
});

test('who has the pCPUs that a floating guest lacks is named', () => {
  const host = syntheticHost({
    sockets: 2,
    seats: [
      syntheticSeat('d0', { dedicated: [0, 1] }),
      syntheticSeat('d1', { dedicated: [4, 5] }),
      syntheticSeat('f', { floating: { vcpus: 2 } }),
    ],
  });
  const shared = { policy: 'shared', vcpus: 5, emulator: 'share' } as const;
  const held = limitsOf(host, ask(shared)).map(({ check, cell, heldBy }) => [check, cell, heldBy]);
  assert.deepEqual(held, [['guest-vcpus', undefined, ['d0', 'd1']]]);
  const [inCell] = limitsOf(host, ask({ ...shared, vcpus: 3, cells: 1, cpuset: [0, 1, 2, 3] }));
  assert.deepEqual([inCell?.check, inCell?.heldBy], ['guest-vcpus', ['d0']]);
});

test('a VM that has pCPUs outside the cpuset holds nothing that is missing', () => {
  const host = syntheticHost({
    seats: [
      syntheticSeat('inside', { dedicated: [0] }),
      syntheticSeat('outside', { dedicated: [3] }),
    ],
  });
  const [limit] = limitsOf(host, ask({ vcpus: 2, cpuset: [0, 1] }));
  assert.deepEqual([limit?.check, limit?.heldBy], ['free-pcpus', ['inside']]);
});

test('every limit that a host breaks is listed, not only the first', () => {
  const host = syntheticHost({ policy: { reservedCpus: [0] } });
  const request = ask({ vcpus: 8, memoryBytes: 64 * GIB, cpuset: [0, 1, 77], nodeset: [0, 9] });
  assert.deepEqual(
    limitsOf(host, request).map(({ check }) => check),
    [
      'cpuset-missing',
      'cpuset-reserved',
      'nodeset-missing',
      'free-pcpus',
      'memory',
      'guest-memory',
      'ram-ratio',
    ],
  );
});

test('a cpuset that names offline pCPUs is refused by their numbers', () => {
  const [limit] = limitsOf(syntheticHost({ offline: [2, 3] }), ask({ cpuset: [1, 2, 3] }));
  assert.equal(limit?.check, 'cpuset-offline');
  assert.match(limit?.say ?? '', /pCPUs 2-3, which h1 has offline/);
});

test('a strict nodeset beside the cells of the cpuset is refused with both sides named', () => {
  const host = syntheticHost({ sockets: 2 });
  const [limit] = limitsOf(host, ask({ cpuset: [0, 1], nodeset: [1], memoryMode: 'strict' }));
  assert.deepEqual(
    { check: limit?.check, need: limit?.need, have: limit?.have },
    { check: 'nodeset-cpuset', need: '1', have: '0' },
  );
  assert.match(limit?.say ?? '', /cell 1 \(nodeset\).*pCPUs 0-1 \(cpuset\).*cell 0/);
});

test('threads require is refused without SMT, and for vCPUs that are no whole cores', () => {
  const require = { threads: 'require', vcpus: 3 } as const;
  assert.equal(limitsOf(syntheticHost(), ask(require))[0]?.check, 'smt');
  const [odd] = limitsOf(syntheticHost({ threads: 2 }), ask(require));
  assert.deepEqual([odd?.check, odd?.need, odd?.have], ['whole-cores', 4, 3]);
});

test('an emulator on one pCPU and huge pages of two cells are refused, as QEMU would not start', () => {
  const host = syntheticHost({ sockets: 2, pools: [{ sizeKiB: 2048, total: 512 }] });
  const request = ask({ vcpus: 4, cells: 2, pageKiB: 2048, emulator: 'isolate' });
  assert.ok(limitsOf(host, request).some(({ check }) => check === 'emulator-pages'));
  assert.deepEqual(limitsOf(host, { ...request, emulator: 'share' }), []);
});

test('preferred memory, and memory apart from the pCPUs, go with one guest cell', () => {
  const host = syntheticHost({ sockets: 2, memoryOnly: [GIB] });
  const checks = (request: PlacementRequest): readonly string[] =>
    limitsOf(host, request).map(({ check }) => check);
  const two = { vcpus: 4, cells: 2 } as const;
  assert.deepEqual(checks(ask({ ...two, memoryMode: 'preferred' })), ['preferred-cells']);
  assert.deepEqual(checks(ask({ ...two, nodeset: [2] })), ['nodeset-cells']);
});

test('a host cell given by hand that the guest cannot use is refused by its number', () => {
  const cells = [{ cpus: [0], memoryBytes: 256 * MIB, hostCell: 5 }];
  const [limit] = limitsOf(syntheticHost(), ask({ cells }));
  assert.deepEqual([limit?.check, limit?.need, limit?.have], ['host-cell', '5', '0']);
});

test('more guest cells by hand than host cells are refused with both counts', () => {
  const cells = [0, 1].map((cpu) => ({ cpus: [cpu], memoryBytes: 128 * MIB }));
  const [limit] = limitsOf(syntheticHost(), ask({ vcpus: 2, cells }));
  assert.deepEqual([limit?.check, limit?.need, limit?.have], ['cells', 2, 1]);
});

test('guest cells by hand that want the same host cell are refused with how many find one', () => {
  const busy = syntheticSeat('busy', { dedicated: [4, 5, 6] });
  const cells = [0, 2].map((cpu) => ({ cpus: [cpu, cpu + 1], memoryBytes: 128 * MIB }));
  const host = syntheticHost({ sockets: 2, seats: [busy] });
  const limits = limitsOf(host, ask({ vcpus: 4, cells }));
  assert.deepEqual(
    limits.map(({ check, cell, need, have }) => [check, cell, need, have]),
    [
      ['cells', undefined, 2, 1],
      ['free-pcpus', 1, 2, 1],
    ],
  );
});

test('huge pages of a cell where QEMU has no pCPU are refused, as it could not fill them', () => {
  const host = syntheticHost({ sockets: 2, pools: [{ sizeKiB: 2048, total: 512 }] });
  const away = { cpuset: [0, 1], nodeset: [1], memoryMode: 'preferred', pageKiB: 2048 } as const;
  const [limit] = limitsOf(host, ask(away));
  assert.equal(limit?.check, 'emulator-pages');
  assert.match(limit?.say ?? '', /pages of cell 1 while its own threads are kept to cell 0/);
});

test('a page size that the host lacks is refused with the sizes it has', () => {
  const host = syntheticHost({ pools: [{ sizeKiB: 2048, total: 512 }] });
  const [limit] = limitsOf(host, ask({ pageKiB: 1024 * 1024 }));
  assert.deepEqual([limit?.check, limit?.need, limit?.have], ['page-size', '1 GiB', '2 MiB']);
});

test('a host that the VM is not to run on says only that', () => {
  const limits = limitsOf(syntheticHost(), ask({ hosts: ['h7'], memoryBytes: 99 * GIB }));
  assert.deepEqual(
    limits.map(({ check }) => check),
    ['host-excluded'],
  );
});

function limitsOf(host: HostSnapshot, request: PlacementRequest): readonly BrokenLimit[] {
  const verdict = placeOnHost(ledgerOf(host), request);
  if (verdict.ok) return [];
  assert.ok(verdict.refusal.checks.length > 0, 'a refusal names a limit');
  return verdict.refusal.checks;
}

/** What a limit should say is there; undefined where a plain count cannot tell. */
function plainHave(
  host: HostSnapshot,
  request: PlacementRequest,
  { check, cell, need }: BrokenLimit,
): number | undefined {
  const homes = host.topology.cells.filter((c) =>
    c.cpus.some((cpu) => usable(host, request, cpu.id)),
  );
  const cells = cell === undefined ? homes.map((c) => c.id) : [cell];
  const free = cells.flatMap((id) => plainCellFree(host, id));
  const open = free.filter((cpu) => request.cpuset?.includes(cpu) ?? true);
  if (check === 'free-pcpus') return request.threads === 'isolate' ? undefined : open.length;
  if (check === 'free-cores') return plainCores(host, request, { free, open });
  const ratio = plainBoundRatio(host, request);
  if (check === 'memory') {
    return cells.reduce((sum, id) => sum + Math.max(0, plainCellRoom(host, id, ratio)), 0);
  }
  if (check === 'pages' && cell !== undefined) return plainPages(host, request.pageKiB ?? 4, cell);
  const { limit, used } = plainRam(host);
  if (check === 'guest-memory') {
    assert.equal(need, counted(host, request));
    return limit;
  }
  if (check !== 'ram-ratio') return undefined;
  return Math.max(0, Math.floor(limit * host.policy.ramRatio) - used);
}

/** Cores that a guest of that thread policy could have. */
function plainCores(
  host: HostSnapshot,
  request: PlacementRequest,
  cpus: { readonly free: readonly number[]; readonly open: readonly number[] },
): number {
  const all = host.topology.cells.flatMap((cell) => cell.cpus);
  const most = Math.max(...all.map((cpu) => cpu.siblings.length));
  const cores = new Map(
    all
      .filter((cpu) => cpus.open.includes(cpu.id))
      .map((cpu) => [cpu.siblings.join(), cpu.siblings]),
  );
  return [...cores.values()].filter((core) =>
    request.threads === 'require'
      ? core.length === most && core.every((cpu) => cpus.open.includes(cpu))
      : core.every((cpu) => cpus.free.includes(cpu)),
  ).length;
}

function usable(host: HostSnapshot, request: PlacementRequest, cpu: number): boolean {
  const isShared = host.policy.sharedCpus?.includes(cpu);
  const isOther = isShared === (request.policy === 'dedicated');
  if (request.policy !== 'mixed' && isOther) return false;
  const online = host.topology.cells.some((c) => c.cpus.some((x) => x.id === cpu && x.online));
  return (
    online && !host.policy.reservedCpus.includes(cpu) && (request.cpuset?.includes(cpu) ?? true)
  );
}

function counted(host: HostSnapshot, request: PlacementRequest): number {
  const counts = request.pageKiB === undefined || countsAll(host);
  return plainOverhead(host, request) + (counts ? request.memoryBytes : 0);
}
