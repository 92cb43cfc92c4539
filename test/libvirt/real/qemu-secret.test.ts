import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  connectListAllSecrets,
  ErrorCode,
  secretDefineXml,
  SecretDefineFlag,
  SecretEvent,
  SecretEventType,
  secretGetValue,
  secretGetXmlDesc,
  SecretListFlag,
  secretLookupByUsage,
  secretLookupByUuid,
  secretSetValue,
  secretUndefine,
  SecretUsageType,
} from '../../../src/libvirt/index.ts';
import { refusedWith } from '../../refusal.ts';
import { open, python, skip, WAIT } from '../daemon.ts';

/** A secret for a volume of that path. */
function secretXml(path: string, isPrivate: 'yes' | 'no'): string {
  return `<secret ephemeral='no' private='${isPrivate}'><usage type='volume'><volume>${path}</volume></usage></secret>`;
}

describe('secrets, through a real libvirtd', { skip, concurrency: false }, () => {
  test('are defined, found, given a value and read, each change told about', async (t) => {
    const connection = await open(t, 'qemu');
    const life = await connection.subscribe(SecretEvent.lifecycle, {}, WAIT);
    const values = await connection.subscribe(SecretEvent.valueChanged, {}, WAIT);
    const { secret } = await connection.call(secretDefineXml, { xml: secretXml('/v', 'no') }, WAIT);
    const { uuid } = secret;
    assert.deepEqual(secret, { uuid, usageType: SecretUsageType.volume, usageId: '/v' });
    assert.deepEqual(await life.take(WAIT), { secret, event: SecretEventType.defined, detail: 0 });
    assert.deepEqual(await connection.call(secretLookupByUuid, { uuid }, WAIT), { secret });
    const usage = { usageType: SecretUsageType.volume, usageId: '/v' };
    assert.deepEqual(await connection.call(secretLookupByUsage, usage, WAIT), { secret });
    const found = `c.secretLookupByUsage(VIR_SECRET_USAGE_TYPE_VOLUME, '/v')`;
    assert.equal(uuid, await python('qemu', `${found}.UUIDString()`));
    const { xml } = await connection.call(secretGetXmlDesc, { secret }, WAIT);
    assert.equal(xml, await python('qemu', `${found}.XMLDesc()`));
    await assert.rejects(
      connection.call(secretGetValue, { secret }, WAIT),
      refusedWith(ErrorCode.noSecret),
    );
    const value = Buffer.from([0, 255, 10, 13, 65]);
    await connection.call(secretSetValue, { secret, value }, WAIT);
    assert.deepEqual(await values.take(WAIT), { secret });
    assert.deepEqual(await python('qemu', `list(${found}.value())`), [...value]);
    const read = await connection.call(secretGetValue, { secret }, WAIT);
    assert.deepEqual([...read.value], [...value]);
    await connection.call(secretUndefine, { secret }, WAIT);
    const gone = { secret, event: SecretEventType.undefined, detail: 0 };
    assert.deepEqual(await life.take(WAIT), gone);
    await assert.rejects(
      connection.call(secretLookupByUuid, { uuid }, WAIT),
      refusedWith(ErrorCode.noSecret),
    );
  });

  test('keep their value to themselves where they are private', async (t) => {
    const connection = await open(t, 'qemu');
    const flags = connection.libVersion < 7_007_000 ? 0 : SecretDefineFlag.validate;
    const xml = secretXml('/p', 'yes');
    const { secret } = await connection.call(secretDefineXml, { xml, flags }, WAIT);
    await connection.call(secretSetValue, { secret, value: Buffer.from('password') }, WAIT);
    await assert.rejects(
      connection.call(secretGetValue, { secret }, WAIT),
      refusedWith(ErrorCode.invalidSecret),
    );
    const chosen = { flags: SecretListFlag.private };
    const { secrets, ret } = await connection.call(connectListAllSecrets, chosen, WAIT);
    assert.deepEqual([ret, secrets], [1, [secret]]);
    const theirs = `[s.UUIDString() for s in c.listAllSecrets(${SecretListFlag.private})]`;
    assert.deepEqual(await python('qemu', theirs), [secret.uuid]);
    await connection.call(secretUndefine, { secret }, WAIT);
  });
});
