import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { berthError, type BerthError } from '../../base/errors.ts';
import type { Clock } from '../rpc/clock.ts';
import { shareWait, within, type Wait } from '../rpc/wait.ts';
import type { LibvirtUri } from '../uri.ts';
import { hostOf, netRefusal, TCP_SILENCE_MS } from './dial-tcp.ts';
import { openSocket } from './open-socket.ts';
import type { Environment } from './socket-location.ts';
import { isSwitchedOn } from './switched-on.ts';
import { readTlsFiles, type TlsFiles } from './tls-files.ts';
import { TlsStream } from './tls-stream.ts';

/** Where libvirt listens unless told otherwise (libvirt 9.0, remote_driver.h). */
const TLS_PORT = 16_514;

/** What the daemon sends once it has accepted the client's certificate (libvirt 9.0, virnettlscontext.c). */
const ACCEPTED = 1;

/** OpenSSL's verdicts on the daemon's certificate (X509_V_ERR_*, as Node names them). */
const EXPIRED: ReadonlySet<string> = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']);
const FOREIGN: ReadonlySet<string> = new Set([
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

interface Peer {
  readonly host: string;
  readonly port: number;
  readonly files: TlsFiles;
}

/**
 * Connects by TLS: the daemon's certificate must name the host of the URI (unless `no_verify=1`),
 * and ours is shown to it. The connection is ready once the daemon has said that it accepts ours.
 * @throws BERTH_CERTIFICATE, BERTH_UNSUPPORTED for `tls_priority=`, BERTH_HOST_NAME,
 * BERTH_CONNECTION_CLOSED, BERTH_PROTOCOL, BERTH_DEADLINE, BERTH_INTERRUPTED.
 */
export async function dialTls(
  uri: LibvirtUri,
  environment: Environment,
  clock: Clock,
  wait: Wait,
): Promise<Duplex> {
  const host = hostOf(uri);
  const port = uri.port ?? TLS_PORT;
  refusePriority(uri);
  const rest = shareWait(clock, wait, `connecting to ${uri.text}`);
  const isVerified = !isSwitchedOn(uri, 'no_verify');
  const files = await readTlsFiles(uri, environment, isVerified);
  const peer = { host, port, files };
  const socket = connect({
    host,
    port,
    secureContext: contextOf(peer),
    rejectUnauthorized: isVerified,
    // An address is no name to ask for (RFC 6066, section 3); it is checked all the same.
    ...(isIP(host) === 0 ? { servername: host } : {}),
  })
    .setNoDelay(true)
    .setKeepAlive(true, TCP_SILENCE_MS);
  const opening = {
    what: `connecting to ${host}:${port}`,
    event: 'secureConnect',
    refusal: (error: NodeJS.ErrnoException) => refusalOf(peer, error, isRefused(socket)),
  } as const;
  await openSocket(socket, opening, clock, rest());
  try {
    await within(verdict(socket, peer), `the answer of ${host} to our certificate`, clock, rest());
    return new TlsStream(socket);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function refusePriority({ text, transportParameters }: LibvirtUri): void {
  const priority = transportParameters.get('tls_priority');
  if (priority === undefined || priority === '' || priority === 'NORMAL') return;
  throw berthError('BERTH_UNSUPPORTED', {
    what: `the parameter tls_priority of ${text}`,
    why: 'it is in the language of GnuTLS, and this client uses OpenSSL; its defaults (TLS 1.2 and 1.3) serve without it',
  });
}

function contextOf({ host, files }: Peer): SecureContext {
  const { ca, revoked, own, places } = files;
  try {
    return createSecureContext({
      ...(ca === undefined ? {} : { ca }),
      ...(revoked === undefined ? {} : { crl: revoked }),
      ...(own === undefined ? {} : { cert: own.certificate, key: own.key }),
    });
  } catch (error) {
    const ours = own === undefined ? [] : [places.certificate, places.key];
    const all = [places.ca, ...(revoked === undefined ? [] : [places.revoked]), ...ours];
    throw berthError(
      'BERTH_CERTIFICATE',
      {
        where: host,
        fault: 'file',
        reason: `not all of these can be used: ${all.join(', ')} (${codeOf(error)})`,
        remedy: 'they must be PEM files, the key without a passphrase and of that certificate',
      },
      { cause: error },
    );
  }
}

/**
 * Waits for the daemon's byte. It looks at the client's certificate after the handshake, and hangs
 * up on one that it does not like.
 */
async function verdict(socket: TLSSocket, peer: Peer): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const look = (): void => {
    const byte: Buffer | null = socket.read(1);
    if (byte === null) return;
    if (byte[0] === ACCEPTED) return resolve();
    const problem = `after the handshake it sent ${byte[0]}, where libvirt sends ${ACCEPTED}`;
    reject(berthError('BERTH_PROTOCOL', { where: `${peer.host} port ${peer.port}`, problem }));
  };
  const refused = (error?: Error) => reject(ownRefused(peer, error));
  socket.on('readable', look).once('end', refused).once('close', refused).once('error', refused);
  try {
    look();
    await promise;
  } finally {
    socket.off('readable', look).off('end', refused).off('close', refused).off('error', refused);
  }
}

/** True once its certificate was looked at and found wanting, whatever it lacks. */
function isRefused({ authorizationError }: TLSSocket): boolean {
  return Boolean(authorizationError);
}

function refusalOf(peer: Peer, error: NodeJS.ErrnoException, isUnfit: boolean): BerthError {
  const { host, port } = peer;
  const code = error.code ?? '';
  const where = `${host} port ${port}`;
  const cause = { cause: error };
  if (!isUnfit) return isAlert(code) ? ownRefused(peer, error) : tlsFailure(peer, error);
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID' || code === 'HOSTNAME_MISMATCH') {
    const reason = `its certificate is for another name than "${host}" (${error.message})`;
    const remedy = 'use a name in the URI that the certificate has';
    return berthError('BERTH_CERTIFICATE', { where, fault: 'wrong-name', reason, remedy }, cause);
  }
  if (EXPIRED.has(code)) {
    const reason = `its certificate is out of date (${code})`;
    const remedy = 'renew it there, and look whether the clocks of both sides are right';
    return berthError('BERTH_CERTIFICATE', { where, fault: 'expired', reason, remedy }, cause);
  }
  if (FOREIGN.has(code)) {
    const reason = `its certificate is not from the authority in ${peer.files.places.ca} (${code})`;
    const remedy = 'put the certificate of the authority that signed it there';
    return berthError('BERTH_CERTIFICATE', { where, fault: 'untrusted', reason, remedy }, cause);
  }
  const reason = `its certificate does not hold against ${peer.files.places.ca} (${code})`;
  const remedy = 'that code of OpenSSL says why: openssl help verify; mend the certificates there';
  return berthError('BERTH_CERTIFICATE', { where, fault: 'untrusted', reason, remedy }, cause);
}

/** OpenSSL 3 numbers the other side's alerts; Node names them like this. */
function isAlert(code: string): boolean {
  return /^ERR_SSL_.*_ALERT_/.test(code);
}

function tlsFailure({ host, port }: Peer, error: NodeJS.ErrnoException): BerthError {
  if (!codeOf(error).startsWith('ERR_SSL_')) return netRefusal(host, port, error);
  const problem = `no TLS handshake is possible (${codeOf(error)})`;
  const where = `${host} port ${port}`;
  return berthError('BERTH_PROTOCOL', { where, problem }, { cause: error });
}

function ownRefused({ host, port, files }: Peer, cause?: Error): BerthError {
  const { own, places } = files;
  return berthError(
    'BERTH_CERTIFICATE',
    {
      where: `${host} port ${port}`,
      fault: 'refused',
      reason:
        own === undefined
          ? `the daemon asks for a client certificate, and there is none in ${places.certificate}`
          : `the daemon refuses our certificate ${places.certificate} (${described(own.certificate)})`,
      remedy:
        "have it signed by the daemon's authority and in date; tls_allowed_dn_list there may name who may come in",
    },
    { cause },
  );
}

function described(certificate: Buffer): string {
  const { subject, issuer, validFrom, validTo } = new X509Certificate(certificate);
  const from = oneLine(issuer);
  return `${oneLine(subject)}, signed by ${from}, valid from ${validFrom} to ${validTo}`;
}

function oneLine(name: string | undefined): string {
  return (name ?? '').replaceAll('\n', ', ');
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'no code';
}
