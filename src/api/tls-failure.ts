import { berthError } from '../base/errors.ts';

/** Why Node does not accept a certificate, by its own codes (OpenSSL's X509_V_ERR_*, and its own). */
const UNTRUSTED: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_UNTRUSTED',
  'CERT_SIGNATURE_FAILURE',
]);

/** The coded error for a certificate of a server that is not accepted; undefined for another failure. */
export function certificateFailure(url: string, error: Error): Error | undefined {
  const code = 'code' in error ? String(error.code) : '';
  if (UNTRUSTED.has(code)) {
    return berthError('BERTH_CERTIFICATE', {
      where: url,
      fault: 'untrusted',
      reason: 'nobody whom this machine trusts vouches for its certificate',
      remedy:
        'give the certificate of its authority, or its own: berth login URL --ca FILE, or BERTH_CA=FILE',
    });
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    const reason = `its certificate ${code === 'CERT_HAS_EXPIRED' ? 'has expired' : 'is not valid yet'}`;
    const remedy = 'let it be renewed there; and check the clock of this machine';
    return berthError('BERTH_CERTIFICATE', { where: url, fault: 'expired', reason, remedy });
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const reason = 'its certificate is for another name';
    const remedy =
      'name the server as its certificate does: openssl x509 -noout -ext subjectAltName';
    return berthError('BERTH_CERTIFICATE', { where: url, fault: 'wrong-name', reason, remedy });
  }
  return undefined;
}
