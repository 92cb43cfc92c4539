import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import stringWidth from 'string-width';
import type { HostView } from '../../src/api/resources.ts';
import type { Look } from '../../src/cli/look.ts';
import { renderMap } from '../../src/cli/map.ts';
import { cellsOf, floatingSeat, hostOf, ownSeat, seat, workstation } from './hosts.ts';

// Pictures lie in golden/maps; UPDATE=1 draws them anew. Look at them before committing them.

const FOLDER = fileURLToPath(new URL('golden/maps/', import.meta.url));
const PLAIN: Look = { columns: 80, colours: 0, unicode: true, live: false };

const PICTURES: readonly [name: string, host: HostView, look: Partial<Look>][] = [
  ['one-cell-two-cpus', oneCell(), {}],
  ['one-cell-two-cpus-60', oneCell(), { columns: 60 }],
  ['two-packages-smt', workstation(), {}],
  ['two-packages-smt-120', workstation(), { columns: 120 }],
  ['two-packages-smt-ascii', workstation(), { unicode: false }],
  ['two-packages-smt-16-colours', workstation(), { colours: 16 }],
  ['two-packages-smt-256-colours', workstation(), { colours: 256 }],
  ['eight-cells-192-cpus', eightCells(), {}],
  ['eight-cells-192-cpus-120', eightCells(), { columns: 120 }],
  ['sub-numa-clusters-120', subNuma(), { columns: 120 }],
  ['uneven', uneven(), {}],
  ['memory-only-cell', memoryOnly(), {}],
  ['offline-cpus', offline(), {}],
  ['overlapping-seats', overlapping(), {}],
  ['overlapping-seats-256-colours', overlapping(), { colours: 256 }],
  ['cell-over-packages', cellOverPackages(), {}],
  ['forty-vms', fortyVms(), {}],
];

for (const [name, host, look] of PICTURES) {
  test(`the map ${name} is drawn as in its picture`, async () => {
    const drawn = renderMap(host, { ...PLAIN, ...look });
    const path = `${FOLDER}${name}.txt`;
    if (process.env['UPDATE'] === '1') await writeFile(path, drawn);
    else assert.equal(drawn, await readFile(path, 'utf8'));
  });
}

test('colour changes nothing but the colour', () => {
  const host = overlapping();
  // oxlint-disable-next-line no-control-regex -- the escapes are what is taken away
  const bare = renderMap(host, { ...PLAIN, colours: 256 }).replace(/\u001b\[[\d;]*m/g, '');
  const trimmed = bare.split('\n').map((line) => line.trimEnd());
  assert.equal(trimmed.join('\n'), renderMap(host, PLAIN));
});

test('names from a host cannot command the terminal', () => {
  const evil = '\u001b]0;owned\u0007\u009b2J\u202e';
  const host = hostOf(evil, cellsOf({ packages: 1, cells: 1, cores: 2, threads: 1 }), [
    seat(evil, { floating: { vcpus: 1 } }),
  ]);
  const drawn = renderMap({ ...host, uri: evil }, PLAIN);
  // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
  assert.doesNotMatch(drawn, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  assert.match(drawn, /\\x1b\]0;owned/);
});

test('every pCPU is drawn once, and no line is wider than the terminal', () => {
  const machine = fc.record({
    packages: fc.integer({ min: 1, max: 4 }),
    cells: fc.integer({ min: 1, max: 3 }),
    groups: fc.integer({ min: 1, max: 3 }),
    cores: fc.integer({ min: 1, max: 9 }),
    threads: fc.integer({ min: 1, max: 2 }),
  });
  const look = fc.record({
    columns: fc.integer({ min: 60, max: 200 }),
    unicode: fc.boolean(),
  });
  fc.assert(
    fc.property(machine, look, fc.infiniteStream(fc.boolean()), (shape, how, online) => {
      const cells = cellsOf(shape).map((cell) => ({
        ...cell,
        cpus: cell.cpus.map((cpu) => ({ ...cpu, online: online.next().value === true })),
      }));
      const lines = renderMap(hostOf('h', cells), { ...PLAIN, ...how }).split('\n');
      for (const line of lines) assert.ok(stringWidth(line) <= how.columns, line);
      const fields = lines.flatMap((line) => [...line.matchAll(/(\d+) [.x](?=\s)/g)]);
      const ids = fields.map((match) => Number(match[1])).toSorted((a, b) => a - b);
      const all = cells.flatMap((cell) => cell.cpus.map((cpu) => cpu.id));
      assert.deepEqual(
        ids,
        all.toSorted((a, b) => a - b),
      );
    }),
    { numRuns: 60 },
  );
});

function oneCell(): HostView {
  const cells = cellsOf({ packages: 1, cells: 1, cores: 2, threads: 1, cellGiB: 4 });
  return hostOf('local', cells, [floatingSeat('hello', 1)], { domainTypes: ['qemu'] });
}

function eightCells(): HostView {
  const shape = { packages: 2, cells: 4, groups: 2, cores: 6, threads: 2, cellGiB: 96 };
  return hostOf(
    'epyc',
    cellsOf(shape),
    [
      ownSeat('db1', [1, 2, 3, 4, 97, 98, 99, 100], 0, 64),
      ownSeat('db2', [24, 25, 26, 120, 121, 122], 2, 24),
      floatingSeat('web', 8, [48, 49, 50, 51, 52, 53, 144, 145, 146, 147, 148, 149]),
    ],
    { policy: { reservedCpus: [0, 96], reservedBytes: 0, cpuRatio: 16, ramRatio: 1.5 } },
  );
}

function subNuma(): HostView {
  const cells = cellsOf({ packages: 2, cells: 2, groups: 2, cores: 4, threads: 2 });
  return hostOf('snc', cells, [ownSeat('db', [0, 1, 32, 33], 0, 8)]);
}

/** A package that lost half its cores, and cells of different size. */
function uneven(): HostView {
  const [first, second] = cellsOf({ packages: 2, cells: 1, cores: 6, threads: 2 });
  assert.ok(first !== undefined && second !== undefined);
  const kept = second.cpus.filter((cpu) => cpu.id < 9);
  const small = { ...second, cpus: kept, memoryBytes: 16 * 1024 ** 3, freeBytes: 1024 ** 3 };
  return hostOf('odd', [first, small], [floatingSeat('web', 2)]);
}

function memoryOnly(): HostView {
  const [first, second] = cellsOf({ packages: 2, cells: 1, cores: 4, threads: 1 });
  assert.ok(first !== undefined && second !== undefined);
  const cxl = { ...second, cpus: [], pages: [{ sizeKiB: 2048, total: 512, free: 512 }] };
  const empty = { ...cxl, id: 2, memoryBytes: 0, freeBytes: 0, pages: [] };
  return hostOf('cxl', [first, cxl, empty], [ownSeat('cache', [2], 1, 32)]);
}

function offline(): HostView {
  const [cell] = cellsOf({ packages: 1, cells: 1, cores: 4, threads: 2 });
  assert.ok(cell !== undefined);
  const cpus = cell.cpus.map((cpu) => ({ ...cpu, online: cpu.id !== 3 && cpu.id !== 7 }));
  return hostOf('half', [{ ...cell, cpus }], [], {
    topology: {
      arch: 'x86_64',
      cells: [{ ...cell, cpus }],
      offlineCpus: [8, 9, 10, 11],
      pciAnywhere: [
        { address: '0000:01:00.0', class: '0x020000', vendor: '0x8086', device: '0x1521' },
      ],
    },
  });
}

function overlapping(): HostView {
  const cells = cellsOf({ packages: 1, cells: 1, cores: 4, threads: 2 });
  return hostOf('twice', cells, [
    ownSeat('alpha', [0, 1, 4, 5], 0, 8),
    ownSeat('beta', [1, 2, 5, 6], 0, 8),
    ownSeat('gamma', [2], 0, 1),
  ]);
}

/** Firmware that hides NUMA: one cell over two packages. */
function cellOverPackages(): HostView {
  const [first, second] = cellsOf({ packages: 2, cells: 1, cores: 2, threads: 2 });
  assert.ok(first !== undefined && second !== undefined);
  return hostOf('flat', [{ ...first, distances: [10], cpus: [...first.cpus, ...second.cpus] }]);
}

function fortyVms(): HostView {
  const cells = cellsOf({ packages: 1, cells: 2, cores: 24, threads: 1 });
  const seats = Array.from({ length: 40 }, (_, index) =>
    ownSeat(`vm-${`${index}`.padStart(2, '0')}`, [index], index < 24 ? 0 : 1, 1),
  );
  return hostOf('full', cells, seats);
}
