import { generateKeyPair } from 'node:crypto';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readIfThere } from '../system/read-if-there.ts';
import { runCommand } from '../system/run-command.ts';

const OPENSSL_DEADLINE_MS = 30_000;
const VALID_DAYS = '365';

/**
 * A lab's own certificate authority and the client's certificate, made in `folder` unless they are
 * there, by the names that libvirt looks for below `pkipath=`: cacert.pem, clientcert.pem and
 * clientkey.pem (libvirt 9.0, rpc/virnettlscontext.c).
 * @throws BERTH_PACKAGES_NEEDED without openssl, BERTH_COMMAND_FAILED.
 */
export async function makeAuthority(
  folder: string,
  lab: string,
  signal: AbortSignal,
): Promise<void> {
  if ((await readIfThere(join(folder, 'clientcert.pem'))) !== undefined) return;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const key = await makeKey(join(folder, 'ca'));
  await writeFile(join(folder, 'ca.ext'), extensions(['CA:TRUE'], 'keyCertSign', []));
  const subject = ['-subj', `/CN=Berth lab ${lab}`, '-days', VALID_DAYS];
  await openssl(
    ['-new', '-key', key, ...subject, '-extfile', join(folder, 'ca.ext')],
    join(folder, 'cacert.pem'),
    signal,
  );
  await issue(folder, { file: 'client', subject: 'client', names: [] }, signal);
  await copyFile(join(folder, 'client.key'), join(folder, 'clientkey.pem'));
  await copyFile(join(folder, 'client.pem'), join(folder, 'clientcert.pem'));
}

/**
 * A host's certificates, signed by the authority in `authority`, put into `folder` by the names of
 * libvirt-config.ts. The client's are a copy of the server's: hosts are clients of each other when
 * guests move between them.
 * @param keyMode of the private keys: QEMU reads its own as another user.
 */
export async function makeHostCertificates(
  authority: string,
  folder: string,
  host: { readonly name: string; readonly address: string; readonly keyMode: number },
  signal: AbortSignal,
): Promise<void> {
  const names = [`DNS:${host.name}`, `IP:${host.address}`];
  await issue(authority, { file: host.name, subject: host.name, names }, signal);
  await mkdir(folder, { recursive: true });
  await copyFile(join(authority, 'cacert.pem'), join(folder, 'ca-cert.pem'));
  const key = await readFile(join(authority, `${host.name}.key`));
  for (const side of ['server', 'client']) {
    await copyFile(join(authority, `${host.name}.pem`), join(folder, `${side}-cert.pem`));
    const path = join(folder, `${side}-key.pem`);
    await rm(path, { force: true }); // its mode would stay
    await writeFile(path, key, { mode: host.keyMode });
  }
  for (const suffix of ['key', 'pub', 'pem', 'ext']) {
    await rm(join(authority, `${host.name}.${suffix}`));
  }
}

interface Issue {
  readonly file: string;
  readonly subject: string;
  /** Alternative names of the subject, as OpenSSL spells them. */
  readonly names: readonly string[];
}

async function issue(folder: string, { file, subject, names }: Issue, signal: AbortSignal) {
  const at = (suffix: string): string => join(folder, `${file}.${suffix}`);
  await makeKey(join(folder, file));
  // GnuTLS asks for keyEncipherment too, whatever the kind of key (libvirt 9.0, sanity checks).
  const usage = 'digitalSignature,keyEncipherment';
  await writeFile(at('ext'), extensions(['CA:FALSE'], usage, names));
  const signer = ['-CA', join(folder, 'cacert.pem'), '-CAkey', join(folder, 'ca.key')];
  const what = ['-force_pubkey', at('pub'), '-subj', `/CN=${subject}`, '-days', VALID_DAYS];
  await openssl(['-new', ...what, ...signer, '-extfile', at('ext')], at('pem'), signal);
}

function extensions(basic: readonly string[], usage: string, names: readonly string[]): string {
  const lines = [
    `basicConstraints=critical,${basic.join(',')}`,
    `keyUsage=critical,${usage}`,
    ...(basic.includes('CA:TRUE') ? [] : ['extendedKeyUsage=serverAuth,clientAuth']),
    ...(names.length === 0 ? [] : [`subjectAltName=${names.join(',')}`]),
  ];
  return `${lines.join('\n')}\n`;
}

/** An elliptic-curve key pair in PATH.key and PATH.pub; made in a millisecond, unlike RSA's. */
async function makeKey(path: string): Promise<string> {
  const pair = await promisify(generateKeyPair)('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  await writeFile(`${path}.key`, pair.privateKey, { mode: 0o600 });
  await writeFile(`${path}.pub`, pair.publicKey);
  return `${path}.key`;
}

async function openssl(args: readonly string[], out: string, signal: AbortSignal): Promise<void> {
  await runCommand(['openssl', 'x509', ...args, '-out', out], {
    deadlineMs: OPENSSL_DEADLINE_MS,
    packages: ['openssl'],
    writesTo: out,
    signal,
  });
}
