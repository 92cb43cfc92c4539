import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fleetOf, readFleet } from '../../src/api/fleet-file.ts';
import { isBerthError } from '../../src/base/errors.ts';
import { GIB } from '../../src/base/units.ts';
import { syntheticHost, syntheticSeat } from '../engine/synthetic-host.ts';
import { coded } from '../refusal.ts';

test('hosts that are counted are numbered, and share one topology', () => {
  const hosts = readFleet(
    [
      'hosts:',
      '  - name: web',
      '    count: 3',
      '    machine: { cores: 8, threads: 2, memory: 32GiB }',
      '    policy: { cpuRatio: 4, reservedCpus: 0-1 }',
      '    labels: { zone: a }',
      '    networks: [storage]',
      '    seats:',
      '      - { vm: db, dedicated: [2, 10], memory: [{ cell: 0, bytes: 4GiB }] }',
      '  - name: desk',
      '    machine: ryzen-5700g',
    ].join('\n'),
    'fleet.yaml',
  );
  assert.deepEqual(
    hosts.map(({ name }) => name),
    ['web-0000', 'web-0001', 'web-0002', 'desk'],
  );
  assert.equal(hosts[0]?.topology, hosts[2]?.topology);
  assert.deepEqual(hosts[1]?.policy.reservedCpus, [0, 1]);
  assert.deepEqual([hosts[1]?.labels, hosts[1]?.networks], [{ zone: 'a' }, ['storage']]);
  const seats = hosts.flatMap((host) => host.seats);
  assert.deepEqual(
    seats.map(({ vm, uuid }) => [vm, uuid]),
    ['0000', '0001', '0002'].map((number) => [`db-${number}`, `db-${number}`]),
  );
  assert.deepEqual(seats[0]?.memory, [{ cell: 0, bytes: 4 * GIB, pageKiB: 4 }]);
});

test('a host as it was seen is one of a fleet, alone or in a list, with what it runs', () => {
  const seat = syntheticSeat('db', { dedicated: [0], memory: [{ bytes: GIB, pageKiB: 4 }] });
  const seen = syntheticHost({ name: 'h7', seats: [seat] });
  const text = JSON.stringify({ ...seen, vms: [] });
  assert.deepEqual(readFleet(text, 'h7.json'), [seen]);
  const [listed] = fleetOf([{ name: 'other', snapshot: seen, policy: { cpuRatio: 2 } }]);
  assert.deepEqual(listed, { ...seen, name: 'other', policy: { ...seen.policy, cpuRatio: 2 } });
});

test('the hosts of a workload are a fleet, whatever else stands in it', () => {
  const cells = [
    {
      cpus: [
        [0, 2],
        [1, 3],
      ],
      shared: [3, 1],
      memoryMiB: 1024,
    },
  ];
  const workload = { ratios: { cpu: 16, ram: 1.5 }, hosts: [{ name: 'm', count: 2, cells }] };
  const hosts = readFleet(JSON.stringify({ ...workload, flavors: [], requests: [] }), 'w.json');
  assert.deepEqual(
    hosts.map(({ name, policy }) => [name, policy.cpuRatio, policy.sharedCpus]),
    ['m-0000', 'm-0001'].map((name) => [name, 16, [3, 1]]),
  );
  const wrong = JSON.stringify({ ...workload, ratios: { cpu: 0, ram: 1 } });
  const refused = coded('BERTH_SPEC_INVALID', /^w\.json:1:\d+: ratios\.cpu: /);
  assert.throws(() => readFleet(wrong, 'w.json'), refused);
});

test('what a VM asks of hosts and of others is written as in its spec', () => {
  const asks = { hosts: { zone: 'a' }, antiAffinity: ['app=db'], networks: ['storage'] };
  const seats = [{ vm: 'db', labels: { app: 'db' }, asks }];
  const [host] = fleetOf([{ name: 'a', machine: 'ryzen-5700g', seats }]);
  const [seat] = host?.seats ?? [];
  assert.deepEqual(seat?.keepsAway, [{ selector: 'app=db', over: 'host' }]);
  assert.deepEqual(seat?.asks, {
    hostLabels: { zone: 'a' },
    antiAffinity: [{ selector: 'app=db', over: 'host', hard: true }],
    networks: ['storage'],
  });
});

test('a large fleet in JSON is read by the same rules, and its mistakes have a line', () => {
  const seen = syntheticHost({ sockets: 8, coresPerCell: 64, threads: 2 });
  const hosts = Array.from({ length: 8 }, (_, index) => ({ ...seen, name: `h${index}` }));
  const text = JSON.stringify(hosts, null, 1);
  assert.ok(text.length > 1_000_000);
  assert.equal(readFleet(text, 'fleet.json').length, 8);
  const twice = text.replace('"name": "h7"', '"name": "h6"');
  const line = twice.slice(0, twice.lastIndexOf('"name": "h6"')).split('\n').length;
  const at = (number: number): RegExp => new RegExp(`^fleet\\.json:${number}:`);
  assert.throws(() => readFleet(twice, 'fleet.json'), coded('BERTH_SPEC_INVALID', at(line)));
  const last = text.split('\n').length;
  const broken = `${text}}`;
  assert.throws(() => readFleet(broken, 'fleet.json'), coded('BERTH_SPEC_INVALID', at(last)));
});

const machine = 'machine: ryzen-5700g';
const MISTAKES: readonly (readonly [string, string, RegExp])[] = [
  ['a size below zero', '- name: a\n  machine: {cores: 1, memory: -1GiB}', /2:.*machine\.memory/],
  ['half a core', '- name: a\n  machine: {cores: 1.5, memory: 1GiB}', /2:.*machine\.cores/],
  ['an unknown machine', '- name: a\n  machine: nosuch', /2:.*no machine "nosuch"/],
  ['no machine', '- name: a', /1:.*it says no machine/],
  [
    'a name twice',
    `- {name: a, ${machine}}\n- {name: a, ${machine}}`,
    /2:.*\[1\]\.name.*a is there/,
  ],
  [
    'a ratio of 0',
    `- name: a\n  ${machine}\n  policy: {cpuRatio: 0}`,
    /3:.*policy\.cpuRatio.*above 0/,
  ],
  [
    'a CPU reserved that is not there',
    `- name: a\n  ${machine}\n  policy: {reservedCpus: [99]}`,
    /.*no CPU 99/,
  ],
  [
    'a CPU shared that is not there',
    `- name: a\n  ${machine}\n  policy: {sharedCpus: [16]}`,
    /.*no CPU 16/,
  ],
  [
    'a pCPU for two',
    `- name: a\n  ${machine}\n  seats: [{vm: x, dedicated: [1]}, {vm: y, dedicated: [1]}]`,
    /3:.*seats\[1\].*pCPU 1 .*x and to y/,
  ],
  [
    'a pCPU that is not there',
    `- name: a\n  ${machine}\n  seats: [{vm: x, dedicated: [99]}]`,
    /.*no online pCPU 99/,
  ],
  [
    'a cell that is not there',
    `- name: a\n  ${machine}\n  seats: [{vm: x, memory: [{cell: 3, bytes: 1GiB}]}]`,
    /.*memory\[0\]\.cell.*no cell 3/,
  ],
  [
    'a pool that is not there',
    `- name: a\n  ${machine}\n  seats: [{vm: x, memory: [{cell: 0, bytes: 1GiB, pageKiB: 77}]}]`,
    /.*no pages of 77 KiB/,
  ],
  [
    'memory below zero',
    `- name: a\n  ${machine}\n  seats: [{vm: x, memory: [{bytes: -1}]}]`,
    /.*memory\[0\]\.bytes/,
  ],
  [
    'a VM twice',
    `- {name: a, ${machine}, seats: [{vm: x}]}\n- {name: b, ${machine}, seats: [{vm: x}]}`,
    /2:.*x is there already, on a/,
  ],
  ['an unknown key', `- name: a\n  ${machine}\n  bogus: 1`, /3:.*bogus.*unknown key/],
  ['no list', 'name: a', /.*no list of hosts/],
  ['no YAML', '{"hosts": [', /1:/],
];

for (const [mistake, text, says] of MISTAKES) {
  test(`a fleet file with ${mistake} is refused where it stands`, () => {
    const where = new RegExp(`^fleet\\.yaml:${says.source}`);
    assert.throws(() => readFleet(text, 'fleet.yaml'), coded('BERTH_SPEC_INVALID', where));
  });
}

test('a topology that contradicts itself is refused', () => {
  const sound = syntheticHost({ threads: 2 });
  const [cell] = sound.topology.cells;
  assert.ok(cell !== undefined);
  const cellsWith = (fields: object): unknown => [
    { ...sound, topology: { ...sound.topology, cells: [{ ...cell, ...fields }] } },
  ];
  const [cpu, ...others] = cell.cpus;
  const wrong = [
    { memoryBytes: -1, freeBytes: -1 },
    { memoryBytes: 1.5 },
    { freeBytes: cell.memoryBytes + 1 },
    { distances: [] },
    { pages: [{ sizeKiB: 0, total: 1, free: 1 }] },
    { cpus: [] },
    { cpus: [{ ...cpu, siblings: [0] }, ...others] },
  ];
  assert.equal(fleetOf(cellsWith({})).length, 1);
  for (const fields of wrong) {
    const refused = coded('BERTH_SPEC_INVALID', /^\[0\]\.topology: /);
    assert.throws(() => fleetOf(cellsWith(fields)), refused);
  }
});

test('a fleet of too many hosts is refused by their sum, before any is made', () => {
  const hosts = ['a', 'b', 'c'].map((name) => ({ name, count: 90_000, machine: 'nosuch' }));
  assert.throws(
    () => fleetOf(hosts),
    coded('BERTH_TOO_LARGE', /the number of hosts is 270000, more than the limit of 200000/),
  );
});

const CELL = { cores: 8, memory: '8GiB', pages: { '2MiB': 512 } };

/** A host with seats that have these shares of memory. */
function withMemory(...shares: readonly object[]): object {
  const seats = shares.map((share, index) => ({ vm: `v${index}`, memory: [share] }));
  return { name: 'a', machine: CELL, seats };
}

const NO_SUCH_AMOUNTS: readonly (readonly [string, object, RegExp])[] = [
  ['pages of 2 KiB', withMemory({ bytes: '1GiB', pageKiB: 2 }), /memory\[0\]\.pageKiB: v0: there/],
  [
    'more pages than the pool has',
    withMemory(
      { cell: 0, bytes: '1000MiB', pageKiB: 2048 },
      { cell: 0, bytes: '26MiB', pageKiB: 2048 },
    ),
    /seats\[1\]\.memory\[0\]\.bytes: v1: .* 513 pages of 2048 KiB, and there are 512/,
  ],
  [
    'bytes that are not whole pages',
    withMemory({ cell: 0, bytes: '3MiB', pageKiB: 2048 }),
    /3145728 bytes are not whole pages of 2048 KiB/,
  ],
  [
    'more memory than the cell has',
    withMemory({ cell: 0, bytes: '9GiB' }),
    /of cell 0, which has 8589934592/,
  ],
  [
    'more kept for the host than it has',
    { name: 'a', machine: CELL, policy: { reservedBytes: '9GiB' } },
    /policy\.reservedBytes: 9663676416 bytes are kept/,
  ],
];

for (const [what, entry, said] of NO_SUCH_AMOUNTS) {
  test(`a host with ${what} cannot be`, () => {
    assert.throws(() => fleetOf([entry]), coded('BERTH_SPEC_INVALID', said));
  });
}

test('what was seen on a host may be more together than it has, and what fits is taken', () => {
  const [fits] = fleetOf([withMemory({ cell: 0, bytes: '1GiB', pageKiB: 2048 })]);
  assert.equal(fits?.seats.length, 1);
  const stopped = ['a', 'b'].map((name) =>
    syntheticSeat(name, { memory: [{ cell: 0, bytes: 3000 * GIB, pageKiB: 4 }] }),
  );
  const seen = syntheticHost({ name: 'h7', seats: stopped });
  assert.equal(readFleet(JSON.stringify(seen), 'h7.json')[0]?.seats.length, 2);
});

test('an alias that stands for nothing is told with its place', () => {
  const said = /^f\.yaml:1:8: \*nope stands for nothing/;
  assert.throws(() => readFleet('hosts: *nope', 'f.yaml'), coded('BERTH_SPEC_INVALID', said));
  const used = readFleet(
    '- &a { name: x, machine: &m { cores: 2, memory: 1GiB } }\n- { name: y, machine: *m }',
    'f.yaml',
  );
  assert.equal(used.length, 2);
});

test('what is wrong is told by one path, and with what would be right', () => {
  const cases = [
    [{ name: 'a', machine: 'cores=4,nope=3' }, /^\[0\]\.machine: "nope" is no key$/, /^key=value/],
    [
      { name: 'a', machine: CELL, policy: { reservedCpus: true } },
      /^\[0\]\.policy\.reservedCpus: it is of the wrong type$/,
      /^a value: array or string$/,
    ],
  ] as const;
  for (const [entry, said, expected] of cases) {
    assert.throws(
      () => fleetOf([entry]),
      (error) =>
        isBerthError(error, 'BERTH_SPEC_INVALID') &&
        said.test(`${error.data.where}: ${error.data.problem}`) &&
        expected.test(error.data.expected),
      String(said),
    );
  }
});
