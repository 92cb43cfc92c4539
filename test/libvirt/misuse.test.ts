import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isBerthError } from '../../src/base/errors.ts';
import {
  connect,
  connectGetHostname,
  domainGetInfo,
  domainLookupByName,
  domainMigrateSetMaxSpeed,
  networkGetXmlDesc,
  parseUri,
  type Connection,
} from '../../src/libvirt/index.ts';
import { coded } from '../refusal.ts';
import { FakeDaemon } from './fake-daemon.ts';

const WAIT = { deadlineMs: 10_000 };
const UUID = '00000000-0000-0000-0000-000000000001';

/** What plain JavaScript can hand over, past the types. */
type Loose = (...args: readonly unknown[]) => Promise<unknown>;

describe('a call from plain JavaScript', () => {
  test('with a mistake in it is refused with the field that is wrong', async (t) => {
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t);
    const call = connection.call.bind(connection) as Loose;
    const openStream = connection.openStream.bind(connection) as Loose;
    for (const [attempt, said] of [
      [call(connectGetHostname, {}), /deadline of connectGetHostname: it is missing/],
      [call(connectGetHostname, {}, { deadlineMs: '5' }), /deadline of connectGetHostname/],
      [call(domainLookupByName, {}, WAIT), /^name of domainLookupByName: it is missing/],
      [call(domainLookupByName, { name: 5 }, WAIT), /^name of .* of type number/],
      [call(domainLookupByName, { name: null }, WAIT), /^name of .*: it is null/],
      [call(domainLookupByName, undefined, WAIT), /domainLookupByName: it is missing/],
      [call(domainGetInfo, {}, WAIT), /^dom of domainGetInfo: it has no name/],
      [call(domainGetInfo, { dom: { uuid: UUID } }, WAIT), /^dom of domainGetInfo: it has no/],
      [call(domainGetInfo, { dom: { uuid: UUID, name: 'a' } }, WAIT), /^id of .*: it is missing/],
      [call(networkGetXmlDesc, { net: { uuid: UUID } }, WAIT), /^net of networkGetXmlDesc/],
      [
        call(
          domainMigrateSetMaxSpeed,
          { dom: { name: '', uuid: UUID, id: 1 }, bandwidth: 5 },
          WAIT,
        ),
        /^bandwidth of .* of type number/,
      ],
      [call(undefined, {}, WAIT), /the procedure of a call: it is missing/],
      [call({}, {}, WAIT), /it is no procedure/],
      [openStream(undefined, {}, WAIT), /the procedure of a call/],
    ] as const) {
      await assert.rejects(attempt, coded('BERTH_SPEC_INVALID', said));
    }
    assert.deepEqual(fake.pending, []);
  });

  test('for a domain by its UUID alone is told of domainOf', async (t) => {
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t);
    const call = connection.call.bind(connection) as Loose;
    await assert.rejects(call(domainGetInfo, { dom: { uuid: UUID } }, WAIT), (error) => {
      assert.ok(isBerthError(error, 'BERTH_SPEC_INVALID'));
      assert.match(error.hint, /domainOf\(uuid\)/);
      return true;
    });
  });
});

describe('connecting from plain JavaScript', () => {
  test('without a wait, options or URI is refused with a code, or does without', async (t) => {
    const fake = await FakeDaemon.start(t);
    const loosely = connect as Loose;
    await assert.rejects(loosely(fake.uri), coded('BERTH_SPEC_INVALID', /^deadline of connecting/));
    await assert.rejects(loosely(fake.uri, {}), coded('BERTH_SPEC_INVALID', /it is missing/));
    await assert.rejects(loosely(null, {}, WAIT), coded('BERTH_URI_INVALID', /a URI is a string/));
    await assert.rejects(loosely(), coded('BERTH_URI_INVALID'));
    assert.throws(() => (parseUri as (uri: unknown) => unknown)(5), coded('BERTH_URI_INVALID'));
    const connection = (await loosely(fake.uri, null, WAIT)) as Connection;
    fake.die();
    await connection.closed;
  });
});
