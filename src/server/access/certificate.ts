import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { berthError } from '../../base/errors.ts';

/** Where the certificate and the key of the server are: PEM files; the first may hold a chain. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

/** A certificate that can be used now, with its key. */
export interface ServerCertificate {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** When it expires, in milliseconds since the epoch. */
  readonly expiresAt: number;
  /** SHA-256 of the certificate, as browsers and openssl show it. */
  readonly fingerprint: string;
}

const WHERE = 'this server';

/**
 * Reads a certificate and its key, and makes sure that they can be used.
 * @throws BERTH_CERTIFICATE for files that cannot be read, do not belong together, or have expired.
 */
export async function readCertificate(
  files: CertificateFiles,
  now: number,
): Promise<ServerCertificate> {
  const cert = await readPem(files.certificate);
  const key = await readPem(files.key);
  const first = parsed(files.certificate, 'certificate', () => new X509Certificate(cert));
  const own = parsed(files.key, 'private key without a password', () => createPrivateKey(key));
  if (!first.checkPrivateKey(own)) {
    const reason = `the key ${files.key} is not that of the certificate ${files.certificate}`;
    throw fault('file', reason, 'give the key that the certificate was made with');
  }
  if (now < Date.parse(first.validFrom)) {
    const reason = `the certificate ${files.certificate} is not valid before ${first.validFrom}`;
    throw fault('file', reason, 'wait until then; and check the clock of this machine');
  }
  const expiresAt = Date.parse(first.validTo);
  if (now >= expiresAt) {
    const reason = `the certificate ${files.certificate} expired on ${first.validTo}`;
    throw fault('expired', reason, 'renew it; and check the clock of this machine');
  }
  return { cert, key, expiresAt, fingerprint: first.fingerprint256 };
}

async function readPem(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    const remedy = `check that the file is there and that the user of the server can read it`;
    throw fault('file', `${path} cannot be read (${code})`, remedy, error);
  }
}

function parsed<T>(path: string, what: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    const remedy = 'give it in PEM form: openssl x509 -in FILE -text, openssl pkey -in FILE -check';
    throw fault('file', `${path} holds no ${what}`, remedy, error);
  }
}

function fault(kind: 'file' | 'expired', reason: string, remedy: string, cause?: unknown): Error {
  return berthError('BERTH_CERTIFICATE', { where: WHERE, fault: kind, reason, remedy }, { cause });
}
