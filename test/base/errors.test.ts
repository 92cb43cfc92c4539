import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { berthError, ERRORS, isBerthError, isErrorCode } from '../../src/base/errors.ts';
import { errorsPage } from '../../scripts/errors-page.ts';

test('an error says what, where and what to do, and carries its exit code and HTTP status', () => {
  const error = berthError('BERTH_NOT_FOUND', { kind: 'VM', name: 'web', known: ['db', 'hello'] });
  assert.equal(error.message, 'no VM named "web"');
  assert.equal(error.hint, 'there are: db, hello');
  assert.equal(error.exit, 3);
  assert.equal(error.http, 404);
  assert.ok(isBerthError(error, 'BERTH_NOT_FOUND'));
  assert.ok(!isBerthError(error, 'BERTH_BUSY'));
});

test('of a thing whose name is not told, the hint says where to look, and not that there is none', () => {
  const hint = (kind: string): string =>
    berthError('BERTH_NOT_FOUND', { kind, name: 'x', known: [] }).hint;
  assert.match(hint('operation'), /berth operation ls$/);
  assert.match(hint('VM'), /berth vm ls$/);
  assert.match(hint('resource'), /openapi\.json$/);
  assert.equal(hint('token'), 'there is no token yet');
});

test('a refusal of what somebody has no right to ends as every refusal does', () => {
  const unknown = berthError('BERTH_UNAUTHENTICATED', { reason: 'no token was given' });
  const forbidden = berthError('BERTH_FORBIDDEN', { actor: 'ci', what: 'x', reason: 'y' });
  assert.deepEqual([unknown.exit, forbidden.exit], [4, 4]);
});

test('an empty URI is seen in what is said of it', () => {
  const error = berthError('BERTH_URI_INVALID', { uri: '', problem: 'this is no libvirt URI' });
  assert.equal(error.message, "'': this is no libvirt URI");
});

test('the place of a wrong value is file:line:column', () => {
  const data = { where: 'vm.yaml', problem: 'unknown key', expected: 'another' };
  assert.equal(berthError('BERTH_SPEC_INVALID', data).message, 'vm.yaml: unknown key');
  assert.equal(
    berthError('BERTH_SPEC_INVALID', { ...data, line: 3, column: 5 }).message,
    'vm.yaml:3:5: unknown key',
  );
});

test('the hint of a wrong fact fits a host and a file', () => {
  const hint = (fact: string): string =>
    berthError('BERTH_FACTS_INVALID', { fact, problem: 'it is odd' }).hint;
  assert.match(hint('host topology'), /lscpu -e on that host/);
  assert.match(hint('/var/lib/berth/lab/lab/lab.json'), /^put that file right/);
});

test('names that every object has are no error codes', () => {
  assert.ok(isErrorCode('BERTH_USAGE'));
  assert.ok(!isErrorCode('toString'));
});

test('every error has a sentence in the registry, and docs/errors.md is what the registry says', () => {
  for (const [code, entry] of Object.entries(ERRORS)) assert.match(entry.when, /\.$/, code);
  assert.equal(readFileSync('docs/errors.md', 'utf8'), errorsPage());
});
