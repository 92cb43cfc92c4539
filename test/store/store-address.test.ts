import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBerthError } from '../../src/base/errors.ts';
import { isPostgresUrl, parsePostgresUrl } from '../../src/store/store-address.ts';
import { Store } from '../../src/store/store.ts';

test('a URL names user, password, database and every host with its port', () => {
  const { ssl: _, ...address } = parsePostgresUrl(
    'postgres://berth:s%40fe@db1,db2:5433,[::1]/fleet',
  );
  assert.deepEqual(address, {
    user: 'berth',
    password: 's@fe',
    database: 'fleet',
    hosts: [
      { host: 'db1', port: 5432 },
      { host: 'db2', port: 5433 },
      { host: '::1', port: 5432 },
    ],
    shown: 'postgresql://db1,db2:5433,[::1]/fleet',
  });
});

test('the folder of a unix socket is written percent-encoded, or as a parameter', () => {
  for (const url of ['postgresql://%2Frun%2Fpg/x', 'postgresql:///x?host=/run/pg&port=5432']) {
    assert.deepEqual(parsePostgresUrl(url).hosts, [{ host: '/run/pg', port: 5432 }], url);
  }
});

test('a server elsewhere is asked for TLS with a checked certificate unless the URL says otherwise', () => {
  const far = { host: 'db1', port: 5432 };
  const near = { host: '127.0.0.1', port: 5432 };
  const { ssl } = parsePostgresUrl('postgres://db1/x');
  assert.deepEqual([ssl(far), ssl(near)], [{ rejectUnauthorized: true }, false]);
  assert.equal(parsePostgresUrl('postgres://db1/x?sslmode=disable').ssl(far), false);
  const required = parsePostgresUrl('postgres://db1/x?sslmode=require').ssl(far);
  assert.deepEqual(required, { rejectUnauthorized: false });
});

test('what is no such URL is refused, and the password is not repeated', () => {
  for (const url of [
    'postgres:berth:hidden@db/x',
    'postgres://berth:hidden@db:port/x',
    'postgres://berth:hidden@db:99999/x',
    'postgres://berth:hidden%zz@db/x',
    'postgres://berth:hidden@db,,c/x',
    'postgres://berth:hidden@db/x?sslmode=prefer',
    'postgres://berth:hidden@db/x?timeout=1',
  ]) {
    assert.ok(isPostgresUrl(url), url);
    assert.throws(
      () => parsePostgresUrl(url),
      (error) =>
        isBerthError(error, 'BERTH_SPEC_INVALID') && !JSON.stringify(error.data).includes('hidden'),
      url,
    );
  }
  assert.ok(!isPostgresUrl('/var/lib/postgres/store.sqlite'));
});

test('any other URL is no file either: it is refused, and nothing of it is shown', async () => {
  for (const url of [
    'postgre://u:pw@db1/x',
    'Postgres://u:pw@db1/x',
    'POSTGRESQL://u:pw@db1/x',
    'mysql://u:pw@h',
  ]) {
    assert.ok(isPostgresUrl(url), url);
    await assert.rejects(Store.open(url), (error) => {
      assert.ok(isBerthError(error, 'BERTH_SPEC_INVALID'), url);
      assert.doesNotMatch(`${error.message} ${error.hint} ${JSON.stringify(error.data)}`, /u:pw/);
      return true;
    });
  }
});
