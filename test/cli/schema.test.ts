import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { SPEC_SCHEMA_FILE } from '../../scripts/spec-schema.ts';
import { runLine } from './run-line.ts';

const NOWHERE = { socket: '/nonexistent' };

test('the schema for editors is printed without a server, with --json or not', async () => {
  const plain = await runLine(['schema'], NOWHERE);
  assert.equal(plain.status, 0, plain.stderr);
  assert.deepEqual(JSON.parse(plain.stdout), JSON.parse(await readFile(SPEC_SCHEMA_FILE, 'utf8')));
  assert.deepEqual(await runLine(['schema', '--json'], NOWHERE), plain);
});
