import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBerthError } from '../../src/base/errors.ts';
import { parseVmDocument } from '../../src/api/vm-spec.ts';
import type { VmDocument } from '../../src/api/vm-spec.ts';

type Spec = Partial<VmDocument['spec']>;

function documentOf(spec: Spec): VmDocument {
  const memory = { size: '1GiB' };
  return {
    apiVersion: 'berth/v1',
    kind: 'VM',
    metadata: { name: 'web' },
    spec: { memory, ...spec },
  };
}

/** What is said against a spec; every message is about the spec, never a fault of the program. */
function refusalOf(spec: Spec): string {
  try {
    parseVmDocument(documentOf(spec));
  } catch (error) {
    assert.ok(isBerthError(error), String(error));
    return error.message;
  }
  throw new assert.AssertionError({ message: `accepted: ${JSON.stringify(spec)}` });
}

test('a guest bound to no cell is refused what only cells give, both sides named', () => {
  const numa = { cells: 'none' } as const;
  const against: readonly (readonly [spec: Spec, message: RegExp])[] = [
    [{ numa, cpu: { count: 2, policy: 'dedicated' } }, /none .* spec\.cpu\.policy dedicated/],
    [{ numa, memory: { size: '1GiB', pages: '2MiB' } }, /none .* spec\.memory\.pages of 2048 KiB/],
    [{ numa: { ...numa, policy: 'interleave' } }, /none .* spec\.numa\.policy interleave/],
    [{ numa: { ...numa, nodeset: '0' } }, /none .* spec\.numa\.nodeset/],
  ];
  for (const [spec, message] of against) assert.match(refusalOf(spec), message);
  assert.equal(parseVmDocument(documentOf({ numa, cpu: { count: 2 } })).numa.cells, 'none');
});

test('vCPUs of both kinds and the places of other threads contradict nothing, or both sides are named', () => {
  const cpu = { count: 4, policy: 'mixed', dedicatedVcpus: '0-1' } as const;
  const against: readonly (readonly [spec: Spec, message: RegExp])[] = [
    [{ cpu: { count: 4, policy: 'mixed' } }, /policy mixed needs to know which vCPUs/],
    [{ cpu: { ...cpu, policy: 'shared' } }, /need spec\.cpu\.policy mixed, but it is shared/],
    [{ cpu: { ...cpu, dedicatedVcpus: '0-3' } }, /all 4 vCPUs .* but spec\.cpu\.policy is mixed/],
    [{ cpu: { ...cpu, dedicatedVcpus: '3-4' } }, /spec\.cpu\.count 4 has vCPUs 0-3, and no 4/],
    [
      { cpu: { count: 1, ioThreads: { count: 1, place: 'isolate' } } },
      /isolated I\/O threads need/,
    ],
    [{ pci: [{ count: 1 }] }, /spec\.pci\[0\]: give either pool or match/],
    [
      { pci: [{ pool: 'a', locality: 'required' }], numa: { cells: 'none' } },
      /required needs a cell/,
    ],
  ];
  for (const [spec, message] of against) assert.match(refusalOf(spec), message);
  const spec = parseVmDocument(documentOf({ cpu: { ...cpu, emulator: { cpus: '0-1' } } }));
  assert.deepEqual(spec.cpu.dedicatedVcpus, [0, 1]);
  assert.deepEqual(spec.cpu.emulator, { cpus: [0, 1] });
});
