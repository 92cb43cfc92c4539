import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { SPEC_SCHEMA_FILE, specSchema } from '../../scripts/spec-schema.ts';
import { vmDocument } from '../../src/api/vm-spec.ts';

/** Changes of a sound document by path, and whether it is one still. */
const CASES: readonly (readonly [path: string, value: unknown, isSound: boolean])[] = [
  ['metadata.labels', { app: 'db' }, true],
  ['metadata.labels', { app: 1 }, false],
  ['metadata.name', 'no spaces', false],
  ['spec.cpu', { count: 4, policy: 'dedicated', cpuset: '0-3' }, true],
  ['spec.cpu', { count: 0 }, false],
  ['spec.cpu', { count: 2, colour: 'red' }, false],
  ['spec.cpu', { count: 2, emulator: { cpus: 1 } }, true],
  ['spec.memory', { size: '2GiB', pages: '2MiB' }, true],
  ['spec.memory', { size: 2 }, false],
  ['spec.memory', { size: '1.5 GiB' }, true],
  ['spec.memory', { size: '2GB' }, false],
  ['spec.memory', { size: '2' }, false],
  ['spec.cpu', { count: 2, cpuset: ' 0-3, 8,^2' }, true],
  ['spec.cpu', { count: 2, cpuset: '0-3,' }, false],
  ['spec.cpu', { count: 2, cpuset: 'a' }, false],
  ['spec.placement', { expectedLifetime: '6h' }, true],
  ['spec.placement', { expectedLifetime: '6 h' }, false],
  ['spec.memory', { size: '2GiB', pages: '3MiB' }, false],
  ['spec.disks', [{ name: 'root', image: 'debian-12.qcow2', size: '10GiB' }], true],
  ['spec.disks', [{ name: 'Root', size: '10GiB' }], false],
  ['spec.nics', [{ network: 'default' }], true],
  ['spec.nics', [{ network: 'default', mac: '01:00:00:00:00:00' }], false],
  ['spec.numa', { cells: 2, policy: 'strict' }, true],
  ['spec.numa', { cells: 'some' }, false],
  ['spec.placement', { hosts: { zone: 'a' }, antiAffinity: ['app=db'] }, true],
  ['spec.placement', { antiAffinity: [{ selector: 'app' }] }, false],
  ['spec.boot', { firmware: 'efi', order: ['disk', 'network'] }, true],
  ['spec.boot', { kernel: 'relative' }, false],
];

function documentWith(path: string, value: unknown): unknown {
  const document = {
    apiVersion: 'berth/v1',
    kind: 'VM',
    metadata: { name: 'web' },
    spec: { memory: { size: '1GiB' } },
  };
  const [section = '', key = ''] = path.split('.');
  const sections = document as unknown as Record<string, Record<string, unknown>>;
  return { ...document, [section]: { ...sections[section], [key]: value } };
}

test('the schema for editors is the one that documents are checked with', async () => {
  assert.equal(await readFile(SPEC_SCHEMA_FILE, 'utf8'), await specSchema());
});

test('another validator says of documents by that schema what Berth says', async () => {
  const schema = JSON.parse(await specSchema()) as object;
  const isValid = new Ajv2020({ strict: false }).compile(schema);
  for (const [path, value, isSound] of CASES) {
    const document = documentWith(path, value);
    const text = `${path} ${JSON.stringify(value)}`;
    assert.equal(vmDocument.safeParse(document).success, isSound, `Berth: ${text}`);
    assert.equal(isValid(document), isSound, `schema: ${text}`);
  }
});

/** The fields below a schema that editors could tell nothing about. */
function untold(schema: Schema, path: string): readonly string[] {
  const { properties = {}, anyOf = [], items } = schema;
  return [
    ...Object.entries(properties).flatMap(([name, field]) => [
      ...(field.description === undefined ? [`${path}.${name}`] : []),
      ...untold(field, `${path}.${name}`),
    ]),
    ...anyOf.flatMap((one) => untold(one, path)),
    ...(items === undefined ? [] : untold(items, `${path}[]`)),
  ];
}

interface Schema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
}

test('every field of a document says what it means', async () => {
  const { $defs } = JSON.parse(await specSchema()) as { $defs: Record<string, Schema> };
  const { VmDocument } = $defs;
  assert.ok(VmDocument?.properties?.['spec']);
  assert.deepEqual(untold(VmDocument, 'document'), []);
});
