import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBerthError } from '../../src/base/errors.ts';
import { parseSpecFile } from '../../src/api/spec-file.ts';

const HEAD = 'apiVersion: berth/v1\nkind: VM\nmetadata: { name: db1 }\nspec:\n';

function refusal(text: string): string {
  try {
    parseSpecFile(text, 'vm.yaml');
  } catch (error) {
    assert.ok(isBerthError(error), String(error));
    assert.equal(error.exit, 2);
    return error.message;
  }
  throw new assert.AssertionError({ message: `accepted: ${text}` });
}

test('sizes become bytes, lists become numbers, and defaults are filled in', () => {
  const [entry] = parseSpecFile(
    `${HEAD}  cpu: { count: 4, policy: dedicated, cpuset: "0-5,^2" }\n  memory: { size: 2GiB, pages: 2MiB }\n`,
    'vm.yaml',
  );
  assert.deepEqual(entry?.spec.cpu, {
    count: 4,
    policy: 'dedicated',
    threads: 'prefer',
    emulator: 'share',
    cpuset: [0, 1, 3, 4, 5],
  });
  assert.deepEqual(entry?.spec.memory, { sizeBytes: 2 * 1024 ** 3, pageKiB: 2048 });
  assert.deepEqual(entry?.spec.boot, { firmware: 'bios', order: ['disk'] });
});

test('several documents in one file are several VMs', () => {
  const one = `${HEAD}  memory: { size: 1GiB }\n`;
  const specs = parseSpecFile(`${one}---\n${one.replace('db1', 'db2')}---\n`, 'vms.yaml');
  assert.deepEqual(
    specs.map((entry) => entry.spec.name),
    ['db1', 'db2'],
  );
});

test('every wrong value is named with its line and column', () => {
  const cases: readonly (readonly [text: string, message: RegExp])[] = [
    [`${HEAD}  memroy: { size: 1GiB }\n`, /^vm\.yaml:5:3: spec\.memroy: unknown key/],
    [`${HEAD}  memory: { size: 1GB }\n`, /^vm\.yaml:5:13: spec\.memory\.size: "1GB" is not a size/],
    [`${HEAD}  memory: { size: 0MiB }\n`, /^vm\.yaml:5:13: spec\.memory\.size: "0MiB" is not/],
    [`${HEAD}  memory: { size: 1GiB }\n  cpu: { count: 0 }\n`, /^vm\.yaml:6:10: spec\.cpu\.count/],
    [
      `${HEAD}  memory: { size: 1GiB }\n  cpu: { count: 99999 }\n`,
      /^vm\.yaml:6:10: spec\.cpu\.count/,
    ],
    [
      `${HEAD}  memory: { size: 1GiB }\n  nics: [{}]\n`,
      /^vm\.yaml:6:\d+: spec\.nics\[0\]: give one of/,
    ],
    [`${HEAD.replace('db1', 'a/b')}  memory: { size: 1GiB }\n`, /^vm\.yaml:3:13: metadata\.name/],
    [
      `${HEAD.replace('db1', '"<x/>"')}  memory: { size: 1GiB }\n`,
      /^vm\.yaml:3:13: metadata\.name/,
    ],
    [HEAD, /^vm\.yaml:4:1: spec: /],
    ['a: [', /^vm\.yaml:\d+:\d+: /],
    ['', /there is no document/],
    [`${HEAD}  memory: { size: 1GiB }\n  memory: { size: 2GiB }\n`, /^vm\.yaml:6:3: .*unique/],
  ];
  for (const [text, message] of cases) assert.match(refusal(text), message);
});

test('what would be right is said in plain words', () => {
  const hint = (text: string): string => {
    try {
      parseSpecFile(text, 'vm.yaml');
    } catch (error) {
      assert.ok(isBerthError(error));
      return `${error.message} | ${error.hint}`;
    }
    return 'accepted';
  };
  const spec = (rest: string): string => `${HEAD}  memory: { size: 1GiB }\n${rest}`;
  assert.match(hint(spec('  cpu: { count: 0 }\n')), /it is too small \| expected at least 1$/);
  assert.match(
    hint(spec('  cpu: { count: 1, policy: own }\n')),
    /unknown word \| expected one of shared, dedicated, mixed$/,
  );
  assert.match(
    hint(`${HEAD}  cpu: { count: 1 }\n`),
    /spec\.memory: it is missing \| expected a value: object$/,
  );
  assert.match(hint(HEAD.replace('db1', 'a/b')), /it is not valid \| expected letters, digits/);
});

test('documents that would take all memory or all stack are refused like any other', () => {
  const names = Array.from({ length: 12 }, (_, level) => `a${level}`);
  const bomb = names.map((name, level) =>
    level === 0
      ? `${name}: &${name} [x, x, x]`
      : `${name}: &${name} [*a${level - 1}, *a${level - 1}, *a${level - 1}]`,
  );
  assert.match(refusal(bomb.join('\n')), /^vm\.yaml: it is nested too deeply, or its aliases/);
  assert.match(refusal('['.repeat(50_000)), /^vm\.yaml/);
});

test('values that contradict each other are refused, naming both sides', () => {
  const spec = (rest: string): string => `${HEAD}  memory: { size: 1GiB }\n${rest}`;
  assert.match(
    refusal(spec('  cpu: { count: 4, policy: dedicated, cpuset: 1-2 }\n')),
    /spec\.cpu\.cpuset: 2 pCPUs cannot give 4 dedicated ones \(spec\.cpu\.count/,
  );
  assert.match(
    refusal(spec('  numa: { policy: preferred, nodeset: 0-1 }\n')),
    /spec\.numa\.policy preferred takes exactly one cell, but 2/,
  );
  assert.match(
    refusal(spec('  cpu: { count: 2, threads: require }\n')),
    /thread policy require needs spec\.cpu\.policy dedicated or mixed, but it is shared/,
  );
  assert.match(
    refusal(spec('  cpu: { count: 2 }\n  numa: { cells: [{ cpus: 0, memory: 1GiB }] }\n')),
    /each vCPU 0-1 of spec\.cpu\.count once/,
  );
});

test('a file that nests without end, or is no text, is refused in few words', () => {
  assert.match(refusal('['.repeat(60_000)), /^vm\.yaml:\d+:\d+: it is nested too deeply/);
  const bytes = Array.from({ length: 5000 }, (_, index) => (index * 7919) % 251);
  const said = refusal(`a: "${'x'.repeat(50)}\n${Buffer.from(bytes).toString('latin1')}`);
  assert.ok(said.length < 250, said);
});
