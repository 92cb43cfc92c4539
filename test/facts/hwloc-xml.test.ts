import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { gunzipSync } from 'node:zlib';
import { readHwlocXml } from '../../src/facts/hwloc-xml.ts';
import { formatIntSet } from '../../src/base/int-set.ts';
import { onlineCpus } from '../../src/model/topology.ts';

const SETS = 'cpuset="0x0000000b" complete_cpuset="0x0000000f"';

/** Two sockets of two CPUs, CPU 2 offline; HBM beside the memory of the first; a NIC at the second. */
const SMALL = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE topology SYSTEM "hwloc2.dtd">
<topology version="2.0">
  <object type="Machine" os_index="0" ${SETS} nodeset="0x00000007">
    <info name="Architecture" value="x86_64"/>
    <object type="Package" os_index="0" cpuset="0x00000003" nodeset="0x00000005">
      <object type="NUMANode" os_index="0" cpuset="0x00000003" nodeset="0x00000001" local_memory="8388608">
        <page_type size="4096" count="1024"/><page_type size="2097152" count="2"/>
      </object>
      <object type="NUMANode" os_index="2" cpuset="0x00000003" nodeset="0x00000004" local_memory="4194304"/>
      <object type="L3Cache" cpuset="0x00000003" nodeset="0x00000005" cache_size="1048576" depth="3">
        <object type="Core" os_index="4" cpuset="0x00000003" nodeset="0x00000005">
          <object type="PU" os_index="0" cpuset="0x00000001"/><object type="PU" os_index="1" cpuset="0x00000002"/>
        </object>
      </object>
    </object>
    <object type="Package" os_index="1" cpuset="0x00000008" nodeset="0x00000002">
      <object type="NUMANode" os_index="1" cpuset="0x00000008" nodeset="0x00000002" local_memory="4194304"/>
      <object type="Core" os_index="0" cpuset="0x00000008" nodeset="0x00000002">
        <object type="PU" os_index="3" cpuset="0x00000008"/>
      </object>
      <object type="Bridge" bridge_type="0-1" depth="0">
        <object type="PCIDev" pci_busid="0000:81:00.0" pci_type="0200 [8086:1592] [8086:0001] 02"/>
      </object>
    </object>
    <object type="Bridge" bridge_type="0-1" depth="0">
      <object type="PCIDev" pci_busid="0000:01:00.0" pci_type="0300 [1a03:2000] [1a03:2000] 41"/>
    </object>
  </object>
  <distances2 type="NUMANode" nbobjs="3" kind="5" name="NUMALatency" indexing="os">
    <indexes length="6">0 1 2 </indexes>
    <u64values length="18">10 21 13 21 10 </u64values><u64values length="9">23 13 23 10 </u64values>
  </distances2>
</topology>
`;

test('an export of lstopo is the machine it was made on, as far as it says', () => {
  const { topology, unknown } = readHwlocXml(SMALL, 'small.xml');
  assert.deepEqual(unknown, ['what of the memory is free']);
  assert.equal(topology.arch, 'x86_64');
  assert.deepEqual(topology.offlineCpus, [2]);
  assert.deepEqual(onlineCpus(topology), [
    { id: 0, socket: 0, die: 0, l3: 0, core: 4, siblings: [0, 1], online: true },
    { id: 1, socket: 0, die: 0, l3: 0, core: 4, siblings: [0, 1], online: true },
    { id: 3, socket: 1, die: 0, core: 0, siblings: [3], online: true },
  ]);
  assert.deepEqual(
    topology.cells.map(({ id, cpus, memoryBytes, freeBytes, distances }) => ({
      id,
      cpus: formatIntSet(cpus.map((cpu) => cpu.id)),
      memoryBytes,
      freeBytes,
      distances,
    })),
    [
      { id: 0, cpus: '0-1', memoryBytes: 8388608, freeBytes: 4194304, distances: [10, 21, 13] },
      { id: 1, cpus: '3', memoryBytes: 4194304, freeBytes: 4194304, distances: [21, 10, 23] },
      { id: 2, cpus: '', memoryBytes: 4194304, freeBytes: 4194304, distances: [13, 23, 10] },
    ],
  );
  assert.deepEqual(topology.cells[0]?.pages, [
    { sizeKiB: 4, total: 1024, free: 1024 },
    { sizeKiB: 2048, total: 2, free: 2 },
  ]);
  const nic = { address: '0000:81:00.0', class: '0x020000', vendor: '0x8086', device: '0x1592' };
  assert.deepEqual(topology.cells[1]?.pci, [nic]);
  assert.deepEqual(
    topology.pciAnywhere.map((pci) => pci.address),
    ['0000:01:00.0'],
  );
});

test('what an export leaves out is said', () => {
  const bare = SMALL.replace(/<info .*\/>/, '')
    .replace(/<distances2[^]*distances2>/, '')
    .replaceAll(/ local_memory="\d+"/g, '')
    .replaceAll(/<page_type[^>]*>/g, '');
  const { unknown } = readHwlocXml(bare, 'bare.xml');
  assert.deepEqual(unknown, [
    'the architecture',
    'the memory of cell 0',
    'distances from cell 0',
    'the memory of cell 1',
    'distances from cell 1',
    'the memory of cell 2',
    'distances from cell 2',
    'what of the memory is free',
  ]);
});

test('what is no such export, or garbled, is refused with what is wrong', () => {
  const cases: readonly (readonly [text: string, code: string, message: RegExp])[] = [
    ['<topology', 'BERTH_XML_INVALID', /x\.xml/],
    ['<domain/>', 'BERTH_FACTS_INVALID', /no export of hwloc 2\.0/],
    [SMALL.replace(' version="2.0"', ''), 'BERTH_FACTS_INVALID', /no export of hwloc 2\.0/],
    [SMALL.replace('0x0000000b', 'f'), 'BERTH_FACTS_INVALID', /cpuset has a word "f"/],
    [SMALL.replace('os_index="4"', 'os_index="x"'), 'BERTH_FACTS_INVALID', /os_index "x"/],
    [
      SMALL.replace('<object type="PU" os_index="3"', '<object type="PU"'),
      'BERTH_FACTS_INVALID',
      /PU/,
    ],
    [SMALL.replace('23 13 23 10', '23'), 'BERTH_FACTS_INVALID', /distances are incomplete/],
    [
      SMALL.replace('os_index="1" cpuset="0x00000002"', 'os_index="0" cpuset="0x1"'),
      'BERTH_FACTS_INVALID',
      /CPU 0 is listed twice/,
    ],
    [
      SMALL.replace('0000:81:00.0', '../../etc/x'),
      'BERTH_FACTS_INVALID',
      /the address "\.\.\/\.\./,
    ],
    [SMALL.replaceAll('0000:01:00.0', '/x'), 'BERTH_FACTS_INVALID', /the address "\/x"/],
    [
      SMALL.replace('"NUMANode" os_index="2"', '"NUMANode" os_index="9007199254740991"'),
      'BERTH_FACTS_INVALID',
      /cell 9007199254740991 is not from 0 to 1023/,
    ],
    [
      SMALL.replace('0x0000000b', ',0x0'.repeat(256)),
      'BERTH_FACTS_INVALID',
      /cpuset has more than 256 words/,
    ],
    [
      SMALL.replace(
        '<object type="Bridge"',
        `${'<object type="NUMANode" os_index="7"/>'.repeat(1024)}<object type="Bridge"`,
      ),
      'BERTH_FACTS_INVALID',
      /1027 objects NUMANode/,
    ],
  ];
  for (const [text, code, message] of cases) {
    assert.throws(() => readHwlocXml(text, 'x.xml'), { code, message });
  }
});

test('a set as long as a document can be is refused at once', () => {
  const long = SMALL.replace('0x0000000b', '0x1,'.repeat(3e6).slice(0, -1));
  const before = process.cpuUsage();
  assert.throws(() => readHwlocXml(long, 'x.xml'), { code: 'BERTH_FACTS_INVALID' });
  assert.ok(process.cpuUsage(before).user < 5e6, 'in less than five seconds');
});

test('a function of a domain with more than four digits is found', () => {
  const { topology } = readHwlocXml(SMALL.replace('0000:81:00.0', '10000:81:00.0'), 'vmd.xml');
  assert.equal(topology.cells[1]?.pci[0]?.address, '10000:81:00.0');
});

const FOLDER = path.join(process.env['BERTH_TEST_DATA'] ?? '', 'host-topologies/hwloc-xml');
const skip = !existsSync(FOLDER) && 'needs: host-topologies/hwloc-xml in BERTH_TEST_DATA';

/** Sockets, cells, L3 caches and CPUs of each, by hwloc's own count. */
const COUNTS: Readonly<Record<string, readonly number[]>> = {
  '16intel64-manyVFs': [2, 2, 2, 16],
  '192em64t-12gr2n8c2t': [24, 24, 24, 384],
  'AMD-17h-Zen-2xEpyc-7451': [2, 1, 16, 96],
  'AMD-19h-Zen4-2xEpyc-9654': [2, 1, 24, 384],
  'Intel-CascadeLake-2xXeon6230': [2, 1, 2, 80],
  'cxlmem+dax.v2': [1, 1, 1, 4],
  nvidiaDGX2: [2, 2, 2, 4],
};

test('machines known by their exports alone are read with all their parts', { skip }, () => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.xml.gz'));
  const counts = files.map((name) => {
    const text = gunzipSync(readFileSync(path.join(FOLDER, name))).toString('utf8');
    const { topology } = readHwlocXml(text, name);
    const cpus = onlineCpus(topology);
    const count = (key: 'socket' | 'l3'): number => new Set(cpus.map((cpu) => cpu[key])).size;
    const own = [count('socket'), topology.cells.length, count('l3'), cpus.length];
    return [name.replace('.xml.gz', ''), own];
  });
  assert.deepEqual(Object.fromEntries(counts), COUNTS);
});
