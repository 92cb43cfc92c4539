import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { parseServers } from '../../src/api/huawei-trace.ts';
import { parseTrace } from '../../src/api/trace-file.ts';
import { GIB } from '../../src/base/units.ts';
import { topologyProblems } from '../../src/model/topology.ts';
import { coded } from '../refusal.ts';

const AZURE = 'vm_id,batch_id,arrival_s,vcpu,mem_gib,life_lo_s,life_hi_s,censored,lifetime_s';
const HUAWEI = 'request,vcpu,mem_gib,numa_nodes,strategy,group,fault_domain';
const OWN = 'at,event,id,vcpus,memory_mib,until,policy,cells,page,expected_s';
const SERVERS = 'server_row,node0_free_vcpu,node0_free_mem_gib,node1_free_vcpu,node1_free_mem_gib';

/** A file of those lines. */
function lines(...rows: readonly string[]): string {
  return `${rows.join('\n')}\n`;
}

test('an Azure trace has lifetimes, but for those whose end was not seen', () => {
  const { format, arrivals } = parseTrace(
    lines(AZURE, '0,0,300,8,14,300,300,0,300', '1,0,300,1,0.75,600,900,1,', '2,1,600,8,14,0,0,0,0'),
    't.csv',
  );
  assert.equal(format, 'azure');
  assert.deepEqual(
    arrivals.map(({ at, until, flavor }) => [at, until, flavor.vcpus, flavor.memoryBytes / GIB]),
    [
      [300, 600, 8, 14],
      [300, undefined, 1, 0.75],
      [600, 600, 8, 14],
    ],
  );
  assert.equal(arrivals[0]?.flavor, arrivals[2]?.flavor);
});

test('an Azure trace without lifetimes has guests that stay', () => {
  const header = 'vm_id,batch_id,arrival_s,vcpu,mem_gib';
  assert.deepEqual(
    parseTrace(lines(header, '0,0,0,1,2'), 't.csv').arrivals.map(({ until }) => until),
    [undefined],
  );
});

test('strategies of a Huawei sequence become labels, and rules over servers', () => {
  const { format, arrivals } = parseTrace(
    lines(
      HUAWEI,
      '0,4,8,2,,,',
      '1,2,4,1,affinity,3,',
      '2,2,4,1,anti-affinity,3,',
      '3,2,4,1,fault_domain,5,0',
      '4,2,4,1,fault_domain,5,1',
    ),
    't.csv',
  );
  const rule = (selector: string, hard: boolean) => [{ selector, over: 'host', hard }];
  assert.equal(format, 'huawei');
  assert.deepEqual(
    arrivals.map(({ at, labels, rules }) => [at, labels, rules]),
    [
      [0, undefined, undefined],
      [1, { near: '3' }, { affinity: rule('near=3', false) }],
      [2, { apart: '3' }, { antiAffinity: rule('apart=3', true) }],
      [3, { domain: '5.0' }, { antiAffinity: rule('domain=5.1', true) }],
      [4, { domain: '5.1' }, { antiAffinity: rule('domain=5.0', true) }],
    ],
  );
  assert.deepEqual(
    arrivals.map(({ flavor }) => flavor.cells),
    [2, 1, 1, 1, 1],
  );
});

test('a trace of our own may end a guest in its line, or in a later one', () => {
  const { arrivals } = parseTrace(
    lines(
      OWN,
      '0,create,a,2,1024,,,,,',
      '1,,b,2,1024,9,shared,none,,60',
      '"5",delete,a,,,,,,,',
      '6,,,4,2048,,dedicated,2,2MiB,',
    ),
    't.csv',
  );
  assert.deepEqual(
    arrivals.map(({ at, until, flavor, rules }) => [at, until, flavor.name, rules]),
    [
      [0, 5, 'd-2c1g-auto', undefined],
      [1, 9, 's-2c1g-none', { expectedLifetimeMs: 60_000 }],
      [6, undefined, 'd-4c2g-2n-2048k', undefined],
    ],
  );
});

const WRONG: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['an unknown header', ['a,b'], /^t\.csv:1: this is the header of no trace/],
  ['a column twice', ['at,vcpus,memory_mib,at'], /:1: the column at is there twice/],
  ['an unknown column', ['at,vcpus,memory_mib,colour'], /:1: unknown column "colour"/],
  ['too few fields', ['at,vcpus,memory_mib', '0,1'], /:2: 2 fields under 3 columns/],
  [
    'time running backwards',
    ['at,vcpus,memory_mib', '5,1,1', '', '4,1,1'],
    /:4: time runs backwards/,
  ],
  ['a negative size', ['at,vcpus,memory_mib', '0,1,-4'], /:2: memory_mib is "-4"/],
  ['a vCPU in parts', ['at,vcpus,memory_mib', '0,1.5,4'], /:2: vcpus is "1\.5"/],
  ['a size that is missing', ['at,vcpus,memory_mib', '0,,4'], /:2: vcpus is missing/],
  [
    'a release of what was never placed',
    [OWN, '0,delete,a,,,,,,,'],
    /:2: "a" is deleted, and was never created/,
  ],
  [
    'a release without a name',
    [OWN, '0,delete,,,,,,,,'],
    /:2: "" is deleted, and was never created/,
  ],
  [
    'a second release',
    [OWN, '0,,a,1,4,,,,,', '1,delete,a,,,,,,,', '2,delete,a,,,,,,,'],
    /:4: a was deleted before/,
  ],
  [
    'a release beside until',
    [OWN, '0,,a,1,4,9,,,,', '1,delete,a,,,,,,,'],
    /:3: a leaves at 9 s already/,
  ],
  ['an id twice', [OWN, '0,,a,1,4,,,,,', '0,,a,1,4,,,,,'], /:3: the id a is there twice/],
  ['an end before the beginning', [OWN, '5,,a,1,4,4,,,,'], /:2: the guest leaves at 4 s/],
  ['an unknown event', [OWN, '5,stop,a,1,4,,,,,'], /:2: unknown event "stop"/],
  ['an unknown page size', [OWN, '5,,,1,4,,,,3MiB,'], /:2: unknown page size "3MiB"/],
  ['more cells than vCPUs', [OWN, '5,,,1,4,,,2,,'], /:2: 1 vCPUs and 4 MiB do not go into 2/],
  ['pages that are not whole', [OWN, '5,,,1,3,,,1,2MiB,'], /whole pages/],
  [
    'a dedicated guest bound to nothing',
    [OWN, '5,,,1,4,,,none,,'],
    /:2: a dedicated guest is always bound/,
  ],
  [
    'pages without a cell',
    [OWN, '5,,,1,4,,shared,none,2MiB,'],
    /:2: pages of 2MiB are bound to a cell/,
  ],
  ['a VM twice', [AZURE, '0,0,0,1,1,0,0,1,', '0,0,0,1,1,0,0,1,'], /:3: vm_id 0 is there twice/],
  ['an Azure size of nothing', [AZURE, '0,0,0,1,0,0,0,1,'], /:2: mem_gib is "0"/],
  [
    'an Azure time running backwards',
    [AZURE, '0,0,9,1,1,0,0,1,', '1,0,8,1,1,0,0,1,'],
    /:3: time runs backwards/,
  ],
  ['an unknown strategy', [HUAWEI, '0,1,1,1,nearby,0,'], /:2: unknown strategy "nearby"/],
  [
    'a guest that cannot be cut',
    [HUAWEI, '0,3,4,2,,,'],
    /:2: 3 vCPUs and 4 GiB cannot be split evenly over 2/,
  ],
  ['more vCPUs than a VM may have', [OWN, '0,,,4097,4,,,,,'], /:2: vcpus is "4097"/],
  ['Azure vCPUs beyond count', [AZURE, '0,0,0,9999999999,1,0,0,1,'], /:2: vcpu is "9999999999"/],
  ['Huawei vCPUs beyond count', [HUAWEI, '0,99999999,4,1,,,'], /:2: vcpu is "99999999"/],
  [
    'memory beyond exact bytes',
    ['at,vcpus,memory_mib', '0,1,8589934592'],
    /:2: memory_mib is "8589934592"/,
  ],
  [
    'Azure memory beyond exact bytes',
    [AZURE, '0,0,0,1,8388608,0,0,1,'],
    /:2: mem_gib is "8388608"/,
  ],
  ['text after a quoted field', ['at,vcpus,memory_mib', '0,"1"2,4'], /:2: the quotes of field 2/],
  ['a quote within a field', ['at,vcpus,memory_mib', '0,1"2",4'], /:2: the quotes of field 2/],
  ['a quote that is not closed', ['at,vcpus,memory_mib', '0,1,"4'], /:2: the quotes of field 3/],
  ['a first field that is empty', ['at,vcpus,memory_mib', ',1,"4"'], /:2: at is missing/],
  ['a last field that is empty', ['at,vcpus,memory_mib', '0,"1",'], /:2: memory_mib is missing/],
];
for (const [what, rows, said] of WRONG) {
  test(`a trace with ${what} is refused by its line`, () => {
    assert.throws(() => parseTrace(lines(...rows), 't.csv'), coded('BERTH_SPEC_INVALID', said));
  });
}

test('fields may stand in quotes, with spaces around them and commas in them', () => {
  const quoted = lines('"at", "vcpus" ,memory_mib,id,until', '"0", "2" ,"4","a, ""b""",""');
  const [first] = parseTrace(quoted, 't.csv').arrivals;
  assert.deepEqual([first?.flavor.vcpus, first?.until], [2, undefined]);
  assert.throws(
    () => parseTrace(`${quoted}"0","2","4","a, ""b""",""\n`, 't.csv'),
    coded('BERTH_SPEC_INVALID', /:3: the id a, "b" is there twice/),
  );
});

test('servers have a pCPU for each free vCPU, and those without any are left out', () => {
  const hosts = parseServers(lines(SERVERS, '0,2,4,1,8', '1,0,64,0,64', '2,0,4,3,8'), 's.csv');
  assert.deepEqual(
    hosts.map(({ name, topology }) => [
      name,
      topology.cells.map((cell) => [cell.cpus.map(({ id }) => id), cell.memoryBytes / GIB]),
      topologyProblems(topology),
    ]),
    [
      [
        'server-0000',
        [
          [[0, 1], 4],
          [[2], 8],
        ],
        [],
      ],
      [
        'server-0002',
        [
          [[], 4],
          [[0, 1, 2], 8],
        ],
        [],
      ],
    ],
  );
});

test('servers that are there twice, or lack a column, are refused by their line', () => {
  assert.throws(
    () => parseServers(lines(SERVERS, '7,2,4,1,8', '7,2,4,1,8'), 's.csv'),
    coded('BERTH_SPEC_INVALID', /^s\.csv:3: server-0007 is there twice/),
  );
  assert.throws(
    () => parseServers(lines('server_row,node0_free_vcpu', '7,2'), 's.csv'),
    coded('BERTH_SPEC_INVALID', /^s\.csv:1: there is no column node0_free_mem_gib/),
  );
});

test('a server of more pCPUs or memory than can be is refused by its line', () => {
  for (const row of ['0,9999999999,4,1,8', '0,1,8388608,1,8']) {
    assert.throws(
      () => parseServers(lines(SERVERS, row), 's.csv'),
      coded('BERTH_SPEC_INVALID', /^s\.csv:2: node0_free_/),
    );
  }
});

const DATA = process.env['BERTH_TEST_DATA'];

/** How many requests or servers each real file has. */
const REAL = [
  ['vm-requests/azure-v1-requests-with-lifetimes-day20-24.csv.gz', 259_159],
  ['numa-placement-huawei-cc0/vm-requests-sequence-C1.csv.gz', 4998],
  ['numa-placement-huawei-cc0/vm-requests-sequence-C2.csv.gz', 4998],
  ['numa-placement-huawei-cc0/vm-requests-sequence-C4.csv.gz', 4998],
  ['numa-placement-huawei-cc0/servers-two-numa-nodes-free-capacity.csv.gz', 1710],
] as const;
for (const [name, count] of REAL) {
  const file = path.join(DATA ?? '', name);
  const skip =
    DATA === undefined || !existsSync(file) ? `needs: ${name} in BERTH_TEST_DATA` : false;
  test(`${path.basename(name)} is read whole`, { skip }, () => {
    const text = gunzipSync(readFileSync(file)).toString();
    const read = name.includes('servers')
      ? parseServers(text, name)
      : parseTrace(text, name).arrivals;
    assert.equal(read.length, count);
  });
}

test('vCPUs that no even share per cell comes of are refused, as in a workload', () => {
  const text = 'at,vcpus,memory_mib,cells\n0,4,1024,3\n';
  const said = /t\.csv:2: 4 vCPUs cannot be split evenly over 3 guest cells/;
  assert.throws(() => parseTrace(text, 't.csv'), coded('BERTH_SPEC_INVALID', said));
});
