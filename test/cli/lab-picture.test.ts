import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import stringWidth from 'string-width';
import { GIB } from '../../src/base/units.ts';
import { labPage, machinePage } from '../../src/cli/lab-page.ts';
import type { Look } from '../../src/cli/look.ts';
import { machineTable } from '../../src/cli/machine-table.ts';
import type { LabInfo } from '../../src/lab/fleet/lab-info.ts';
import { machineTopology } from '../../src/model/machine.ts';
import { CATALOGUE, labOf } from './labs.ts';

// Pictures lie in golden/labs; UPDATE=1 draws them anew. Look at them before committing them.

const FOLDER = fileURLToPath(new URL('golden/labs/', import.meta.url));
const PLAIN: Look = { columns: 80, colours: 0, unicode: true, live: false };

const PICTURES: readonly [name: string, labs: readonly LabInfo[], look: Partial<Look>][] = [
  ['one-host', [labOf('lab', ['this'])], {}],
  ['twelve-hosts', [twelve()], {}],
  ['twelve-hosts-120', [twelve()], { columns: 120 }],
  ['twelve-hosts-200', [twelve()], { columns: 200 }],
  ['twelve-hosts-ascii', [twelve()], { unicode: false }],
  ['twelve-hosts-16-colours', [twelve()], { colours: 16 }],
  ['real-machines-256-colours', [real()], { columns: 132, colours: 256 }],
  ['two-labs', [labOf('lab', ['this', 'this', 'this']), labOf('rack', ['cxl', 'cxl'])], {}],
  ['nothing', [], {}],
];

for (const [name, labs, look] of PICTURES) {
  test(`the fleet ${name} is drawn as in its picture`, async () => {
    await compare(name, labPage(labs, { ...PLAIN, ...look }));
  });
}

for (const columns of [80, 120]) {
  test(`the catalogue is one line a machine, ${columns} columns wide`, async () => {
    const drawn = machineTable(CATALOGUE, { ...PLAIN, columns });
    await compare(`machines-${columns}`, drawn);
    assert.equal(drawn.split('\n').length, CATALOGUE.length + 3);
  });
}

test('the catalogue is drawn in ASCII', async () => {
  await compare('machines-ascii', machineTable(CATALOGUE, { ...PLAIN, unicode: false }));
});

async function compare(name: string, drawn: string): Promise<void> {
  const path = `${FOLDER}${name}.txt`;
  if (process.env['UPDATE'] === '1') await writeFile(path, drawn);
  else assert.equal(drawn, await readFile(path, 'utf8'));
}

test('equal hosts share one drawing, whatever is free on them', () => {
  const lab = labOf('lab', ['cxl', 'cxl', 'cxl', 'uneven']);
  const [first, ...rest] = lab.hosts;
  assert.ok(first !== undefined);
  const { cells } = first.topology;
  const busy = cells.map((cell) => ({ ...cell, freeBytes: 0 }));
  const hosts = [{ ...first, topology: { ...first.topology, cells: busy } }, ...rest];
  const drawn = labPage([{ ...lab, hosts }], PLAIN);
  assert.equal(drawn.match(/╔═ cxl ═/g)?.length, 1);
  assert.match(drawn, /║ lab-1 to lab-3 /);
});

test('colour changes nothing but the colour of a fleet', () => {
  // oxlint-disable-next-line no-control-regex -- the escapes are what is taken away
  const bare = labPage([twelve()], { ...PLAIN, colours: 256 }).replace(/\u001b\[[\d;]*m/g, '');
  const trimmed = bare.split('\n').map((line) => line.trimEnd());
  assert.equal(trimmed.join('\n'), labPage([twelve()], PLAIN));
});

test('names of a lab cannot command the terminal', () => {
  const evil = '\u001b]0;owned\u0007\u009b2J\u202e';
  const lab = labOf('lab', ['this']);
  const hosts = lab.hosts.map((host) => ({ ...host, machine: evil, broken: [evil] }));
  const drawn = labPage([{ ...lab, hosts, notes: [evil] }], PLAIN);
  // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
  assert.doesNotMatch(drawn, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
});

test('every core is drawn once, and no line of a drawing is wider than the terminal', () => {
  const shape = fc.record({
    sockets: fc.integer({ min: 1, max: 8 }),
    cells: fc.integer({ min: 1, max: 4 }),
    perCell: fc.integer({ min: 1, max: 40 }),
    threads: fc.integer({ min: 1, max: 2 }),
    memoryOnly: fc.array(fc.constant({ memoryBytes: 64 * GIB }), { maxLength: 2 }),
  });
  const look = fc.record({ columns: fc.integer({ min: 60, max: 200 }), unicode: fc.boolean() });
  fc.assert(
    fc.property(shape, look, ({ perCell, ...one }, how) => {
      const cores = one.cells * perCell;
      const topology = machineTopology({ ...one, cores, memoryBytes: 96 * GIB });
      const drawn = machinePage({ name: 'm', title: 't', topology }, { ...PLAIN, ...how });
      const lines = drawn.split('\n').slice(0, -3);
      for (const line of lines) assert.ok(stringWidth(line) <= how.columns, line);
      const signs = lines.join('').match(how.unicode ? /■/g : /#/g);
      assert.equal(signs?.length, one.sockets * cores);
    }),
    { numRuns: 40 },
  );
});

/** One of everything, several of some, one of them broken and one stopped. */
function twelve(): LabInfo {
  const words = 'this two-sockets two-sockets two-sockets nps4 eight-sockets cxl cxl uneven arm';
  const lab = labOf('lab', [...words.split(' '), 'this', 'this']);
  const hosts = lab.hosts.map((host, index) => ({
    ...host,
    state: index === 5 ? ('stopped' as const) : host.state,
    broken: index === 6 ? ['delay 200', 'freeze'] : [],
  }));
  return { ...lab, hosts, notes: ['no openssl here: hosts have no TLS way in (apt: openssl)'] };
}

/** Real machines: the picture in the documents. */
function real(): LabInfo {
  const machines = [
    ...Array.from({ length: 4 }, () => 'xeon-6230-2s'),
    ...Array.from({ length: 3 }, () => 'epyc-7763-2s'),
    ...Array.from({ length: 3 }, () => 'xeon-6230-2s-snc2'),
    ...Array.from({ length: 2 }, () => 'ryzen-5700g'),
  ];
  return labOf('lab', machines);
}
