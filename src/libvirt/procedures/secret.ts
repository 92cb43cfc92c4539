/** Secrets: what disks, storage servers and TPMs are unlocked with. */
import { always, flags, i32, list, opaque, string, u32 } from '../xdr/codec.ts';
import { uuid } from '../xdr/uuid.ts';
import { command, query } from '../rpc/procedure.ts';
import { OBJECTS_MAX, secret } from './objects.ts';

/** Longest value of a secret. */
const SECRET_BYTES_MAX = 65_536;

/**
 * All secrets that the flags choose (SecretListFlag), without their values; `ret` is how many.
 *
 * @since 0.10.2
 */
export const connectListAllSecrets = query(
  'connectListAllSecrets',
  287,
  { needResults: always(1), flags },
  { secrets: list(secret, OBJECTS_MAX), ret: u32 },
);

/**
 * The secret of that UUID; code 66 where there is none.
 *
 * @since 0.7.1
 */
export const secretLookupByUuid = query('secretLookupByUuid', 141, { uuid }, { secret });

/**
 * Defines a secret, without a value yet. Flags: SecretDefineFlag.
 *
 * @since 0.7.1
 */
export const secretDefineXml = command('secretDefineXml', 142, { xml: string, flags }, { secret });

/**
 * The secret as XML; its value is not in it.
 *
 * @since 0.7.1
 */
export const secretGetXmlDesc = query('secretGetXmlDesc', 143, { secret, flags }, { xml: string });

/**
 * Sets the value, bytes of any kind; it cannot be read back where the secret is private.
 *
 * @since 0.7.1
 */
export const secretSetValue = command(
  'secretSetValue',
  144,
  { secret, value: opaque(SECRET_BYTES_MAX), flags },
  {},
);

/**
 * The value; code 65 where the secret is private, 66 where it has none yet.
 *
 * @since 0.7.1
 */
export const secretGetValue = query(
  'secretGetValue',
  145,
  { secret, flags },
  { value: opaque(SECRET_BYTES_MAX) },
);

/**
 * Removes a secret with its value.
 *
 * @since 0.7.1
 */
export const secretUndefine = command('secretUndefine', 146, { secret }, {});

/**
 * The secret for one use: a SecretUsageType and the id that goes with it (a volume's path, a
 * server's name). Code 66 where there is none.
 *
 * @since 0.7.1
 */
export const secretLookupByUsage = query(
  'secretLookupByUsage',
  147,
  { usageType: i32, usageId: string },
  { secret },
);
