/** Secrets: what disks and TPMs are unlocked with. */
import { always, flags, list, opaque, string, u32 } from '../xdr/codec.ts';
import { command, query } from '../rpc/procedure.ts';
import { OBJECTS_MAX, secret } from './objects.ts';

/** Longest value of a secret. */
const SECRET_BYTES_MAX = 65_536;

/** All secrets that the flags choose (SecretListFlag); values are not among what is listed. */
export const connectListAllSecrets = query(
  'connectListAllSecrets',
  287,
  { needResults: always(1), flags },
  { secrets: list(secret, OBJECTS_MAX), ret: u32 },
);

export const secretDefineXml = command('secretDefineXml', 142, { xml: string, flags }, { secret });

export const secretGetXmlDesc = query('secretGetXmlDesc', 143, { secret, flags }, { xml: string });

/** Sets the value; it cannot be read back where the secret is private. */
export const secretSetValue = command(
  'secretSetValue',
  144,
  { secret, value: opaque(SECRET_BYTES_MAX), flags },
  {},
);

export const secretUndefine = command('secretUndefine', 146, { secret }, {});
