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
