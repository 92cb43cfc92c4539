import { berthError } from '../../base/errors.ts';
import type { LibvirtUri } from '../uri.ts';

/**
 * True for a parameter that is a number other than 0. As in libvirt, anything else than a whole
 * number is refused: `no_verify=false` must not switch verification off.
 * @throws BERTH_URI_INVALID.
 */
export function isSwitchedOn({ text, transportParameters }: LibvirtUri, name: string): boolean {
  const value = transportParameters.get(name);
  if (value === undefined) return false;
  if (/^-?\d{1,9}$/.test(value)) return Number(value) !== 0;
  const problem = `${name} is "${value}", where 1 switches it on and 0 off`;
  throw berthError('BERTH_URI_INVALID', { uri: text, problem });
}
