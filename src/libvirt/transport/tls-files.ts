import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { berthError } from '../../base/errors.ts';
import type { LibvirtUri } from '../uri.ts';
import type { Environment } from './socket-location.ts';

/** Places of the system's files, as libvirt is built by distributions (libvirt 9.0, virnettlscontext.c). */
const SYSTEM = {
  ca: '/etc/pki/CA/cacert.pem',
  revoked: '/etc/pki/CA/cacrl.pem',
  certificate: '/etc/pki/libvirt/clientcert.pem',
  key: '/etc/pki/libvirt/private/clientkey.pem',
};

/** Where the files of a TLS connection are looked for. */
export type TlsPlaces = Readonly<typeof SYSTEM>;

/** What a TLS connection is made with, each of them PEM text. */
export interface TlsFiles {
  readonly places: TlsPlaces;
  /** Undefined where none is there and none is needed. */
  readonly ca: Buffer | undefined;
  readonly revoked: Buffer | undefined;
  /** This client's own certificate with its key; undefined where there is none. */
  readonly own: { readonly certificate: Buffer; readonly key: Buffer } | undefined;
}

/**
 * Reads the files of a TLS connection from `pkipath=`, else from the user's `~/.pki/libvirt`, else
 * from the system's places; for root there are only those. A client certificate may be missing,
 * since not every daemon asks for one.
 * @throws BERTH_CERTIFICATE for a file that is missing or cannot be read.
 */
export async function readTlsFiles(
  uri: LibvirtUri,
  environment: Environment,
  isVerified: boolean,
): Promise<TlsFiles> {
  const where = uri.host ?? uri.text;
  const places = await placesOf(uri, environment);
  const ca = await read(where, places.ca);
  if (ca === undefined && isVerified) {
    const remedy = 'put the certificate of your authority there, or name its folder with pkipath=';
    throw fileError(where, `there is no certificate authority in ${places.ca}`, remedy);
  }
  const certificate = await read(where, places.certificate);
  const key = certificate && (await read(where, places.key));
  if (certificate !== undefined && key === undefined) {
    const remedy = 'put the key that belongs to the certificate there';
    throw fileError(where, `${places.certificate} is there, but not its key ${places.key}`, remedy);
  }
  return {
    places,
    ca,
    revoked: await read(where, places.revoked),
    own: certificate && key && { certificate, key },
  };
}

/** Each file is looked for by itself, but a certificate and its key only together, as in libvirt. */
async function placesOf(uri: LibvirtUri, { uid, home }: Environment): Promise<TlsPlaces> {
  const given = uri.transportParameters.get('pkipath');
  if (given !== undefined && given !== '') return placesIn(given);
  if (uid === 0 || home === undefined || home === '') return SYSTEM;
  const user = placesIn(join(home, '.pki', 'libvirt'));
  const pair = (await isThere(user.certificate)) && (await isThere(user.key)) ? user : SYSTEM;
  return {
    ca: (await isThere(user.ca)) ? user.ca : SYSTEM.ca,
    revoked: (await isThere(user.revoked)) ? user.revoked : SYSTEM.revoked,
    certificate: pair.certificate,
    key: pair.key,
  };
}

function placesIn(folder: string): TlsPlaces {
  return {
    ca: join(folder, 'cacert.pem'),
    revoked: join(folder, 'cacrl.pem'),
    certificate: join(folder, 'clientcert.pem'),
    key: join(folder, 'clientkey.pem'),
  };
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function read(where: string, path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException; // node:fs throws nothing else
    if (code === 'ENOENT') return undefined;
    const remedy = 'let this user read it, or name a folder of your own with pkipath=';
    throw fileError(where, `${path} cannot be read (${code})`, remedy, error);
  }
}

function fileError(where: string, reason: string, remedy: string, cause?: unknown): Error {
  return berthError('BERTH_CERTIFICATE', { where, fault: 'file', reason, remedy }, { cause });
}
