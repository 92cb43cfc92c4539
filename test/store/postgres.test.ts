import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DatabaseError } from 'pg';
import { isBerthError } from '../../src/base/errors.ts';
import { postgresError } from '../../src/store/postgres-error.ts';
import { Store } from '../../src/store/store.ts';
import { sharedPostgres } from './both-stores.ts';
import { postgresSkip } from './postgres.ts';

const skip = postgresSkip();

test('a database that is not there is told at once, without the password', { skip }, async () => {
  const { socket } = await sharedPostgres();
  const url = `postgres://postgres:hidden@${encodeURIComponent(socket)}/nowhere`;
  await assert.rejects(Store.open(url), (error) => {
    assert.ok(isBerthError(error, 'BERTH_STORE'));
    const told = JSON.stringify([error.message, error.hint, error.data, error.stack, error.cause]);
    assert.match(told, /database \\+"nowhere\\+" does not exist/);
    assert.doesNotMatch(told, /hidden/);
    return true;
  });
});

test(
  'connections that were ended meanwhile are replaced before anybody notices',
  { skip },
  async () => {
    const postgres = await sharedPostgres();
    await using store = await Store.open(await postgres.database());
    for (let round = 0; round < 10; round++) {
      await postgres.run(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'berth'",
      );
      await store.hosts.add({ name: `h${round}`, uri: `qemu+ssh://h${round}/system`, addedAt: 1 });
      assert.equal((await store.hosts.list()).length, round + 1);
    }
  },
);

test('of many stores that are opened at once one makes the tables', { skip }, async () => {
  const url = await (await sharedPostgres()).database();
  const stores = await Promise.all([1, 2, 3, 4].map(async () => Store.open(url)));
  for (const store of stores) {
    assert.deepEqual(await store.hosts.list(), []);
    await store[Symbol.asyncDispose]();
  }
});

test('what PostgreSQL refuses is told by its SQLSTATE', () => {
  const codes = {
    '53100': 'BERTH_DISK_FULL', // disk_full
    '40P01': 'BERTH_BUSY', // deadlock_detected
    '55P03': 'BERTH_BUSY', // lock_not_available
    '57P01': 'BERTH_STORE_UNREACHABLE', // admin_shutdown
    '53300': 'BERTH_STORE_UNREACHABLE', // too_many_connections
    '25006': 'BERTH_STORE_UNREACHABLE', // read_only_sql_transaction
    '08006': 'BERTH_STORE_UNREACHABLE', // connection_failure
    '28P01': 'BERTH_STORE', // invalid_password
    '42501': 'BERTH_STORE', // insufficient_privilege
  };
  for (const [code, expected] of Object.entries(codes)) {
    const error = Object.assign(new DatabaseError('it says why', 0, 'error'), { code });
    const told = postgresError(error, 'postgresql://db/fleet');
    assert.ok(isBerthError(told) && told.code === expected, code);
  }
});
