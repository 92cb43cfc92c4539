/** How a guest's memory is kept from its host: encrypted by the processor (AMD SEV), and attested. */
import { flags } from '../xdr/codec.ts';
import { typedParams } from '../xdr/typed-param.ts';
import { command, query } from '../rpc/procedure.ts';
import { domain } from './objects.ts';

const LAUNCH_PARAMS_MAX = 64;

/**
 * What such a guest can be attested with: `sev-measurement`, versions and the policy, while it is
 * paused before its first instruction. Of other guests nothing is told. No flags are known.
 *
 * @since 4.5.0
 */
export const domainGetLaunchSecurityInfo = query(
  'domainGetLaunchSecurityInfo',
  396,
  { dom: domain, flags },
  { params: typedParams(LAUNCH_PARAMS_MAX) },
);

/**
 * Puts a secret into such a guest once it has been attested: `sev-secret-header` and `sev-secret` as
 * base64 (string), `sev-secret-set-address` (ullong). No flags are known.
 *
 * @since 8.0.0
 */
export const domainSetLaunchSecurityState = command(
  'domainSetLaunchSecurityState',
  439,
  { dom: domain, params: typedParams(LAUNCH_PARAMS_MAX), flags },
  {},
);
