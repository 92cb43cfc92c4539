import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { FactTree, PCI_FILES, TOPOLOGY_FILES } from '../../src/facts/fact-files.ts';
import { readPciFunctions } from '../../src/facts/pci-functions.ts';

test('a pattern names a file below the root with at most one star in a segment', () => {
  for (const pattern of [...TOPOLOGY_FILES, ...PCI_FILES]) {
    assert.match(pattern, /^[^/].*[^/]$/);
    for (const segment of pattern.split('/')) assert.ok(segment.split('*').length <= 2);
  }
});

test('a CPU mask means the CPUs whose bits are set', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(200), { minLength: 1 }), (ids) => {
      const mask = ids.reduce((bits, id) => bits | (1n << BigInt(id)), 0n).toString(16);
      const words = mask.padStart(Math.ceil(mask.length / 8) * 8, '0').match(/.{8}/g) ?? [];
      const tree = new FactTree({ map: `${words.join(',')}\n` });
      assert.deepEqual(
        tree.cpus('list', 'map'),
        ids.toSorted((a, b) => a - b),
      );
    }),
  );
});

test('a list wins over a mask, and a NUL byte at its end is passed over', () => {
  const tree = new FactTree({ list: '0-2\n\0', map: 'ff\n', none: '\n' });
  assert.deepEqual(tree.cpus('list', 'map'), [0, 1, 2]);
  assert.deepEqual(tree.cpus('none'), []);
  assert.equal(tree.cpus('missing', 'missing too'), undefined);
});

test('names that objects have by themselves are no files', () => {
  const tree = new FactTree({});
  assert.equal(tree.text('constructor'), undefined);
  assert.deepEqual(tree.names('__proto__'), []);
});

test('what is garbled is refused, naming the file', () => {
  const tree = new FactTree({ 'a/number': '1x', 'a/list': '3-1', 'a/map': 'fg' });
  assert.throws(() => tree.integer('a/number'), {
    code: 'BERTH_FACTS_INVALID',
    message: /^a\/number: /,
  });
  assert.throws(() => tree.cpus('a/list'), { code: 'BERTH_FACTS_INVALID', message: /^a\/list: / });
  assert.throws(() => tree.cpus('a/none', 'a/map'), {
    code: 'BERTH_FACTS_INVALID',
    message: /^a\/map: /,
  });
});

const NIC = 'sys/bus/pci/devices/0000:3b:00.0';
const NIC_FILES = {
  [`${NIC}/class`]: '0x020000\n',
  [`${NIC}/vendor`]: '0x15b3\n',
  [`${NIC}/device`]: '0x1017\n',
  [`${NIC}/numa_node`]: '1\n',
};
const NIC_FUNCTION = {
  address: '0000:3b:00.0',
  class: '0x020000',
  vendor: '0x15b3',
  device: '0x1017',
};

test('PCI functions come from sysfs, and -1 is no cell', () => {
  const files = { ...NIC_FILES, 'sys/bus/pci/devices/0000:00:1f.2/numa_node': '-1\n' };
  assert.deepEqual(readPciFunctions(new FactTree(files), []), [
    {
      cell: undefined,
      pci: { address: '0000:00:1f.2', class: '0x000000', vendor: '0x0000', device: '0x0000' },
    },
    { cell: 1, pci: NIC_FUNCTION },
  ]);
});

test('PCI functions come from node devices, and sysfs fills in what those leave out', () => {
  const device = (inner: string): string =>
    `<device><name>d</name><capability type='pci'><domain>0</domain><bus>59</bus><slot>0</slot><function>0</function>${inner}</capability></device>`;
  const ids = `<product id='0x1017'/><vendor id='0x15b3'/>`;
  const net = `<device><name>n</name><capability type='net'/></device>`;
  const full = device(`<class>0x020000</class>${ids}<numa node='1'/>`);
  assert.deepEqual(readPciFunctions(new FactTree({}), [net, full]), [
    { cell: 1, pci: NIC_FUNCTION },
  ]);
  assert.deepEqual(readPciFunctions(new FactTree(NIC_FILES), [device(ids)]), [
    { cell: 1, pci: NIC_FUNCTION },
  ]);
});
