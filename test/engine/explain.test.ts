import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GIB } from '../../src/base/units.ts';
import { explainRefusal, groupRefusals } from '../../src/engine/explain.ts';
import { place } from '../../src/engine/place.ts';
import type { Refused } from '../../src/engine/place.ts';
import type { PlacementRequest } from '../../src/engine/request.ts';
import type { HostSnapshot } from '../../src/model/host.ts';
import { ask } from './requests.ts';
import { syntheticHost, syntheticSeat } from './synthetic-host.ts';

test('hosts that refuse for the same reasons are told together, others apart', () => {
  const refused = refusal(
    ['a', 'b', 'c'].map((name) => syntheticHost({ name, coresPerCell: name === 'c' ? 2 : 3 })),
    { vcpus: 4 },
  );
  assert.deepEqual(
    groupRefusals(refused.refusals).map(({ hosts }) => hosts),
    [['a', 'b'], ['c']],
  );
});

test('the summary of one host is its first limit, that of many names the closest host', () => {
  const one = refusal([syntheticHost({ name: 'a', coresPerCell: 3 })], { vcpus: 4 });
  assert.equal(one.summary, 'a: cell 0 has 3 free pCPUs; the VM needs 4');
  const many = refusal(
    [syntheticHost({ name: 'a', coresPerCell: 1 }), syntheticHost({ name: 'b', coresPerCell: 3 })],
    { vcpus: 4 },
  );
  assert.equal(
    many.summary,
    'none of 2 hosts takes vm: 2 for too few free pCPUs (b comes closest: cell 0 has 3 free pCPUs; the VM needs 4)',
  );
});

test('the lines name every limit, who holds what is missing, and what would help', () => {
  const seats = ['w1', 'w2'].map((vm, i) => syntheticSeat(vm, { dedicated: [i] }));
  const host = syntheticHost({ name: 'a', cellBytes: 16 * GIB, seats });
  const lines = explainRefusal(refusal([host], { vcpus: 3 }));
  assert.deepEqual(lines, [
    'a: cell 0 has 2 free pCPUs; the VM needs 3',
    'a:',
    '  - cell 0 has 2 free pCPUs; the VM needs 3',
    '    held by w1, w2',
    'It would fit with any one of these:',
    '  - give it 2 vCPUs instead of 3',
  ]);
});

test('a long list of holders is counted after the first eight', () => {
  const seats = Array.from({ length: 11 }, (_, i) =>
    syntheticSeat(`w${String(i).padStart(2, '0')}`, { dedicated: [i] }),
  );
  const host = syntheticHost({ coresPerCell: 12, seats });
  const lines = explainRefusal(refusal([host], { vcpus: 2 }));
  assert.ok(lines.includes('    held by w00, w01, w02, w03, w04, w05, w06, w07 and 3 more'));
});

test('sizes that round to the same words are told apart', () => {
  const one = refusal([syntheticHost({ name: 'a', cellBytes: 4 * GIB })], {
    vcpus: 1,
    memoryBytes: 3949 * 2 ** 20,
  });
  assert.match(one.summary, /has 4096 MiB of .* needs 4097 MiB/);
});

test('where only two changes together help, that is said', () => {
  const host = syntheticHost({ name: 'a', cellBytes: 4 * GIB, coresPerCell: 2 });
  const lines = explainRefusal(refusal([host], { vcpus: 4, memoryBytes: 8 * GIB }));
  assert.deepEqual(lines.slice(-2), [
    'No single change would make it fit; these two together would:',
    '  - give it 2 vCPUs and 3.9 GiB of memory instead of 4 and 8 GiB',
  ]);
});

test('where no change helps, that is said', () => {
  const host = syntheticHost({ policy: { reservedCpus: [0, 1, 2, 3] } });
  assert.equal(explainRefusal(refusal([host], {})).at(-1), 'No single change would make it fit.');
});

function refusal(hosts: readonly HostSnapshot[], fields: Partial<PlacementRequest>): Refused {
  const result = place(hosts, ask(fields));
  assert.ok(!result.ok);
  return result;
}
