import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { isBerthError } from '../../../src/base/errors.ts';
import { hostChange } from '../../../src/api/host-change.ts';
import { pageQuery } from '../../../src/api/paging.ts';
import { checkRequest } from '../../../src/server/http/check-request.ts';

/** What is said of a part of a request: `message | hint`; nothing where it is right. */
function saidOf(schema: z.ZodType, httpPart: string, data: unknown): string | undefined {
  const check = checkRequest({ schema, httpPart, method: 'GET', url: '/' });
  const { error } = check(data) as { readonly error?: unknown };
  if (error === undefined) return undefined;
  assert.ok(isBerthError(error));
  return `${error.message} | ${error.hint}`;
}

test('a wrong key is named as it was sent, with what a key may be', () => {
  const said = saidOf(hostChange, 'body', { labels: { 'bad/ key': 'x' } });
  assert.equal(said, 'labels.bad/ key: it is not valid | expected a plain word');
});

test('a number, a text or a type that is wrong is told with what is taken', () => {
  const ratio = { settings: { cpuRatio: 5000 } };
  assert.equal(
    saidOf(hostChange, 'body', ratio),
    'settings.cpuRatio: it is too large | expected at most 1000',
  );
  assert.equal(
    saidOf(hostChange, 'body', { labels: { zone: 'x'.repeat(64) } }),
    'labels.zone: it is too long | expected at most 63 characters',
  );
  assert.equal(
    saidOf(hostChange, 'body', []),
    'the body of the request: it is of the wrong type | expected a value: object',
  );
  assert.equal(
    saidOf(pageQuery, 'querystring', { limt: '3' }),
    'limt: unknown key | expected only documented keys',
  );
});

test('no word of the validator’s own is passed on', () => {
  const said = saidOf(z.object({ id: z.string().regex(/^a$/) }), 'params', { id: 'b' });
  assert.equal(said, 'id: it is not valid | expected another value');
});

test('what is right is handed on as the schema reads it', () => {
  const check = checkRequest({
    schema: pageQuery,
    httpPart: 'querystring',
    method: 'GET',
    url: '/',
  });
  assert.deepEqual(check({ limit: '3' }), { value: { limit: 3 } });
});
